// What nodes of old opsets become.
#include "Models.h"

#include "ir/OpSpec.h"

namespace cameo::test {
namespace {

/// A model of one node with input x, to be completed by the test.
struct OneNode : Model {
  OneNode(int64_t opset, const std::string &op, const std::vector<std::string> &dims,
          const std::vector<std::string> &inputs = {"x"})
      : Model(opset) {
    graph.input("x", dims).output("y");
    node = &graph.node(op, inputs, {"y"});
  }
  onnx::NodeProto *node;
};

TEST(Upgrade, SoftmaxOfMatrix) {
  OneNode model(11, "Softmax", {"N", "3", "4"});
  EXPECT_EQ(ops(*model.ok()), "Shape(start=0) Flatten(axis=1) Softmax(axis=-1) "
                              "Reshape(allowzero=1) return");
  EXPECT_EQ(resultType(*model.ok()), "f32[N,3,4]");
  setInt(*model.node, "axis", 2);
  EXPECT_EQ(ops(*model.ok()), "Softmax(axis=-1) return");
}

TEST(Upgrade, SoftmaxKeepsItsAxisSince13) {
  OneNode model(13, "Softmax", {"N", "3", "4"});
  setInt(*model.node, "axis", 1);
  EXPECT_EQ(ops(*model.ok()), "Softmax(axis=1) return");
}

TEST(Upgrade, LegacyBroadcast) {
  OneNode model(6, "Add", {"2", "3", "4"}, {"x", "b"});
  model.graph.floats("b", {3}, {1, 2, 3});
  setInt(*model.node, "broadcast", 1);
  setInt(*model.node, "axis", 1);
  std::unique_ptr<Module> module = model.ok();
  EXPECT_EQ(ops(*module), "Unsqueeze Add return");
  EXPECT_EQ(find(module->main().body, "Unsqueeze").result()->type.str(), "f32[3,1]");
  EXPECT_EQ(resultType(*module), "f32[2,3,4]");
}

TEST(Upgrade, LegacyBroadcastOfMismatchedAxis) {
  OneNode model(6, "Mul", {"2", "3"}, {"x", "b"});
  model.graph.floats("b", {3}, {1, 2, 3});
  setInt(*model.node, "broadcast", 1);
  setInt(*model.node, "axis", 9);
  EXPECT_EQ(model.error(), "node 'Mul_0' (Mul): axis 9 does not match f32[3] with f32[2,3]");
}

TEST(Upgrade, ClipBounds) {
  OneNode model(6, "Clip", {"4"});
  setFloat(*model.node, "max", 6);
  std::unique_ptr<Module> module = model.ok();
  Op &clip = find(module->main().body, "Clip");
  EXPECT_EQ(clip.operand(1), nullptr);
  EXPECT_EQ(contents(clip.operand(2)), std::vector<int64_t>{6});
}

TEST(Upgrade, CastByName) {
  OneNode model(5, "Cast", {"4"});
  setString(*model.node, "to", "INT64");
  EXPECT_EQ(resultType(*model.ok()), "i64[4]");
  model.node->mutable_attribute(0)->set_s("QUATERNION");
  EXPECT_EQ(model.error(), "node 'Cast_0' (Cast): there is no element type 'QUATERNION'");
}

TEST(Upgrade, PreluChannels) {
  OneNode model(6, "PRelu", {"1", "3", "4", "4"}, {"x", "slope"});
  model.graph.floats("slope", {3}, {1, 2, 3});
  std::unique_ptr<Module> module = model.ok();
  EXPECT_EQ(find(module->main().body, "PRelu").operand(1)->type.str(), "f32[3,1,1]");
}

TEST(Upgrade, AttributesToInputs) {
  OneNode slice(1, "Slice", {"5", "6"});
  setInts(*slice.node, "starts", {1});
  setInts(*slice.node, "ends", {3});
  setInts(*slice.node, "axes", {1});
  EXPECT_EQ(resultType(*slice.ok()), "f32[5,2]");

  OneNode squeeze(11, "Squeeze", {"1", "6"});
  setInts(*squeeze.node, "axes", {0});
  EXPECT_EQ(resultType(*squeeze.ok()), "f32[6]");

  OneNode unsqueeze(11, "Unsqueeze", {"6"});
  setInts(*unsqueeze.node, "axes", {0, 2});
  EXPECT_EQ(resultType(*unsqueeze.ok()), "f32[1,6,1]");

  OneNode reshape(1, "Reshape", {"6"});
  setInts(*reshape.node, "shape", {2, -1});
  EXPECT_EQ(resultType(*reshape.ok()), "f32[2,3]");

  OneNode mean(13, "ReduceMean", {"5", "6"});
  setInts(*mean.node, "axes", {1});
  setInt(*mean.node, "keepdims", 0);
  EXPECT_EQ(resultType(*mean.ok()), "f32[5]");

  OneNode sum(11, "ReduceSum", {"5", "6"});
  setInts(*sum.node, "axes", {-1});
  EXPECT_EQ(resultType(*sum.ok()), "f32[5,1]");

  OneNode top(1, "TopK", {"5", "6"});
  setInt(*top.node, "k", 2);
  EXPECT_EQ(resultType(*top.ok()), "f32[5,2]");
}

TEST(Upgrade, ScalarAxes) {
  OneNode model(13, "Unsqueeze", {"6"}, {"x", "axis"});
  model.graph.tensor("axis", 7, {}).add_int64_data(1);
  EXPECT_EQ(resultType(*model.ok()), "f32[6,1]");
}

TEST(Upgrade, Pad) {
  OneNode pad(1, "Pad", {"5", "6"});
  setInts(*pad.node, "paddings", {0, 1, 0, 2});
  EXPECT_EQ(resultType(*pad.ok()), "f32[5,9]");
  OneNode value(2, "Pad", {"5", "6"});
  setInts(*value.node, "pads", {0, 1, 0, 2});
  setFloat(*value.node, "value", 7);
  std::unique_ptr<Module> module = value.ok();
  EXPECT_EQ(contents(find(module->main().body, "Pad").operand(2)), std::vector<int64_t>{7});
}

TEST(Upgrade, Split) {
  Model model(11);
  model.graph.input("x", {"6", "2"}).output("a").output("b");
  onnx::NodeProto &node = model.graph.node("Split", {"x"}, {"a", "b"});
  EXPECT_EQ(ops(*model.ok()), "Split(num_outputs=2,axis=0) return");
  setInts(node, "split", {1, 5});
  EXPECT_EQ(resultType(*model.ok()), "f32[1,2]");
}

TEST(Upgrade, TileOfOneAxis) {
  OneNode model(1, "Tile", {"5", "6"}, {"x", "tiles", "axis"});
  model.graph.floats("tiles", {1}, {3}).floats("axis", {1}, {1});
  EXPECT_EQ(resultType(*model.ok()), "f32[5,18]");
}

TEST(Upgrade, ConcatDefaultAxis) {
  OneNode model(1, "Concat", {"5", "6"}, {"x", "x"});
  EXPECT_EQ(resultType(*model.ok()), "f32[5,12]");
}

TEST(Upgrade, UpsampleToResize) {
  for (int64_t opset : {1, 7, 9}) {
    OneNode model(opset, "Upsample", {"1", "2", "3", "4"});
    if (opset == 1) {
      setFloat(*model.node, "height_scale", 2);
      setFloat(*model.node, "width_scale", 3);
    } else if (opset == 7) {
      setFloats(*model.node, "scales", {1, 1, 2, 3});
    } else {
      model.graph.floats("scales", {4}, {1, 1, 2, 3});
      model.node->add_input("scales");
    }
    std::unique_ptr<Module> module = model.ok();
    Op &resize = find(module->main().body, "Resize");
    EXPECT_EQ(resize.attrs.getString("coordinate_transformation_mode"), "asymmetric");
    EXPECT_EQ(resize.attrs.getString("nearest_mode"), "floor");
    EXPECT_EQ(resultType(*module), "f32[1,2,6,12]");
  }
}

TEST(Upgrade, ResizeWithEmptyInputs) {
  OneNode model(11, "Resize", {"1", "1", "4", "4"}, {"x", "empty", "empty", "sizes"});
  model.graph.floats("empty", {0}, {}).ints("sizes", {1, 1, 8, 2});
  EXPECT_EQ(resultType(*model.ok()), "f32[1,1,8,2]");
}

TEST(Upgrade, BatchNormalization) {
  OneNode model(1, "BatchNormalization", {"1", "2", "4"}, {"x", "s", "s", "s", "s"});
  model.graph.floats("s", {2}, {1, 1});
  setInts(*model.node, "consumed_inputs", {0, 0});
  setInt(*model.node, "is_test", 1);
  EXPECT_EQ(resultType(*model.ok()), "f32[1,2,4]");
  setInt(*model.node, "spatial", 0);
  EXPECT_NE(model.error().find("spatial = 0"), std::string::npos);
}

TEST(Upgrade, DropoutMask) {
  Model model(7);
  model.graph.input("x", {"3"}).output("y").output("mask");
  setFloat(model.graph.node("Dropout", {"x"}, {"y", "mask"}), "ratio", 0.3f);
  std::unique_ptr<Module> module = model.ok();
  EXPECT_EQ(module->main().body.terminator()->operand(1)->type.str(), "f32[3]");
}

TEST(Upgrade, GroupNormalizationOfChannels) {
  OneNode model(18, "GroupNormalization", {"1", "4", "8"}, {"x", "s", "s"});
  model.graph.floats("s", {2}, {1, 2});
  setInt(*model.node, "num_groups", 2);
  std::unique_ptr<Module> module = model.ok();
  EXPECT_EQ(find(module->main().body, "GroupNormalization").operand(1)->type.str(), "f32[4]");
}

TEST(Upgrade, WrongKindOfAttribute) {
  OneNode model(11, "Squeeze", {"1", "6"});
  setFloat(*model.node, "axes", 0);
  EXPECT_EQ(model.error(), "node 'Squeeze_0' (Squeeze): attribute 'axes': expected integers");
}

} // namespace
} // namespace cameo::test
