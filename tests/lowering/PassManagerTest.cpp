// Order, flags and reports of the pass manager, on passes made for the purpose.
#include "lowering/PassManager.h"

#include "ir/Parser.h"

#include <gtest/gtest.h>

using namespace cameo;

namespace {

std::string log;

Result<bool> first(Module &, PassContext &) {
  log += "a";
  return false;
}
Result<bool> second(Module &module, PassContext &) {
  log += "b";
  Block &body = module.main().body;
  Op *op = body.ops().front().get();
  if (op == body.terminator())
    return false;
  op->result()->replaceAllUsesWith(op->operand(0));
  op->erase();
  return true;
}
Result<bool> third(Module &, PassContext &) {
  log += "n";
  return false;
}
Result<bool> refuses(Module &, PassContext &) { return unsupported("node 'x': no"); }
Result<bool> breaks(Module &module, PassContext &) {
  module.main().body.terminator()->erase();
  return true;
}
Result<bool> lies(Module &module, PassContext &) {
  module.main().body.terminator()->erase();
  return false;
}

constexpr PassNeed kRequired = PassNeed::Required, kOptional = PassNeed::Optional;
const PassInfo kPasses[] = {{"a", first, kOptional, ""},       {"b", second, kOptional, ""},
                            {"needed", third, kRequired, ""},  {"refuses", refuses, kRequired, ""},
                            {"breaks", breaks, kRequired, ""}, {"lies", lies, kOptional, ""}};
const PipelineStep kSteps[] = {{"one", "a"}, {"one", "b"}, {"two", "a"}, {"two", "b"}};

struct Outcome {
  std::string passes, output, error;
  PassReport report;
};

Outcome run(PassManagerOptions options, std::span<const PipelineStep> steps = kSteps) {
  Result<Module> module = parseModule(
      "module \"m\" { func @f(%x: f32[]) { %y = Relu(%x)\n%z = Relu(%y)\nreturn(%z) } }", "t");
  Outcome result;
  log.clear();
  options.output = [&](std::string_view text) { result.output += text; };
  PassContext context;
  Result<PassReport> report = runPasses(*module, context, steps, kPasses, options);
  result.passes = log;
  if (report)
    result.report = *report;
  else
    result.error = report.error().message;
  return result;
}

TEST(PassManager, RunsInOrderAndReports) {
  Outcome all = run({});
  EXPECT_EQ(all.passes, "abab");
  EXPECT_EQ(all.output, "");
  ASSERT_EQ(all.report.records.size(), 4u);
  EXPECT_FALSE(all.report.stopped);
  EXPECT_FALSE(all.report.records[0].changed);
  EXPECT_TRUE(all.report.records[1].changed);
  EXPECT_EQ(all.report.records[1].opsBefore, 3);
  EXPECT_EQ(all.report.records[1].opsAfter, 2);
}

TEST(PassManager, Stops) {
  EXPECT_EQ(run({.stopAfter = "b"}).passes, "ab");
  EXPECT_EQ(run({.stopAfter = "one"}).passes, "ab");
  EXPECT_EQ(run({.stopAfter = "two"}).passes, "abab");
  EXPECT_TRUE(run({.stopAfter = "two"}).report.stopped);
  EXPECT_EQ(run({.stopAfter = "three"}).error, "no pass or phase of the pipeline is named 'three'");
}

TEST(PassManager, SkipsAndBisects) {
  EXPECT_EQ(run({.skipPasses = {"a"}}).passes, "bb");
  EXPECT_EQ(run({.skipPasses = {"c"}}).error, "unknown pass 'c'");
  EXPECT_EQ(run({.skipPasses = {"a", "needed", "breaks"}}).error,
            "--skip-passes: no code can be made without 'needed' and 'breaks'");
  Outcome bisected = run({.bisectLimit = 3});
  EXPECT_EQ(bisected.passes, "aba");
  EXPECT_EQ(bisected.output,
            "bisect: pass 1 a\nbisect: pass 2 b\nbisect: pass 3 a\nbisect: not 4 b\n");
}

TEST(PassManager, RequiredPassesAlwaysRun) {
  const PipelineStep steps[] = {{"", "needed"}, {"", "a"}, {"", "needed"}, {"", "b"}};
  EXPECT_EQ(run({.bisectLimit = 0}, steps).passes, "nn");
  Outcome bisected = run({.bisectLimit = 1}, steps);
  EXPECT_EQ(bisected.passes, "nan");
  EXPECT_EQ(bisected.output, "bisect: pass 1 a\nbisect: not 2 b\n");
  // A pass that is skipped keeps its number.
  EXPECT_EQ(run({.skipPasses = {"a"}, .bisectLimit = 2}, steps).passes, "nnb");
  EXPECT_EQ(optionalSteps(steps, kPasses).size(), 2u);
}

TEST(PassManager, Prints) {
  Outcome printed = run({.printAfter = {"b"}, .stopAfter = "one"});
  EXPECT_EQ(printed.output, "// after b\nmodule \"m\" {\n  func @f(%x: f32[]) {\n"
                            "    %z = Relu(%x) : f32[]\n    return(%z)\n  }\n}\n");
  EXPECT_NE(run({.printAfterAll = true}).output.find("// after a (no change)\n"),
            std::string::npos);
  std::string table = run({.timePasses = true}).output;
  EXPECT_NE(table.find("in all"), std::string::npos) << table;
}

TEST(PassManager, ErrorsOfPasses) {
  const PipelineStep refused[] = {{"", "refuses"}, {"", "a"}};
  Outcome run1 = run({}, refused);
  EXPECT_EQ(run1.error, "node 'x': no");
  EXPECT_EQ(run1.passes, "");
  const PipelineStep broken[] = {{"", "breaks"}};
  EXPECT_EXIT(run({}, broken), testing::ExitedWithCode(4),
              "pass 'breaks' left a malformed module: function '@f': expected 'return'");
  const PipelineStep untrue[] = {{"", "lies"}};
  EXPECT_EXIT(run({}, untrue), testing::ExitedWithCode(4), "pass 'lies' left a malformed module");
}

TEST(PassManager, StepsFromText) {
  Result<std::vector<PipelineStep>> steps = stepsFromText("b,a", kPasses);
  ASSERT_TRUE(steps);
  EXPECT_EQ(run({}, *steps).passes, "ba");
  EXPECT_EQ(stepsFromText("b,,a", kPasses).error().message, "unknown pass ''");
}

} // namespace
