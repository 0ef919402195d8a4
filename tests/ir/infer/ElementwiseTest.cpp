// Broadcasting, element types, the driver's checks.
#include "tests/ir/infer/InferTesting.h"

#include "ir/infer/Infer.h"

using namespace cameo;

namespace {

TEST(Broadcast, Shapes) {
  EXPECT_EQ(inferredOp("%a: f32[2,3], %b: f32[3]", "Add(%a, %b)"), "f32[2,3]");
  EXPECT_EQ(inferredOp("%a: f32[N,1,4], %b: f32[5,1]", "Mul(%a, %b)"), "f32[N,5,4]");
  EXPECT_EQ(inferredOp("%a: f32[N], %b: f32[7]", "Sub(%a, %b)"), "f32[7]");
  EXPECT_EQ(inferredOp("%a: f32[N], %b: f32[M]", "Sub(%a, %b)"), "f32[broadcast(M, N)]");
  EXPECT_EQ(inferredOp("%a: f32[2*N,4], %b: f32[2*N,4]", "Equal(%a, %b)"), "bool[2*N,4]");
  EXPECT_EQ(inferredOp("%a: f32[0,3], %b: f32[1,3]", "Add(%a, %b)"), "f32[0,3]");
  EXPECT_EQ(inferredOp("%c: bool[3,1], %a: f32[], %b: f32[4]", "Where(%c, %a, %b)"), "f32[3,4]");
  EXPECT_EQ(inferredOp("%a: f32[2,1], %b: f32[3], %c: f32[1,1,1]", "Max(%a, %b, %c)"),
            "f32[1,2,3]");
  EXPECT_EQ(inferredOp("%a: f32[*], %b: f32[3]", "Add(%a, %b)"), "f32[*]");
  EXPECT_TRUE(has(
      inferredOp("%a: f32[2,3], %b: f32[4]", "Add(%a, %b)"),
      "input B ('b'): expected a shape that broadcasts with f32[2,3] (input A ('a')), got f32[4]"));
}

TEST(Broadcast, OneSided) {
  EXPECT_EQ(inferredOp("%x: f32[N,8,4,4], %s: f32[8,1,1]", "PRelu(%x, %s)"), "f32[N,8,4,4]");
  EXPECT_TRUE(has(inferredOp("%x: f32[4], %s: f32[2,4]", "PRelu(%x, %s)"), "input slope"));
}

TEST(Driver, Types) {
  EXPECT_TRUE(has(inferredOp("%a: f32[2], %b: f64[2]", "Add(%a, %b)"),
                  "input B ('b'): expected element type f32 as the other inputs have, got f64[2]"));
  EXPECT_TRUE(has(inferredOp("%a: str[2]", "Relu(%a)"), "expected element type one of"));
  EXPECT_TRUE(has(inferredOp("%a: seq<f32[2]>", "Relu(%a)"), "got seq<f32[2]>"));
  EXPECT_TRUE(
      has(inferredOp("%a: f32[2]", "And(%a, %a)"), "expected element type bool, got f32[2]"));
}

TEST(Driver, ArityAndAttributes) {
  EXPECT_TRUE(has(inferredOp("%a: f32[2]", "Add(%a)"), "expected 2 inputs, got 1"));
  EXPECT_TRUE(has(inferredOp("%a: f32[2]", "Add(%a, _)"), "input B is missing"));
  EXPECT_TRUE(has(inferredOp("", "Max()"), "expected at least 1 input, got 0"));
  EXPECT_TRUE(has(inferredOp("%a: f32[2]", "Relu(%a)", 2), "expected 1 output, got 2"));
  EXPECT_TRUE(has(inferredOp("%a: f32[2]", "Relu(%a) {alpha = 1.0}"), "unknown attribute 'alpha'"));
  EXPECT_TRUE(has(inferredOp("%a: f32[2]", "Elu(%a) {alpha = 1}"),
                  "attribute 'alpha': expected a float, got an integer"));
  EXPECT_TRUE(has(inferredOp("%a: f32[2]", "Cast(%a)"), "attribute 'to' is missing"));
  EXPECT_TRUE(has(inferredOp("%a: f32[2]", "Cast(%a) {to = 8000}"),
                  "element type number 8000 is not supported"));
}

TEST(Driver, DefaultsAreFloat32) {
  Result<Module> module =
      parseModule("module \"m\" { func @main(%a: f32[2]) { %r = LeakyRelu(%a) } }", "t");
  ASSERT_TRUE(module);
  EXPECT_EQ(module->main().body.terminator()->attrs.getFloat("alpha"), double(0.01f));
}

TEST(Driver, InferringAgainChangesNothing) {
  Result<Module> module = parseModule("module \"m\" { func @main(%a: f32[2,M]) {\n"
                                      "%r = NonZero(%a)\n%s = Transpose(%r)\n} }",
                                      "t");
  ASSERT_TRUE(module);
  std::string before = print(*module);
  for (const std::unique_ptr<Op> &op : module->main().body.ops())
    ASSERT_TRUE(inferOp(*module, *op));
  EXPECT_EQ(print(*module), before);
}

TEST(Cast, Types) {
  EXPECT_EQ(inferredOp("%a: f32[N]", "Cast(%a) {to = i64}"), "i64[N]");
  EXPECT_EQ(inferredOp("%a: f32[*]", "Cast(%a) {to = 10}"), "f16[*]");
  EXPECT_EQ(inferredOp("%a: f32[N], %b: i8[3]", "CastLike(%a, %b)"), "i8[N]");
  EXPECT_EQ(inferredOp("%a: f32[N]", "BitCast(%a) {to = i32}"), "i32[N]");
  EXPECT_TRUE(has(inferredOp("%a: f32[N]", "BitCast(%a) {to = i64}"), "as wide as f32, got i64"));
}

TEST(MatMul, Shapes) {
  EXPECT_EQ(inferredOp("%a: f32[N,2,3], %b: f32[3,4]", "MatMul(%a, %b)"), "f32[N,2,4]");
  EXPECT_EQ(inferredOp("%a: f32[3], %b: f32[5,3,4]", "MatMul(%a, %b)"), "f32[5,4]");
  EXPECT_EQ(inferredOp("%a: f32[5,2,3], %b: f32[3]", "MatMul(%a, %b)"), "f32[5,2]");
  EXPECT_EQ(inferredOp("%a: f32[3], %b: f32[3]", "MatMul(%a, %b)"), "f32[]");
  EXPECT_TRUE(has(inferredOp("%a: f32[2,3], %b: f32[4,5]", "MatMul(%a, %b)"), "to be 4"));
  EXPECT_TRUE(has(inferredOp("%a: f32[], %b: f32[4,5]", "MatMul(%a, %b)"), "rank at least 1"));
  EXPECT_EQ(inferredOp("%a: u8[2,3], %b: i8[3,4]", "MatMulInteger(%a, %b)"), "i32[2,4]");
  auto withZeros = [](const std::string &a, const std::string &b) {
    return inferredOp("%a: u8[2,3], %b: i8[5,3,4], %p: u8" + a + ", %q: i8" + b,
                      "MatMulInteger(%a, %b, %p, %q)");
  };
  for (const auto &[a, b] : {std::pair("[]", "[4]"), {"[2]", "[1]"}, {"[2,1]", "[5,1,4]"}})
    EXPECT_EQ(withZeros(a, b), "i32[5,2,4]");
  EXPECT_TRUE(has(withZeros("[3]", "[]"), "input a_zero_point ('p'): expected a shape"));
  EXPECT_TRUE(has(withZeros("[]", "[2]"), "the columns of input B"));
  EXPECT_TRUE(has(withZeros("[2,2]", "[]"), "the rows of input A"));
}

TEST(Gemm, Shapes) {
  EXPECT_EQ(inferredOp("%a: f32[N,3], %b: f32[4,3], %c: f32[4]", "Gemm(%a, %b, %c) {transB = 1}"),
            "f32[N,4]");
  EXPECT_EQ(inferredOp("%a: f32[3,N], %b: f32[3,4]", "Gemm(%a, %b) {transA = 1}"), "f32[N,4]");
  EXPECT_TRUE(has(inferredOp("%a: f32[2,3], %b: f32[3,4], %c: f32[5]", "Gemm(%a, %b, %c)"),
                  "input C ('c'): expected a shape that broadcasts to f32[2,4]"));
  EXPECT_TRUE(has(inferredOp("%a: f32[1,3], %b: f32[3,4], %c: f32[2,4]", "Gemm(%a, %b, %c)"),
                  "broadcasts to f32[1,4]"));
}

TEST(Einsum, Shapes) {
  auto einsum = [](const std::string &equation) {
    return inferredOp("%a: f32[N,2,3], %b: f32[N,3,4]",
                      "Einsum(%a, %b) {equation = \"" + equation + "\"}");
  };
  EXPECT_EQ(einsum("bij,bjk->bik"), "f32[N,2,4]");
  EXPECT_EQ(einsum(" b i j , b j k -> k b"), "f32[4,N]");
  EXPECT_EQ(einsum("...ij,...jk->...ik"), "f32[N,2,4]");
  EXPECT_EQ(einsum("bij,bjk"), "f32[2,4]");
  EXPECT_EQ(einsum("...j,...kl"), "f32[N,2,3,3,4]");
  EXPECT_TRUE(has(einsum("bij,bij->b"), "'i'"));
  EXPECT_TRUE(has(einsum("bij->b"), "expected 2 terms"));
  EXPECT_TRUE(has(einsum("bij,bjk->z"), "output letter 'z'"));
  EXPECT_TRUE(has(einsum("bij,bjk->bb"), "output letter 'b'"));
  EXPECT_TRUE(has(einsum("b1j,bjk->b"), "expected letters"));
  EXPECT_TRUE(has(einsum("bi,bjk->b"), "expected rank 2, got 3"));
}

} // namespace
