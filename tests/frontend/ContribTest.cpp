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

TEST(Contrib, SumsBeforeGroupNorm) {
  ContribNode model("SkipGroupNorm", {"x", "scale", "shift", "skip", "bias"}, {"y", "sum"});
  model.graph.input("x", {"N", "8", "8", "6"}).input("scale", {"6"}).input("shift", {"6"});
  model.graph.input("skip", {"N", "6"}).input("bias", {"6"});
  setInt(*model.node, "groups", 2);
  setInt(*model.node, "activation", 0);
  EXPECT_EQ(ops(*model.ok()),
            "Unsqueeze Add Add Transpose(perm=..) "
            "GroupNormalization(num_groups=2,epsilon=..,stash_type=1) Transpose(perm=..) return");
  EXPECT_EQ(resultType(*model.ok()), "f32[N,8,8,6]");
  setInt(*model.node, "channels_last", 0);
  EXPECT_EQ(model.error(), "node 'SkipGroupNorm_0' (SkipGroupNorm, domain 'com.microsoft', opset "
                           "1): channels_last = 0 is not supported");
}

TEST(Contrib, ConvWithChannelsLast) {
  ContribNode model("NhwcConv", {"x", "w"});
  model.graph.input("x", {"N", "5", "7", "3"}).input("w", {"2", "3", "3", "3"});
  EXPECT_EQ(ops(*model.ok()),
            "Transpose(perm=..) Conv(auto_pad=NOTSET,group=1) Transpose(perm=..) return");
  EXPECT_EQ(resultType(*model.ok()), "f32[N,3,5,2]");
  ContribNode fused("NhwcFusedConv", {"x", "w", "", "z"});
  fused.graph.input("x", {"N", "5", "7", "3"}).input("w", {"2", "3", "3", "3"});
  fused.graph.input("z", {"N", "3", "5", "2"});
  setString(*fused.node, "activation", "Relu");
  EXPECT_EQ(ops(*fused.ok()), "Transpose(perm=..) Transpose(perm=..) Conv(auto_pad=NOTSET,group=1) "
                              "Add Relu Transpose(perm=..) return");
  EXPECT_EQ(resultType(*fused.ok()), "f32[N,3,5,2]");
}

