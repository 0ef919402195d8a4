// If, Loop, Scan: results from what the regions yield.
#include "tests/ir/infer/InferTesting.h"

using namespace cameo;

namespace {

TEST(If, JoinsBranches) {
  auto branches = [](const std::string &a, const std::string &b) {
    return inferred("%c: bool[], %x: f32[N,3], %y: f32[N,4], %z: f64[2], %q: f32[3]",
                    "%r = If(%c) ^() {\nyield(%" + a + ")\n} ^() {\nyield(%" + b + ")\n}");
  };
  EXPECT_EQ(branches("x", "x"), "f32[N,3]");
  EXPECT_EQ(branches("x", "y"), "f32[N,s.0]");
  EXPECT_EQ(branches("x", "q"), "f32[*]");
  EXPECT_TRUE(
      has(branches("x", "z"), "output 0 is f32[N,3] in one branch and f64[2] in the other"));
}

TEST(If, InnerSymbolsStayInside) {
  EXPECT_EQ(inferred("%c: bool[], %x: f32[N]", R"(
    %r = If(%c) ^() {
      %a = NonZero(%x)
      yield(%a)
    } ^() {
      %b = NonZero(%x)
      yield(%b)
    })"),
            "i64[1,s.2]");
}

TEST(Loop, CarriedAndStacked) {
  std::string loop = R"(
    %r, %st = Loop(%m, _, %x) ^(%i: i64[], %c: bool[], %v: f32[N,3]) {
      %w = Relu(%v)
      %k = Identity(%c)
      yield(%k, %w, %w)
    })";
  EXPECT_EQ(inferred("%m: i64[], %x: f32[N,3]", loop), "f32[N,3], f32[s.0,N,3]");
  EXPECT_EQ(inferred("%x: f32[N,3]", "%m = Constant() {value = dense<i64[]: 7>}" + loop),
            "f32[N,3], f32[7,N,3]");
}

TEST(Loop, GrowingValueGetsAFreshSize) {
  EXPECT_EQ(inferred("%m: i64[], %x: f32[1]", R"(
    %r = Loop(%m, _, %x) ^(%i: i64[], %c: bool[], %v: f32[L]) {
      %w = Concat(%v, %v) {axis = 0}
      yield(%c, %w)
    })"),
            "f32[s.0]");
}

TEST(Scan, Stacks) {
  EXPECT_EQ(inferred("%h: f32[4], %x: f32[N,T,4]", R"(
    %r, %st = Scan(%h, %x) {num_scan_inputs = 1, scan_input_axes = [1], scan_output_axes = [-1]}
        ^(%s: f32[4], %v: f32[N,4]) {
      %w = Add(%s, %v)
      %t = Identity(%s)
      yield(%t, %w)
    })"),
            "f32[4], f32[N,4,T]");
}

} // namespace
