// Convolution, pooling, normalization, resizing, reductions, indexing, quantization, control flow.
#include "tests/ir/infer/InferTesting.h"

using namespace cameo;

namespace {

const std::string kImage = "%x: f32[N,3,H,32], %w: f32[8,3,3,3], %b: f32[8]";

std::string conv(const std::string &attributes, const std::string &arguments = kImage) {
  return inferredOp(arguments, "Conv(%x, %w, %b) {" + attributes + "}");
}

TEST(Conv, Shapes) {
  EXPECT_EQ(conv(""), "f32[N,8,-2+H,30]");
  EXPECT_EQ(conv("pads = [1, 1, 1, 1], strides = [2, 2]"), "f32[N,8,1+floordiv(-1+H, 2),16]");
  EXPECT_EQ(conv("dilations = [2, 2], pads = [2, 2, 2, 2]"), "f32[N,8,H,32]");
  EXPECT_EQ(conv("auto_pad = \"SAME_UPPER\", strides = [2, 2]"), "f32[N,8,floordiv(1+H, 2),16]");
  EXPECT_EQ(conv("auto_pad = \"VALID\", strides = [1, 3]"), "f32[N,8,-2+H,10]");
  EXPECT_EQ(conv("group = 3", "%x: f32[1,3,9,9], %w: f32[6,1,3,3], %b: f32[6]"), "f32[1,6,7,7]");
  EXPECT_EQ(conv("", "%x: f32[*], %w: f32[6,1,3,3], %b: f32[6]"), "f32[*]");
  EXPECT_EQ(inferredOp("%x: f32[1,4,9], %w: f32[6,4,3]", "Conv(%x, %w)"), "f32[1,6,7]");
  EXPECT_EQ(inferredOp("%x: u8[1,4,9], %w: i8[6,4,3]", "ConvInteger(%x, %w)"), "i32[1,6,7]");
}

TEST(Conv, Errors) {
  EXPECT_TRUE(has(conv("group = 0"), "expected at least 1, got 0"));
  EXPECT_TRUE(has(conv("group = 2"), "the channels of input W ('w') times 2 groups"));
  EXPECT_TRUE(has(conv("strides = [0, 1]"), "at least 1, got [0,1]"));
  EXPECT_TRUE(has(conv("strides = [1]"), "expected 2 integers, got [1]"));
  EXPECT_TRUE(has(conv("pads = [-1, 0, 0, 0]"), "at least 0"));
  EXPECT_TRUE(has(conv("kernel_shape = [3, 5]"), "attribute 'kernel_shape'"));
  EXPECT_TRUE(has(conv("auto_pad = \"SAME\""), "expected one of NOTSET"));
  EXPECT_TRUE(has(conv("dilations = [4611686018427387904, 1]"), "overflow"));
  EXPECT_TRUE(has(conv("pads = [9223372036854775807, 0, 1, 0]"), "overflow"));
  EXPECT_TRUE(has(conv("", "%x: f32[1,3,2,9], %w: f32[6,3,3,3], %b: f32[6]"),
                  "to be at least the kernel's 3, got 2"));
  EXPECT_TRUE(
      has(conv("", "%x: f32[1,3], %w: f32[6,3,3,3], %b: f32[6]"), "rank at least 3, got 2"));
  EXPECT_TRUE(has(conv("", "%x: f32[1,3,9,9], %w: f32[6,3,3], %b: f32[6]"), "rank 4, got 3"));
  EXPECT_TRUE(
      has(conv("", "%x: f32[1,3,9,9], %w: f32[6,4,3,3], %b: f32[6]"), "expected dim 1 to be 4"));
  EXPECT_TRUE(has(conv("", "%x: f32[1,3,9,9], %w: f32[6,3,3,3], %b: f32[7]"),
                  "the output channels of input W"));
  EXPECT_TRUE(
      has(conv("", "%x: f32[1,3,9,9], %w: f32[6,3,0,3], %b: f32[6]"), "kernel of at least 1"));
}

TEST(Conv, Transposed) {
  auto transposed = [](const std::string &attributes) {
    return inferredOp("%x: f32[N,3,H,5], %w: f32[3,4,3,3]",
                      "ConvTranspose(%x, %w) {" + attributes + "}");
  };
  EXPECT_EQ(transposed(""), "f32[N,4,2+H,7]");
  EXPECT_EQ(transposed("strides = [2, 2], pads = [1, 1, 1, 1], output_padding = [1, 1]"),
            "f32[N,4,2*H,10]");
  EXPECT_EQ(transposed("group = 3"), "f32[N,12,2+H,7]");
  EXPECT_EQ(transposed("output_shape = [10, 8]"), "f32[N,4,10,8]");
  EXPECT_EQ(transposed("auto_pad = \"SAME_UPPER\", strides = [2, 3]"), "f32[N,4,2*H,15]");
  EXPECT_TRUE(has(transposed("group = 2"), "a multiple of 2 (the groups)"));
  EXPECT_TRUE(has(transposed("output_shape = [10]"), "expected 2 sizes"));
  EXPECT_TRUE(has(transposed("output_shape = [10, -1]"), "at least 1 in dim 3, got -1"));
}

std::string pool(const std::string &attributes, const std::string &type = "f32[N,3,10,H]") {
  return inferredOp("%x: " + type, "MaxPool(%x) {" + attributes + "}");
}

TEST(Pool, Shapes) {
  EXPECT_EQ(pool("kernel_shape = [2, 2], strides = [2, 2]"), "f32[N,3,5,1+floordiv(-2+H, 2)]");
  EXPECT_EQ(pool("kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 1"),
            "f32[N,3,5,1+floordiv(-2+H, 2)]");
  // The third window would start in the padding.
  EXPECT_EQ(pool("kernel_shape = [2], strides = [3], pads = [0, 1], ceil_mode = 1", "f32[1,1,6]"),
            "f32[1,1,2]");
  EXPECT_EQ(inferredOp("%x: f32[N,3,10,10]", "MaxPool(%x) {kernel_shape = [2, 2]}", 2),
            "f32[N,3,9,9], i64[N,3,9,9]");
  EXPECT_EQ(inferredOp("%x: f32[N,3,H,W]", "GlobalAveragePool(%x)"), "f32[N,3,1,1]");
  EXPECT_TRUE(has(pool("kernel_shape = [2]"), "expected 2 integers, got [2]"));
  EXPECT_TRUE(has(pool("kernel_shape = []"), "kernel_shape"));
  EXPECT_TRUE(has(pool("kernel_shape = [0, 2]"), "at least 1"));
  EXPECT_TRUE(has(pool("kernel_shape = [2, 2], pads = [2, 0, 0, 0]"), "less than the kernel's 2"));
}

TEST(Normalization, Shapes) {
  EXPECT_EQ(inferredOp("%x: f32[N,8,H], %c: f32[8]", "BatchNormalization(%x, %c, %c, %c, %c)"),
            "f32[N,8,H]");
  EXPECT_TRUE(
      has(inferredOp("%x: f32[N,8,H], %c: f32[7]", "BatchNormalization(%x, %c, %c, %c, %c)"),
          "the channels of input X"));
  EXPECT_EQ(inferredOp("%x: f32[N,4,8], %c: f32[8]", "LayerNormalization(%x, %c, %c)", 3),
            "f32[N,4,8], f32[N,4,1], f32[N,4,1]");
  EXPECT_EQ(inferredOp("%x: f16[N,4,8], %c: f16[4,8]", "LayerNormalization(%x, %c) {axis = 1}", 2),
            "f16[N,4,8], f32[N,1,1]");
  EXPECT_TRUE(has(inferredOp("%x: f32[N,4,8], %c: f32[4]", "LayerNormalization(%x, %c)"),
                  "broadcasts to f32[8]"));
  EXPECT_TRUE(has(
      inferredOp("%x: f32[N,8,4], %c: f32[8]", "GroupNormalization(%x, %c, %c) {num_groups = 3}"),
      "a multiple of 3 (attribute 'num_groups'), got 8"));
  EXPECT_TRUE(has(inferredOp("%x: f32[N,8]", "Softmax(%x) {axis = 2}"), "expected -2 to 1, got 2"));
}

TEST(Reduce, Shapes) {
  auto reduce = [](const std::string &axes, const std::string &attributes) {
    return inferred("%x: f32[N,3,4]", "%a = Constant() {value = dense<i64[1]: " + axes +
                                          ">}\n%r = ReduceSum(%x, %a) {" + attributes + "}");
  };
  EXPECT_EQ(reduce("-1", ""), "f32[N,3,1]");
  EXPECT_EQ(reduce("0", "keepdims = 0"), "f32[3,4]");
  EXPECT_TRUE(has(reduce("3", ""), "axes[0]: expected -3 to 2, got 3"));
  EXPECT_EQ(inferredOp("%x: f32[N,3]", "ReduceMax(%x)"), "f32[1,1]");
  EXPECT_EQ(inferredOp("%x: f32[N,3]", "ReduceMax(%x) {noop_with_empty_axes = 1}"), "f32[N,3]");
  EXPECT_EQ(inferredOp("%x: f32[N,3], %a: i64[1]", "ReduceMax(%x, %a) {keepdims = 0}"), "f32[s.0]");
  EXPECT_EQ(inferredOp("%x: f32[N,3]", "ArgMax(%x) {axis = 1, keepdims = 0}"), "i64[N]");
  EXPECT_TRUE(has(inferredOp("%x: f32[N,0]", "ArgMax(%x) {axis = 1}"), "expected elements"));
  EXPECT_EQ(
      inferred("%x: f32[N,9]", "%k = Constant() {value = dense<i64[1]: 5>}\n%v, %i = TopK(%x, %k)"),
      "f32[N,5], i64[N,5]");
  EXPECT_TRUE(has(
      inferred("%x: f32[N,4]", "%k = Constant() {value = dense<i64[1]: 5>}\n%v, %i = TopK(%x, %k)"),
      "expected 0 to 4"));
}

TEST(Index, Shapes) {
  EXPECT_EQ(inferredOp("%x: f32[N,3,4], %i: i64[5,6]", "Gather(%x, %i) {axis = 1}"),
            "f32[N,5,6,4]");
  EXPECT_TRUE(
      has(inferred("%x: f32[3]", "%i = Constant() {value = dense<i64[1]: 3>}\n%r = Gather(%x, %i)"),
          "expected indices from -3 to 2, got 3"));
  EXPECT_EQ(inferredOp("%x: f32[4,5,6], %i: i64[7,2]", "GatherND(%x, %i)"), "f32[7,6]");
  EXPECT_EQ(inferredOp("%x: f32[4,5,6], %i: i64[4,1]", "GatherND(%x, %i) {batch_dims = 1}"),
            "f32[4,6]");
  EXPECT_TRUE(
      has(inferredOp("%x: f32[4], %i: i64[7,2]", "GatherND(%x, %i)"), "expected dim 1 to be 1"));
  EXPECT_EQ(inferredOp("%x: f32[4,5], %i: i64[2,5]", "GatherElements(%x, %i)"), "f32[2,5]");
  EXPECT_TRUE(
      has(inferredOp("%x: f32[4,5], %i: i64[2,3], %u: f32[2,5]", "ScatterElements(%x, %i, %u)"),
          "the shape of input indices"));
  EXPECT_EQ(inferredOp("%x: f32[4,5], %i: i64[2,1], %u: f32[2,5]", "ScatterND(%x, %i, %u)"),
            "f32[4,5]");
  EXPECT_TRUE(has(inferredOp("%x: f32[4,5], %i: i64[2,1], %u: f32[2,4]", "ScatterND(%x, %i, %u)"),
                  "what input indices ('i') addresses"));
  EXPECT_EQ(inferredOp("%x: f32[4,5]", "NonZero(%x)"), "i64[2,s.0]");
  EXPECT_EQ(inferred("%x: f32[4], %y: f32[4]", "%a = NonZero(%x)\n%b = NonZero(%y)\n"
                                               "%r = NonZero(%x)"),
            "i64[1,s.0]");
  EXPECT_EQ(inferredOp("%x: f32[4,5]", "Unique(%x)", 4), "f32[s.0], i64[s.0], i64[20], i64[s.0]");
  EXPECT_EQ(inferred("%i: i64[N]", "%d = Constant() {value = dense<i64[]: 7>}\n"
                                   "%v = Constant() {value = dense<f32[2]: 0.0, 1.0>}\n"
                                   "%r = OneHot(%i, %d, %v)"),
            "f32[N,7]");
}

TEST(Resize, Shapes) {
  auto scales = [](const std::string &values) {
    return inferred("%x: f32[N,3,H,7]", "%s = Constant() {value = dense<f32[4]: " + values +
                                            ">}\n%r = Resize(%x, _, %s)");
  };
  EXPECT_EQ(scales("1.0, 1.0, 2.0, 1.5"), "f32[N,3,2*H,10]");
  EXPECT_EQ(scales("1.0, 1.0, 0.5, 0.3"), "f32[N,3,floordiv(H, 2),2]");
  EXPECT_EQ(scales("1.0, 1.0, 0.3, 1.0"), "f32[N,3,s.0,7]");
  EXPECT_TRUE(has(scales("1.0, 1.0, -1.0, 1.0"), "finite scales above 0"));
  EXPECT_EQ(inferred("%x: f32[N,3,H,7]", "%z = Constant() {value = dense<i64[2]: 5, 6>}\n"
                                         "%r = Resize(%x, _, _, %z) {axes = [2, 3]}"),
            "f32[N,3,5,6]");
  EXPECT_EQ(inferred("%x: f32[1,1,4,8]",
                     "%z = Constant() {value = dense<i64[2]: 7, 8>}\n%r = Resize(%x, _, _, %z) "
                     "{axes = [2, 3], keep_aspect_ratio_policy = \"not_larger\"}"),
            "f32[1,1,4,8]");
  EXPECT_TRUE(has(inferredOp("%x: f32[N,3,H,7]", "Resize(%x)"), "got neither"));
}

TEST(Images, Shapes) {
  EXPECT_EQ(inferredOp("%x: f32[N,3,8,8], %g: f32[N,5,6,2]", "GridSample(%x, %g)"), "f32[N,3,5,6]");
  EXPECT_EQ(inferredOp("%x: f32[N,3,8,8], %r: f32[R,4], %i: i64[R]",
                       "RoiAlign(%x, %r, %i) {output_height = 7, output_width = 6}"),
            "f32[R,3,7,6]");
  EXPECT_EQ(inferredOp("%b: f32[N,9,4], %s: f32[N,2,9]", "NonMaxSuppression(%b, %s)"),
            "i64[s.0,3]");
  EXPECT_TRUE(has(inferredOp("%b: f32[1,9,5], %s: f32[1,2,9]", "NonMaxSuppression(%b, %s)"),
                  "a box's coordinates"));
}

TEST(Quant, Types) {
  EXPECT_EQ(inferredOp("%x: f32[N,4], %s: f32[], %z: i8[]", "QuantizeLinear(%x, %s, %z)"),
            "i8[N,4]");
  EXPECT_EQ(inferredOp("%x: f32[N,4], %s: f32[4]", "QuantizeLinear(%x, %s)"), "u8[N,4]");
  EXPECT_EQ(inferredOp("%x: i8[N,4], %s: f32[4]", "DequantizeLinear(%x, %s)"), "f32[N,4]");
  EXPECT_EQ(inferredOp("%x: i8[4,8], %s: f16[4,2]", "DequantizeLinear(%x, %s) {block_size = 4}"),
            "f16[4,8]");
  EXPECT_TRUE(has(inferredOp("%x: i8[N,4], %s: f32[5]", "DequantizeLinear(%x, %s)"),
                  "to be 4 (axis 1 of input x ('x'))"));
  EXPECT_TRUE(has(inferredOp("%x: f32[N,4], %s: f32[], %z: i8[]",
                             "QuantizeLinear(%x, %s, %z) {output_dtype = u8}"),
                  "expected i8"));
  EXPECT_EQ(inferredOp("%x: f32[N]", "DynamicQuantizeLinear(%x)", 3), "u8[N], f32[], u8[]");
}

TEST(Attention, Shapes) {
  EXPECT_EQ(inferredOp("%q: f32[N,8,S,64], %k: f32[N,2,T,64], %v: f32[N,2,T,32]",
                       "Attention(%q, %k, %v)"),
            "f32[N,8,S,32]");
  EXPECT_EQ(inferredOp("%q: f32[N,S,512], %k: f32[N,T,512]",
                       "Attention(%q, %k, %k) {q_num_heads = 8, kv_num_heads = 8}"),
            "f32[N,S,512]");
  EXPECT_TRUE(has(inferredOp("%q: f32[N,S,512]", "Attention(%q, %q, %q)"), "q_num_heads"));
}

} // namespace