TEST(Contrib, ProductsWithActivations) {
  ContribNode model("FusedMatMulActivation", {"a", "b"});
  model.graph.input("a", {"N", "3", "5"}).input("b", {"7", "5"});
  setInt(*model.node, "transB", 1);
  EXPECT_EQ(
      model.error(),
      "node 'FusedMatMulActivation_0' (FusedMatMulActivation): attribute 'activation' is missing");
  setString(*model.node, "activation", "LeakyRelu");
  setFloat(*model.node, "activation_alpha", 0.25);
  EXPECT_EQ(ops(*model.ok()), "Transpose(perm=..) MatMul LeakyRelu(alpha=..) return");
  EXPECT_EQ(resultType(*model.ok()), "f32[N,3,7]");
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

TEST(Contrib, ProductsOfBytes) {
  ContribNode dynamic("DynamicQuantizeMatMul", {"x", "w", "scale", "", "bias"});
  dynamic.graph.input("x", {"N", "6"}).input("w", {"6", "5"}, 3).input("scale", {"5"});
  dynamic.graph.input("bias", {"5"});
  EXPECT_EQ(ops(*dynamic.ok()), "DynamicQuantizeLinear MatMulInteger Mul "
                                "Cast(to=f32,round_mode=up,saturate=1) Mul Add return");
  EXPECT_EQ(resultType(*dynamic.ok()), "f32[N,5]");
  ContribNode product("MatMulIntegerToFloat", {"a", "b", "sa", "sb"});
  product.graph.input("a", {"4", "6"}, 2).input("b", {"6", "5"}, 3);
  product.graph.input("sa", {"4"}).input("sb", {"5"});
  EXPECT_EQ(
      product.error(),
      "node 'MatMulIntegerToFloat_0' (MatMulIntegerToFloat, domain 'com.microsoft', opset 1): "
      "input 2 is f32[4], only a number is supported");
}

TEST(Contrib, QuantizedLstm) {
  ContribNode model("DynamicQuantizeLSTM",
                    {"x", "w", "r", "", "", "", "", "", "sw", "zw", "sr", "zr"}, {"", "h"});
  model.graph.input("x", {"T", "N", "6"}).input("w", {"1", "6", "16"}, 3);
  model.graph.input("r", {"1", "4", "16"}, 3);
  for (const char *name : {"sw", "sr"})
    model.graph.input(name, {"1", "16"});
  for (const char *name : {"zw", "zr"})
    model.graph.input(name, {"1"}, 3);
  setInt(*model.node, "hidden_size", 4);
  EXPECT_EQ(ops(*model.ok()), "Transpose(perm=..) Transpose(perm=..) DynamicQuantizeLSTM("
                              "hidden_size=4,direction=forward,input_forget=0) return");
  EXPECT_EQ(resultType(*model.ok()), "f32[1,N,4]");
  model.node->set_input(9, "");
  EXPECT_EQ(model.error(),
            "node 'DynamicQuantizeLSTM_0' (DynamicQuantizeLSTM): input 9 is missing");
  model.node->set_input(9, "sw");
  EXPECT_FALSE(model.error().empty());
}

TEST(Contrib, OldSoftmaxOfBytes) {
  ContribNode model("QLinearSoftmax", {"x", "sx", "zx", "sy", "zy"});
  model.graph.input("x", {"N", "3", "4"}, 2).input("sx", {}).input("zx", {}, 2);
  model.graph.input("sy", {}).input("zy", {}, 2);
  setInt(*model.node, "opset", 12);
  setInt(*model.node, "axis", 1);
  std::unique_ptr<Module> module = model.ok();
  EXPECT_EQ(find(module->main().body, "Softmax").result()->type.str(), "f32[N,12]");
  EXPECT_EQ(resultType(*module), "u8[N,3,4]");
}

TEST(Contrib, MasksOfAttention) {
  ContribNode model("Attention", {"x", "w", "", "mask"});
  model.graph.input("x", {"N", "5", "6"}).input("w", {"6", "12"}).input("mask", {"N", "5"}, 6);
  setInt(*model.node, "num_heads", 2);
  std::unique_ptr<Module> module = model.ok();
  Op &attention = find(module->main().body, "Attention");
  EXPECT_EQ(attention.operand(3)->type.str(), "f32[N,1,1,5]");
  EXPECT_EQ(resultType(*module), "f32[N,5,4]");
}

TEST(Contrib, BrokenAttention) {
  ContribNode model("Attention", {"x", "w", "", "mask"});
  model.graph.input("x", {"2", "5", "6"}).input("w", {"6", "12"}).input("mask", {"8"}, 6);
  std::string where = "node 'Attention_0' (Attention): ";
  EXPECT_EQ(model.error(), where + "attribute 'num_heads': expected at least 1, got 0");
  setInt(*model.node, "num_heads", 2);
  std::string refused = "node 'Attention_0' (Attention, domain 'com.microsoft', opset 1): ";
  EXPECT_EQ(model.error(), refused + "a mask of the lengths and places of packed sequences is not "
                                     "supported");
  model.node->set_input(3, "x");
  setInts(*model.node, "qkv_hidden_sizes", {4, 8});
  EXPECT_EQ(model.error(), where + "attribute 'qkv_hidden_sizes': expected three sizes, got 2");
  model.node->mutable_attribute()->RemoveLast();
  model.node->set_input(1, "mask");
  EXPECT_FALSE(model.error().empty());
  model.node->set_input(0, "mask");
  EXPECT_EQ(model.error(), where + "expected [batch, length, hidden size], got i32[8]");
}

TEST(Contrib, TablesOfBlocks) {
  ContribNode model("GatherBlockQuantized", {"table", "rows", "scales"});
  model.graph.tensor("table", 2, {3, 8}).set_raw_data(std::string(24, '\x21'));
  model.graph.input("rows", {"N", "2"}, 7).input("scales", {"3", "1"});
  setInt(*model.node, "block_size", 16);
  EXPECT_EQ(resultType(*model.ok()), "f32[N,2,16]");
  setInt(*model.node, "quantize_axis", 0);
  std::string where =
      "node 'GatherBlockQuantized_0' (GatherBlockQuantized, domain 'com.microsoft', "
      "opset 1): ";
  EXPECT_EQ(model.error(),
            where + "blocks that are not parts of what is gathered are not supported");
  model.node->set_input(0, "scales");
  EXPECT_EQ(model.error(), where + "a table that is no constant matrix of bytes is not supported");
}

TEST(Contrib, ProductWithGelu) {
  ContribNode model("GemmFastGelu", {"x", "w", "bias"});
  model.graph.input("x", {"N", "5", "6"}).input("w", {"6", "4"}).input("bias", {"4"});
  EXPECT_EQ(ops(*model.ok()), "MatMul Add Gelu(approximate=tanh) return");
}

TEST(Contrib, StringsAreRefused) {
  ContribNode model("Attention", {"x", "w", "", "mask"});
  model.graph.input("x", {"2", "5", "6"}).input("w", {"6", "12"}).input("mask", {"2", "5"}, 8);
  setInt(*model.node, "num_heads", 2);
  EXPECT_EQ(model.error(),
            "node 'Attention_0' (Attention, domain 'com.microsoft', opset 1): input 3 "
            "is str[2,5], only numbers are supported");
}

TEST(Contrib, PackedKeysAreRefused) {
  ContribNode model("MultiHeadAttention", {"q"});
  model.graph.input("q", {"2", "5", "2", "3", "4"});
  setInt(*model.node, "num_heads", 2);
  EXPECT_EQ(model.error(),
            "node 'MultiHeadAttention_0' (MultiHeadAttention, domain 'com.microsoft', opset 1): "
            "queries, keys and values in one tensor are not supported");
}

/// A GroupQueryAttention of 4 heads that share 2, with caches.
struct GroupQueryNode : ContribNode {
  GroupQueryNode()
      : ContribNode("GroupQueryAttention", {"q", "k", "v", "pk", "pv", "last", "longest"},
                    {"y", "keys"}) {
    graph.input("q", {"B", "S", "64"}).input("k", {"B", "S", "32"}).input("v", {"B", "S", "32"});
    graph.input("pk", {"B", "2", "P", "16"}).input("pv", {"B", "2", "P", "16"});
    graph.input("last", {"B"}, 6).input("longest", {}, 6);
    setInt(*node, "num_heads", 4);
    setInt(*node, "kv_num_heads", 2);
  }
};

TEST(Contrib, WindowOfGroupQueryAttention) {
  GroupQueryNode model;
  setInt(*model.node, "local_window_size", 7);
  std::unique_ptr<Module> module = model.ok();
  Op &attention = find(module->main().body, "Attention");
  EXPECT_EQ(attention.attrs.getInt("left_window_size"), 6);
  EXPECT_EQ(attention.attrs.getInt("is_causal"), 1);
  EXPECT_EQ(attention.operand(6)->type.str(), "i64[B]");
  EXPECT_EQ(attention.result()->type.str(), "f32[B,4,S,16]");
}

TEST(Contrib, WhatGroupQueryAttentionLacks) {
  std::string refused =
      "node 'GroupQueryAttention_0' (GroupQueryAttention, domain 'com.microsoft', opset 1): ";
  for (const char *name : {"smooth_softmax", "sliding_window_cache", "qk_output"}) {
    GroupQueryNode model;
    setInt(*model.node, name, 1);
    EXPECT_EQ(model.error(), refused + "attribute '" + name + "': 1 is not supported");
    model.node->mutable_attribute()->rbegin()->set_i(0);
    model.ok();
  }
  GroupQueryNode model;
  setString(*model.node, "k_quant_type", "PER_TENSOR");
  EXPECT_EQ(model.error(), refused + "attribute 'k_quant_type': 'PER_TENSOR' is not supported");
  model.node->mutable_attribute()->RemoveLast();
  for (int i = 7; i < 12; i++)
    model.node->add_input(i == 11 ? "last" : "");
  EXPECT_EQ(model.error(), refused + "input 11 is not supported");
}

TEST(Contrib, BrokenGroupQueryAttention) {
  std::string where = "node 'GroupQueryAttention_0' (GroupQueryAttention): ";
  GroupQueryNode model;
  model.node->set_input(4, "");
  EXPECT_EQ(model.error(), where + "inputs 3 and 4, earlier keys and values, come together");
  model.node->set_input(2, "");
  EXPECT_EQ(model.error(), where + "inputs 1 and 2, keys and values, come together");
  model.node->set_input(1, "");
  EXPECT_EQ(model.error(), where + "inputs 3 and 4, earlier keys and values, come together");
  model.node->mutable_attribute(0)->set_i(5);
  EXPECT_EQ(model.error(), where + "expected queries, keys and values of 9 heads of one size, got "
                                   "f32[B,S,64]");
  model.node->set_input(0, "pk");
  EXPECT_EQ(model.error(), where + "expected [batch, length, hidden size], got f32[B,2,P,16]");
  model.node->mutable_attribute(1)->set_i(0);
  EXPECT_EQ(model.error(), where +
                               "attributes 'num_heads' and 'kv_num_heads': expected at least 1, "
                               "got 5 and 0");
}

TEST(Contrib, KeysOfUnknownRank) {
  GroupQueryNode model;
  model.graph.proto->mutable_input(1)->mutable_type()->mutable_tensor_type()->clear_shape();
  EXPECT_EQ(model.error(), "node 'GroupQueryAttention_0' (GroupQueryAttention, domain "
                           "'com.microsoft', opset 1): expected [batch, length, hidden size], got "
                           "f32[*]");
}

TEST(Contrib, HeadsOfRotaryEmbeddings) {
  ContribNode model("RotaryEmbedding", {"x", "at", "cos", "sin"});
  model.graph.input("x", {"B", "S", "24"}).input("at", {"1"}, 7);
  model.graph.input("cos", {"9", "4"}).input("sin", {"9", "4"});
  std::unique_ptr<Module> module = model.ok();
  EXPECT_EQ(find(module->main().body, "RotaryEmbedding").attrs.getInt("num_heads"), 3);
  setFloat(*model.node, "scale", 2);
  EXPECT_EQ(model.error(), "node 'RotaryEmbedding_0' (RotaryEmbedding, domain 'com.microsoft', "
                           "opset 1): attribute 'scale' is not supported");
  model.node->mutable_attribute()->RemoveLast();
  model.graph.input("table", {"9", "5"});
  model.node->set_input(2, "table");
  EXPECT_EQ(model.error(), "node 'RotaryEmbedding_0' (RotaryEmbedding, domain 'com.microsoft', "
                           "opset 1): cannot tell how many heads f32[B,S,24] has with a table "
                           "f32[9,5]");
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
