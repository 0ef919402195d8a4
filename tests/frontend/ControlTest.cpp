// Nodes with subgraphs, and the types of values carried from one iteration to the next.
#include "Models.h"

namespace cameo::test {
namespace {

TEST(Control, IfCapturesOuterValues) {
  Model model(17);
  model.graph.input("c", {}, 9).input("x", {"N"}).output("y");
  onnx::NodeProto &node = model.graph.node("If", {"c"}, {"y"});
  Graph yes = setGraph(node, "then_branch"), no = setGraph(node, "else_branch");
  yes.output("a").node("Relu", {"x"}, {"a"});
  no.output("b").node("Neg", {"x"}, {"b"});
  std::unique_ptr<Module> module = model.ok();
  Op &op = find(module->main().body, "If");
  EXPECT_EQ(ops(op.region(0)), "Relu yield");
  EXPECT_EQ(ops(op.region(1)), "Neg yield");
  EXPECT_EQ(resultType(*module), "f32[N]");
}

TEST(Control, BranchesWithOtherSizes) {
  Model model(17);
  model.graph.input("c", {}, 9).output("y");
  onnx::NodeProto &node = model.graph.node("If", {"c"}, {"y"});
  setGraph(node, "then_branch").output("a").floats("a", {2}, {1, 2});
  setGraph(node, "else_branch").output("b").floats("b", {3}, {1, 2, 3});
  EXPECT_EQ(resultType(*model.ok()), "f32[s.0]");
}

TEST(Control, KnownConditionTakesItsBranch) {
  Model model(17);
  model.graph.input("x", {"2"}).output("y");
  model.graph.tensor("c", 9, {}).add_int32_data(0);
  onnx::NodeProto &node = model.graph.node("If", {"c"}, {"y"});
  Graph yes = setGraph(node, "then_branch"), no = setGraph(node, "else_branch");
  yes.output("a").node("Nonsense", {"x"}, {"a"});
  no.output("b").node("Neg", {"x"}, {"b"});
  EXPECT_EQ(ops(*model.ok()), "Neg return");
}

TEST(Control, MissingBranch) {
  Model model(17);
  model.graph.input("c", {}, 9).output("y");
  onnx::NodeProto &node = model.graph.node("If", {"c"}, {"y"});
  setGraph(node, "then_branch").output("a").floats("a", {2}, {1, 2});
  EXPECT_EQ(model.error(), "node 'If_0' (If): attribute 'else_branch' is missing or no graph");
}

/// A Loop that carries one value v, whose body the test writes.
struct Looping : Model {
  explicit Looping(const std::vector<std::string> &dims) : Model(17), body(graph) {
    graph.input("n", {}, 7).input("x", dims).output("y");
    node = &graph.node("Loop", {"n", "", "x"}, {"y"});
    body = setGraph(*node, "body");
    body.input("i", {}, 7).input("go", {}, 9).input("v", dims);
    body.output("go").output("next");
  }
  onnx::NodeProto *node;
  Graph body;
};

TEST(Control, LoopKeepsShapes) {
  Looping model({"N", "3"});
  model.body.node("Relu", {"v"}, {"next"});
  std::unique_ptr<Module> module = model.ok();
  EXPECT_EQ(find(module->main().body, "Loop").region().arg(2)->type.str(), "f32[N,3]");
  EXPECT_EQ(resultType(*module), "f32[N,3]");
}

TEST(Control, LoopThatGrowsAValue) {
  Looping model({"2", "3"});
  setInt(model.body.node("Concat", {"v", "v"}, {"next"}), "axis", 0);
  std::unique_ptr<Module> module = model.ok();
  EXPECT_EQ(find(module->main().body, "Loop").region().arg(2)->type.str(), "f32[s.0,3]");
  EXPECT_EQ(resultType(*module).find("f32[s."), 0u);
}

TEST(Control, LoopThatChangesRank) {
  Looping model({"2", "3"});
  model.body.ints("axes", {0}).node("Unsqueeze", {"v", "axes"}, {"next"});
  EXPECT_EQ(resultType(*model.ok()), "f32[*]");
}

TEST(Control, LoopThatChangesElementType) {
  Looping model({"2"});
  setInt(model.body.node("Cast", {"v"}, {"next"}), "to", 7);
  EXPECT_EQ(model.error(), "node 'Loop_0' (Loop): carried value 'v' is f32[2] before an iteration "
                           "and i64[2] after it");
}

TEST(Control, LoopBodyWithWrongInputs) {
  Looping model({"2"});
  model.body.input("w", {"2"}).node("Relu", {"v"}, {"next"});
  EXPECT_EQ(model.error(), "node 'Loop_0' (Loop): the subgraph '' has 4 inputs, expected 3");
}

TEST(Control, NestedLoopsWiden) {
  Looping model({"2"});
  onnx::NodeProto &inner = model.body.node("Loop", {"n", "", "v"}, {"next"});
  Graph body = setGraph(inner, "body");
  body.input("j", {}, 7).input("on", {}, 9).input("w", {"2"}).output("on").output("later");
  setInt(body.node("Concat", {"w", "v"}, {"later"}), "axis", 0);
  std::unique_ptr<Module> module = model.ok();
  Block &outer = find(module->main().body, "Loop").region();
  std::string carried = outer.arg(2)->type.str();
  EXPECT_EQ(carried.find("f32[s."), 0u);
  EXPECT_EQ(find(outer, "Loop").region().arg(2)->type.str().find("f32[s."), 0u);
}

TEST(Control, ChainOfCarriedValuesEnds) {
  // Each iteration moves the odd size one value further.
  Model model(17);
  constexpr int kValues = 300;
  model.graph.input("n", {}, 7).input("x", {"2"}).input("odd", {"5"}).output("y0");
  onnx::NodeProto &node = model.graph.node("Loop", {"n", ""}, {});
  Graph body = setGraph(node, "body");
  body.input("i", {}, 7).input("go", {}, 9).output("go");
  for (int i = 0; i < kValues; i++) {
    std::string number = std::to_string(i);
    node.add_input(i + 1 == kValues ? "odd" : "x");
    node.add_output("y" + number);
    body.input("v" + number, {"2"});
    body.node("Relu", {"v" + std::to_string(std::min(i + 1, kValues - 1))}, {"w" + number});
    body.output("w" + number);
  }
  EXPECT_EQ(resultType(*model.ok()).find("f32[s."), 0u);
}

TEST(Control, Scan) {
  Model model(17);
  model.graph.input("s", {"4"}).input("xs", {"N", "4"}).output("last").output("all");
  onnx::NodeProto &node = model.graph.node("Scan", {"s", "xs"}, {"last", "all"});
  setInt(node, "num_scan_inputs", 1);
  Graph body = setGraph(node, "body");
  body.input("sum", {"4"}).input("x", {"4"}).output("next").output("out");
  body.node("Add", {"sum", "x"}, {"next"});
  body.node("Identity", {"next"}, {"out"});
  std::unique_ptr<Module> module = model.ok();
  EXPECT_EQ(resultType(*module), "f32[4]");
  EXPECT_EQ(module->main().body.terminator()->operand(1)->type.str(), "f32[N,4]");
}

TEST(Control, ScanOfBatches) {
  Model model(8);
  model.graph.input("s", {"B", "4"}).input("xs", {"B", "T", "4"}).output("last").output("all");
  onnx::NodeProto &node = model.graph.node("Scan", {"", "s", "xs"}, {"last", "all"});
  setInt(node, "num_scan_inputs", 1);
  Graph body = setGraph(node, "body");
  body.input("sum", {"4"}).input("x", {"4"}).output("next").output("out");
  body.node("Add", {"sum", "x"}, {"next"});
  body.node("Identity", {"next"}, {"out"});
  std::unique_ptr<Module> module = model.ok();
  EXPECT_EQ(ops(find(module->main().body, "Scan").region()), "Scan(num_scan_inputs=1) yield");
  EXPECT_EQ(resultType(*module), "f32[B,4]");
  EXPECT_EQ(module->main().body.terminator()->operand(1)->type.str(), "f32[B,T,4]");
}

TEST(Control, ScanWithWrongAttributes) {
  Model model(17);
  model.graph.input("xs", {"N", "4"}).output("all");
  onnx::NodeProto &node = model.graph.node("Scan", {"xs"}, {"all"});
  Graph body = setGraph(node, "body");
  body.input("x", {"4"}).output("out").node("Relu", {"x"}, {"out"});
  std::string message = "node 'Scan_0' (Scan): attribute 'num_scan_inputs' is missing or does not "
                        "fit 1 inputs";
  EXPECT_EQ(model.error(), message);
  setFloat(node, "num_scan_inputs", 1);
  EXPECT_EQ(model.error(), message);
  node.mutable_attribute()->RemoveLast();
  setInt(node, "num_scan_inputs", INT64_MIN);
  EXPECT_EQ(model.error(), message);
}

TEST(Control, UnsupportedNodesInsideAreAllFound) {
  Model model(17);
  model.graph.input("c", {}, 9).output("y");
  onnx::NodeProto &node = model.graph.node("If", {"c"}, {"y"});
  Graph yes = setGraph(node, "then_branch"), no = setGraph(node, "else_branch");
  yes.output("a").node("Foo", {"c"}, {"a"});
  no.output("b").node("Bar", {"c"}, {"b"});
  onnx::NodeProto &after = model.graph.node("If", {"y"}, {"z"});
  setGraph(after, "then_branch").node("Baz", {"c"}, {"q"});
  Result<std::unique_ptr<Module>> module = model.import();
  ASSERT_FALSE(module);
  EXPECT_EQ(module.error().notes.size(), 3u);
}

} // namespace
} // namespace cameo::test
