// What nodes of com.microsoft become, and which of them are refused.
#include "Models.h"

namespace cameo::test {
namespace {

/// A model of one node of the domain, to be completed by the test.
struct ContribNode : Model {
  ContribNode(const std::string &op, const std::vector<std::string> &inputs,
              const std::vector<std::string> &outputs = {"y"})
      : Model(21), node(&graph.node(op, inputs, outputs)) {
    onnx::OperatorSetIdProto *opset = proto.add_opset_import();
    opset->set_domain("com.microsoft");
    opset->set_version(1);
    node->set_domain("com.microsoft");
    for (const std::string &output : outputs)
      if (!output.empty())
        graph.output(output);
  }
  onnx::NodeProto *node;
};

TEST(Contrib, FusedConv) {
  ContribNode model("FusedConv", {"x", "w", "", "z"});
  model.graph.input("x", {"N", "1", "5", "5"}).input("w", {"2", "1", "3", "3"});
  model.graph.input("z", {"N", "2", "3", "3"});
  EXPECT_EQ(ops(*model.ok()), "Conv(auto_pad=NOTSET,group=1) Add return");
  setString(*model.node, "activation", "Clip");
  setFloats(*model.node, "activation_params", {0, 6});
  std::unique_ptr<Module> module = model.ok();
  Op &clip = find(module->main().body, "Clip");
  EXPECT_EQ(contents(clip.operand(1)), std::vector<int64_t>{0});
  EXPECT_EQ(contents(clip.operand(2)), std::vector<int64_t>{6});
}

TEST(Contrib, BrokenFusedConv) {
  ContribNode model("FusedConv", {"x", "w", "", "z"});
  model.graph.input("x", {"N", "1", "5", "5"}).input("w", {"2", "1", "3", "3"});
  model.graph.input("z", {"3", "3"});
  EXPECT_EQ(model.error(),
            "node 'FusedConv_0' (FusedConv): expected operands that fit f32[N,2,3,3], "
            "their result is f32[3,3]");
  model.node->mutable_input()->RemoveLast();
  setString(*model.node, "activation", "LeakyRelu");
  EXPECT_EQ(model.error(), "node 'FusedConv_0' (FusedConv): activation 'LeakyRelu': expected 1 "
                           "parameters, got 0");
  model.node->mutable_attribute(0)->set_s("Swirl");
  EXPECT_EQ(model.error(), "node 'FusedConv_0' (FusedConv, domain 'com.microsoft', opset 1): "
                           "activation 'Swirl' is not supported");
}

TEST(Contrib, ProductsOfTransposedBatches) {
  ContribNode model("FusedMatMul", {"a", "b"});
  model.graph.input("a", {"3", "B", "5"}).input("b", {"B", "7", "5"});
  setInt(*model.node, "transBatchA", 1);
  setInt(*model.node, "transB", 1);
  setFloat(*model.node, "alpha", 0.5);
  EXPECT_EQ(ops(*model.ok()), "Transpose(perm=..) Transpose(perm=..) MatMul Mul return");
  EXPECT_EQ(resultType(*model.ok()), "f32[B,3,7]");
}

TEST(Contrib, LayersOfDiffusionModels) {
  ContribNode norm("GroupNorm", {"x", "scale", "shift"});
  norm.graph.input("x", {"N", "8", "8", "6"}).input("scale", {"6"}).input("shift", {"6"});
  setInt(*norm.node, "groups", 3);
  setInt(*norm.node, "activation", 1);
  EXPECT_EQ(ops(*norm.ok()), "Transpose(perm=..) GroupNormalization(num_groups=3,epsilon=..,"
                             "stash_type=1) Swish(alpha=..) Transpose(perm=..) return");
  EXPECT_EQ(resultType(*norm.ok()), "f32[N,8,8,6]");
  ContribNode gelu("BiasSplitGelu", {"x", "bias"});
  gelu.graph.input("x", {"N", "5", "6"}).input("bias", {"6"});
  EXPECT_EQ(ops(*gelu.ok()), "Add Split(axis=-1,num_outputs=2) Gelu(approximate=none) Mul return");
  EXPECT_EQ(resultType(*gelu.ok()), "f32[N,5,3]");
  ContribNode add("BiasAdd", {"x", "bias", "skip"});
  add.graph.input("x", {"N", "5", "6"}).input("bias", {"6"}).input("skip", {"N", "5", "6"});
  EXPECT_EQ(ops(*add.ok()), "Add Add return");
}

TEST(Contrib, SkipMustNotEnlarge) {
  ContribNode model("SkipLayerNormalization", {"x", "skip", "scale"});
  model.graph.input("x", {"1", "5", "6"}).input("skip", {"4", "5", "6"}).input("scale", {"6"});
  EXPECT_EQ(model.error(), "node 'SkipLayerNormalization_0' (SkipLayerNormalization): expected "
                           "operands that fit f32[1,5,6], their result is f32[4,5,6]");
}

TEST(Contrib, BrokenEmbeddings) {
  ContribNode model("EmbedLayerNormalization", {"words", "kinds", "table", "places", "", "s", "b"});
  model.graph.input("words", {"N", "5"}, 6).input("kinds", {"N", "5"}, 6);
  model.graph.input("table", {"9", "4"}).input("places", {"9", "4"});
  model.graph.input("s", {"4"}).input("b", {"4"});
  EXPECT_EQ(model.error(),
            "node 'EmbedLayerNormalization_0' (EmbedLayerNormalization): inputs 1 and "
            "4, segments and their table, come together");
}

TEST(Contrib, WhatNoExpansionReadsIsRefused) {
  ContribNode model("QuickGelu", {"x"});
  model.graph.input("x", {"N"});
  setFloat(*model.node, "alpha", 2);
  EXPECT_EQ(ops(*model.ok()), "Swish(alpha=..) return");
  setInt(*model.node, "beta", 2);
  std::string where = "node 'QuickGelu_0' (QuickGelu, domain 'com.microsoft', opset 1): ";
  EXPECT_EQ(model.error(), where + "attribute 'beta' is not supported");
  model.node->mutable_attribute()->RemoveLast();
  model.node->add_input("x");
  EXPECT_EQ(model.error(), where + "input 1 is not supported");
  model.node->mutable_input()->RemoveLast();
  model.node->add_output("z");
  EXPECT_EQ(model.error(), where + "output 1 is not supported");
  model.node->mutable_output()->RemoveLast();
  model.node->mutable_input()->Clear();
  EXPECT_EQ(model.error(), "node 'QuickGelu_0' (QuickGelu): input 0 is missing");
}

TEST(Contrib, SimplifiedLayerNormalizationIsInOnnxsDomain) {
  Model model(14);
  model.graph.input("x", {"N", "5", "6"}).floats("scale", {6}, {1, 2, 3, 4, 5, 6}).output("y");
  onnx::NodeProto &node = model.graph.node("SimplifiedLayerNormalization", {"x", "scale"}, {"y"});
  setFloat(node, "epsilon", 0.5);
  std::unique_ptr<Module> module = model.ok();
  EXPECT_EQ(ops(*module), "RMSNormalization(epsilon=..,axis=-1,stash_type=1) return");
  EXPECT_EQ(find(module->main().body, "RMSNormalization").attrs.getFloat("epsilon"), 0.5);
}

} // namespace
} // namespace cameo::test
