// Reshaping, contents of shape tensors, data movement.
#include "tests/ir/infer/InferTesting.h"

using namespace cameo;

namespace {

std::string reshape(const std::string &type, const std::string &shape,
                    const std::string &attributes = "") {
  return inferred("%x: " + type,
                  "%s = Constant() {value = dense<i64[" +
                      std::to_string(std::count(shape.begin(), shape.end(), ',') + 1) +
                      "]: " + shape + ">}\n%r = Reshape(%x, %s) " + attributes);
}

TEST(Reshape, Static) {
  EXPECT_EQ(reshape("f32[2,3,4]", "6, 4"), "f32[6,4]");
  EXPECT_EQ(reshape("f32[2,3,4]", "0, -1"), "f32[2,12]");
  EXPECT_EQ(reshape("f32[0,3]", "0, 7", "{allowzero = 1}"), "f32[0,7]");
  EXPECT_EQ(reshape("f32[0,3]", "-1, 3"), "f32[0,3]");
}

TEST(Reshape, Symbolic) {
  EXPECT_EQ(reshape("f32[N,7,7,8]", "-1, 49, 8"), "f32[N,49,8]");
  EXPECT_EQ(reshape("f32[64*N,49,96]", "-1, 8, 8, 7, 7, 96"), "f32[N,8,8,7,7,96]");
  EXPECT_EQ(reshape("f32[N,8,H,W]", "0, 8, -1"), "f32[N,8,H*W]");
  EXPECT_EQ(reshape("f32[N,3]", "-1, 2"), "f32[floordiv(3*N, 2),2]");
  EXPECT_EQ(reshape("f32[floordiv(H+1, 2)+1,4]", "0, 2, -1"), "f32[1+floordiv(1+H, 2),2,2]");
  EXPECT_EQ(reshape("f32[*]", "0, 4, -1"), "f32[s.0,4,s.1]");
}

TEST(Reshape, Errors) {
  EXPECT_TRUE(has(reshape("f32[2,3]", "4, 2"),
                  "expected a shape of as many elements as f32[2,3], got f32[4,2]"));
  EXPECT_TRUE(has(reshape("f32[2,3]", "-1, -1"), "at most one -1"));
  EXPECT_TRUE(has(reshape("f32[2,3]", "-2, 3"), "at least -1, got -2"));
  EXPECT_TRUE(has(reshape("f32[2,3]", "4, -1"), "does not divide"));
  EXPECT_TRUE(has(reshape("f32[2,3]", "2, 3, 0"), "0 at 2 copies a size that the input has not"));
  EXPECT_TRUE(has(reshape("f32[0,3]", "0, -1", "{allowzero = 1}"), "no particular size"));
  EXPECT_TRUE(has(reshape("f32[2,3]", "4611686018427387904, 4, -1"), "overflow"));
  EXPECT_TRUE(has(reshape("f32[N]", "4611686018427387904, 4611686018427387904"), "too large"));
}

TEST(Reshape, UnknownShape) {
  EXPECT_EQ(inferredOp("%x: f32[2,3], %s: i64[2]", "Reshape(%x, %s)"), "f32[s.0,s.1]");
  EXPECT_EQ(inferredOp("%x: f32[2,3], %s: i64[K]", "Reshape(%x, %s)"), "f32[*]");
  EXPECT_TRUE(has(inferredOp("%x: f32[2,3], %s: i64[100000]", "Reshape(%x, %s)"), "at most 64"));
}

// What torch's older exporter writes for x.view(x.size(0) * 4, -1).
TEST(Contents, ShapeArithmetic) {
  EXPECT_EQ(inferred("%x: f32[N,3,8,8]", R"(
    %s = Shape(%x)
    %i = Constant() {value = dense<i64[]: 0>}
    %n = Gather(%s, %i)
    %four = Constant() {value = dense<i64[]: 4>}
    %m = Mul(%n, %four)
    %axes = Constant() {value = dense<i64[1]: 0>}
    %a = Unsqueeze(%m, %axes)
    %rest = Constant() {value = dense<i64[2]: -1, 8>}
    %shape = Concat(%a, %rest) {axis = 0}
    %r = Reshape(%x, %shape))"),
            "f32[4*N,6,8]");
}

TEST(Contents, Elementwise) {
  auto chain = [](const std::string &op) {
    return inferred("%x: f32[N,6]", "%s = Shape(%x)\n%two = Constant() {value = dense<i64[1]: 2>}\n"
                                    "%r = " +
                                        op);
  };
  EXPECT_EQ(chain("Add(%s, %two)"), "i64[2] known <2+N, 8>");
  EXPECT_EQ(chain("Sub(%two, %s)"), "i64[2] known <2-N, -4>");
  EXPECT_EQ(chain("Div(%s, %two)"), "i64[2] known <floordiv(N, 2), 3>");
  EXPECT_EQ(chain("Mod(%s, %two)"), "i64[2] known <mod(N, 2), 0>");
  EXPECT_EQ(chain("Max(%s, %two)"), "i64[2] known <max(2, N), 6>");
  EXPECT_EQ(chain("Equal(%s, %two)"), "bool[2]");
  EXPECT_EQ(chain("Cast(%s) {to = i32}"), "i32[2] known <N, 6>");
  EXPECT_EQ(chain("Cast(%s) {to = f32}"), "f32[2]");
  EXPECT_EQ(chain("Cast(%s) {to = u8}"), "u8[2]");
  EXPECT_EQ(chain("ReduceProd(%s) {keepdims = 0}"), "i64[] known <6*N>");
  EXPECT_EQ(chain("Slice(%s, %two, %two)"), "i64[0] known <>");
  EXPECT_EQ(chain("Neg(%s)"), "i64[2] known <-N, -6>");
}

// Equal against -1 selects in exports of Expand with -1 sizes.
TEST(Contents, WhereEqual) {
  EXPECT_EQ(inferred("%x: f32[N,6]", R"(
    %s = Shape(%x)
    %w = Constant() {value = dense<i64[2]: -1, 4>}
    %one = Constant() {value = dense<i64[]: -1>}
    %e = Equal(%w, %one)
    %r = Where(%e, %s, %w))"),
            "i64[2] known <N, 4>");
}

TEST(Contents, DivisionOfUnknownSignIsUnknown) {
  EXPECT_EQ(inferred("%x: f32[N]", "%s = Shape(%x)\n%c = Constant() {value = dense<i64[1]: 5>}\n"
                                   "%t = Sub(%s, %c)\n%r = Div(%t, %c)"),
            "i64[1]");
}

TEST(Contents, DivisionByZeroIsUnknown) {
  EXPECT_EQ(inferred("%x: f32[N]", "%s = Shape(%x)\n%c = Constant() {value = dense<i64[1]: 0>}\n"
                                   "%r = Div(%s, %c)"),
            "i64[1]");
  EXPECT_EQ(inferred("%x: f32[3]", "%s = Shape(%x)\n%c = Constant() {value = dense<i64[1]: 0>}\n"
                                   "%r = Mod(%s, %c)"),
            "i64[1]");
}

TEST(Shape, Bounds) {
  EXPECT_EQ(inferredOp("%x: f32[N,3,4]", "Shape(%x) {start = 1}"), "i64[2] known <3, 4>");
  EXPECT_EQ(inferredOp("%x: f32[N,3,4]", "Shape(%x) {start = -1, end = 9}"), "i64[1] known <4>");
  EXPECT_EQ(inferredOp("%x: f32[N,3,4]", "Shape(%x) {start = 2, end = 1}"), "i64[0] known <>");
  EXPECT_EQ(inferredOp("%x: f32[N,3]", "Shape(%x) {end = -9223372036854775808}"),
            "i64[0] known <>");
  EXPECT_EQ(inferredOp("%x: f32[*]", "Shape(%x)"), "i64[s.0]");
  EXPECT_EQ(inferredOp("%x: f32[N,3]", "Size(%x)"), "i64[] known <3*N>");
}

TEST(Shape, SqueezeUnsqueeze) {
  auto with = [](const std::string &type, const std::string &axes, const std::string &op) {
    return inferred("%x: " + type,
                    "%a = Constant() {value = dense<i64[" +
                        std::to_string(std::count(axes.begin(), axes.end(), ',') + 1) +
                        "]: " + axes + ">}\n%r = " + op + "(%x, %a)");
  };
  EXPECT_EQ(with("f32[1,N,1]", "0, -1", "Squeeze"), "f32[N]");
  EXPECT_EQ(with("f32[N,3]", "0, -1", "Unsqueeze"), "f32[1,N,3,1]");
  EXPECT_TRUE(has(with("f32[2,3]", "0", "Squeeze"), "only dims of size 1 can be squeezed"));
  EXPECT_TRUE(has(with("f32[1,1]", "0, -2", "Squeeze"), "expected distinct axes"));
  EXPECT_TRUE(has(with("f32[2,3]", "-9223372036854775808", "Squeeze"), "expected -2 to 1"));
  EXPECT_TRUE(has(with("f32[2,3]", "5", "Unsqueeze"), "expected -3 to 2, got 5"));
  EXPECT_EQ(inferredOp("%x: f32[1,3,1]", "Squeeze(%x)"), "f32[3]");
  EXPECT_EQ(inferredOp("%x: f32[1,N,1]", "Squeeze(%x)"), "f32[*]");
}

TEST(Shape, Reordering) {
  EXPECT_EQ(inferredOp("%x: f32[N,3,4]", "Transpose(%x) {perm = [2, 0, 1]}"), "f32[4,N,3]");
  EXPECT_EQ(inferredOp("%x: f32[N,3,4]", "Transpose(%x)"), "f32[4,3,N]");
  EXPECT_TRUE(has(inferredOp("%x: f32[N,3]", "Transpose(%x) {perm = [1, 1]}"),
                  "a permutation of the axes 0 to 1, got [1,1]"));
  EXPECT_EQ(inferredOp("%x: f32[N,3,4]", "Flatten(%x)"), "f32[N,12]");
  EXPECT_EQ(inferredOp("%x: f32[N,3,4]", "Flatten(%x) {axis = 3}"), "f32[12*N,1]");
  EXPECT_TRUE(has(inferredOp("%x: f32[N,3,4]", "Flatten(%x) {axis = 4}"), "expected -3 to 3"));
  EXPECT_EQ(inferredOp("%x: f32[N,8,H,5]", "DepthToSpace(%x) {blocksize = 2}"), "f32[N,2,2*H,10]");
  EXPECT_EQ(inferredOp("%x: f32[N,3,H,4]", "SpaceToDepth(%x) {blocksize = 2}"),
            "f32[N,12,floordiv(H, 2),2]");
  EXPECT_TRUE(
      has(inferredOp("%x: f32[1,3,4,4]", "DepthToSpace(%x) {blocksize = 2}"), "a multiple of 4"));
  EXPECT_TRUE(has(inferredOp("%x: f32[1,3,4,4]", "DepthToSpace(%x) {blocksize = 0}"),
                  "expected at least 1"));
}

TEST(Movement, ConcatSplit) {
  EXPECT_EQ(inferredOp("%a: f32[N,3], %b: f32[N,M]", "Concat(%a, %b) {axis = -1}"), "f32[N,3+M]");
  EXPECT_EQ(inferredOp("%a: f32[N,3], %b: f32[2,4]", "Concat(%a, %b) {axis = 1}"), "f32[2,7]");
  EXPECT_TRUE(has(inferredOp("%a: f32[1,3], %b: f32[2,4]", "Concat(%a, %b) {axis = 1}"),
                  "expected dim 0 to be 1"));
  EXPECT_TRUE(has(inferredOp("%a: f32[], %b: f32[]", "Concat(%a, %b) {axis = 0}"), "scalar"));
  EXPECT_EQ(inferredOp("%a: f32[7,2]", "Split(%a) {num_outputs = 3}", 3),
            "f32[3,2], f32[3,2], f32[1,2]");
  EXPECT_EQ(inferredOp("%a: f32[N,6]", "Split(%a) {axis = 1, num_outputs = 2}", 2),
            "f32[N,3], f32[N,3]");
  EXPECT_EQ(inferredOp("%a: f32[2]", "Split(%a) {num_outputs = 4}", 4),
            "f32[1], f32[1], f32[0], f32[0]");
  EXPECT_EQ(inferredOp("%a: f32[N]", "Split(%a) {num_outputs = 2}", 2),
            "f32[floordiv(1+N, 2)], f32[N-floordiv(1+N, 2)]");
  EXPECT_TRUE(has(inferredOp("%a: f32[2]", "Split(%a) {num_outputs = 3}", 2), "got 3"));
  auto sizes = [](const std::string &text) {
    return inferred("%a: f32[N,6]", "%s = Constant() {value = dense<i64[2]: " + text +
                                        ">}\n%p, %q = Split(%a, %s) {axis = 1}");
  };
  EXPECT_EQ(sizes("2, 4"), "f32[N,2], f32[N,4]");
  EXPECT_TRUE(
      has(sizes("2, 5"), "expected sizes that add up to 6 (the axis of input input ('a')), got 7"));
  EXPECT_TRUE(has(sizes("-2, 8"), "at least 0, got -2"));
}

std::string slice(const std::string &type, const std::string &start, const std::string &end,
                  const std::string &step = "1") {
  auto constant = [](const std::string &name, const std::string &value) {
    return "%" + name + " = Constant() {value = dense<i64[1]: " + value + ">}\n";
  };
  return inferred("%x: " + type, constant("b", start) + constant("e", end) + constant("a", "0") +
                                     constant("s", step) + "%r = Slice(%x, %b, %e, %a, %s)");
}

TEST(Slice, Constant) {
  EXPECT_EQ(slice("f32[10]", "2", "7"), "f32[5]");
  EXPECT_EQ(slice("f32[10]", "-3", "9223372036854775807"), "f32[3]");
  EXPECT_EQ(slice("f32[10]", "0", "-1"), "f32[9]");
  EXPECT_EQ(slice("f32[10]", "-100", "100", "3"), "f32[4]");
  EXPECT_EQ(slice("f32[10]", "7", "2"), "f32[0]");
  EXPECT_EQ(slice("f32[10]", "9", "-9223372036854775808", "-1"), "f32[10]");
  EXPECT_EQ(slice("f32[10]", "9223372036854775807", "-9223372036854775808", "-1"), "f32[10]");
  EXPECT_EQ(slice("f32[10]", "-1", "-100", "-4"), "f32[3]");
  EXPECT_EQ(slice("f32[10]", "0", "10", "9223372036854775807"), "f32[1]");
  EXPECT_EQ(slice("f32[10]", "9", "0", "-9223372036854775808"), "f32[1]");
  EXPECT_EQ(slice("f32[0]", "0", "10"), "f32[0]");
  EXPECT_EQ(slice("f32[0]", "5", "-10", "-1"), "f32[0]");
  EXPECT_TRUE(has(slice("f32[10]", "0", "1", "0"), "expected steps other than 0"));
}

TEST(Slice, Symbolic) {
  EXPECT_EQ(slice("f32[N]", "0", "9223372036854775807"), "f32[N]");
  EXPECT_EQ(slice("f32[N]", "0", "2147483647", "2"), "f32[floordiv(1+N, 2)]");
  EXPECT_EQ(slice("f32[N]", "1", "9223372036854775807"), "f32[max(-1+N, 0)]");
  EXPECT_EQ(slice("f32[1+N]", "1", "9223372036854775807"), "f32[N]");
  EXPECT_EQ(slice("f32[N]", "0", "5"), "f32[min(5, N)]");
  EXPECT_EQ(slice("f32[5+N]", "0", "5"), "f32[5]");
  EXPECT_EQ(slice("f32[N]", "-5", "9223372036854775807"), "f32[min(5, N)]");
  EXPECT_EQ(slice("f32[2*N]", "0", "-1"), "f32[max(-1+2*N, 0)]");
  EXPECT_EQ(slice("f32[N]", "-1", "-9223372036854775808", "-1"), "f32[N]");
}

TEST(Slice, Unknown) {
  EXPECT_EQ(inferredOp("%x: f32[4,5], %b: i64[1], %e: i64[1]", "Slice(%x, %b, %e)"), "f32[s.0,5]");
  EXPECT_EQ(inferredOp("%x: f32[4,5], %b: i64[K], %e: i64[K]", "Slice(%x, %b, %e)"),
            "f32[s.0,s.1]");
  EXPECT_TRUE(has(inferredOp("%x: f32[4], %b: i64[2], %e: i64[2]", "Slice(%x, %b, %e)"),
                  "expected dim 0 to be at most 1 (the axes of input data"));
  EXPECT_TRUE(
      has(inferredOp("%x: f32[4], %b: i64[1], %e: i64[2]", "Slice(%x, %b, %e)"), "input ends"));
}

TEST(Movement, PadTileExpand) {
  auto with = [](const std::string &type, const std::string &values, int count,
                 const std::string &op) {
    return inferred("%x: " + type, "%v = Constant() {value = dense<i64[" + std::to_string(count) +
                                       "]: " + values + ">}\n%r = " + op);
  };
  EXPECT_EQ(with("f32[N,3]", "0, 1, 0, 2", 4, "Pad(%x, %v)"), "f32[N,6]");
  EXPECT_EQ(with("f32[4,3]", "-1, 0, -1, 0", 4, "Pad(%x, %v)"), "f32[2,3]");
  EXPECT_TRUE(has(with("f32[1]", "-1, -1", 2, "Pad(%x, %v)"), "negative size"));
  EXPECT_TRUE(has(with("f32[1]", "4611686018427387904, 4611686018427387904", 2, "Pad(%x, %v)"),
                  "overflow"));
  EXPECT_TRUE(has(with("f32[2,2]", "1, 1", 2, "Pad(%x, %v)"),
                  "expected dim 0 to be 4 (two values an axis), got 2"));
  EXPECT_TRUE(has(with("f32[2]", "1, 1", 2, "Pad(%x, %v) {mode = \"mirror\"}"), "got 'mirror'"));
  EXPECT_EQ(with("f32[N,3]", "2, 0", 2, "Tile(%x, %v)"), "f32[2*N,0]");
  EXPECT_TRUE(has(with("f32[N,3]", "2", 1, "Tile(%x, %v)"), "one count an axis"));
  EXPECT_EQ(with("f32[N,1]", "5, 1, 4", 3, "Expand(%x, %v)"), "f32[5,N,4]");
  EXPECT_TRUE(has(with("f32[N,2]", "5, 1, 4", 3, "Expand(%x, %v)"), "broadcasts"));
  EXPECT_EQ(with("f32[5,4]", "3, 7", 2, "CenterCropPad(%x, %v)"), "f32[3,7]");
  EXPECT_TRUE(
      has(with("f32[5,4]", "3, 1099511627776, 4194304", 3, "Expand(%x, %v)"), "broadcasts"));
  EXPECT_TRUE(has(with("f32[1]", "1099511627776, 4194304", 2, "Expand(%x, %v)"), "too large"));
}

TEST(Constant, OfShapeAndRange) {
  EXPECT_EQ(inferred("%x: f32[N,3]", "%s = Shape(%x)\n%r = ConstantOfShape(%s)"), "f32[N,3]");
  EXPECT_EQ(inferred("", "%s = Constant() {value = dense<i64[1]: 3>}\n"
                         "%r = ConstantOfShape(%s) {value = dense<i64[1]: 7>}"),
            "i64[3] known <7, 7, 7>");
  EXPECT_TRUE(has(inferred("", "%s = Constant() {value = dense<i64[1]: -3>}\n"
                               "%r = ConstantOfShape(%s)"),
                  "at least 0, got -3"));
  auto range = [](const std::string &type, const std::string &a, const std::string &b,
                  const std::string &c) {
    std::string text;
    for (const auto &[name, value] : {std::pair("a", a), std::pair("b", b), std::pair("c", c)})
      text += std::string("%") + name + " = Constant() {value = dense<" + type + "[]: " + value +
              ">}\n";
    return inferred("", text + "%r = Range(%a, %b, %c)");
  };
  EXPECT_EQ(range("i64", "2", "9", "3"), "i64[3] known <2, 5, 8>");
  EXPECT_EQ(range("i64", "9", "2", "-3"), "i64[3] known <9, 6, 3>");
  EXPECT_EQ(range("i64", "9", "2", "3"), "i64[0] known <>");
  EXPECT_TRUE(has(range("i64", "0", "2", "0"), "a step other than 0"));
  EXPECT_TRUE(has(range("i64", "-9223372036854775808", "9223372036854775807", "1"), "overflow"));
  EXPECT_EQ(range("f32", "0.0", "1.0", "0.25"), "f32[4]");
  EXPECT_TRUE(has(range("f32", "0.0", "1.0", "0.0"), "finite length"));
  EXPECT_EQ(inferred("%x: f32[N]", "%n = Size(%x)\n%z = Constant() {value = dense<i64[]: 0>}\n"
                                   "%o = Constant() {value = dense<i64[]: 1>}\n"
                                   "%r = Range(%z, %n, %o)"),
            "i64[N]");
}

// Each step doubles the expression if nothing stops it.
TEST(Contents, NestedExpressionsStaySmall) {
  std::string text =
      "%s = Shape(%x)\n%c = Constant() {value = dense<i64[1]: 7>}\n%v0 = Add(%s, %c)\n";
  for (int i = 0; i < 60; i++) {
    std::string v = "%v" + std::to_string(i), n = std::to_string(i);
    text += "%a" + n + " = Add(" + v + ", %c)\n%m" + n + " = Mod(%a" + n + ", " + v + ")\n%v" +
            std::to_string(i + 1) + " = Div(%a" + n + ", %m" + n + ")\n";
  }
  EXPECT_EQ(inferred("%x: f32[N]", text), "i64[1]");
}

} // namespace
