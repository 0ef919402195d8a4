// Rules of sequences, optionals and recurrent layers.
#include "tests/ir/infer/InferTesting.h"

namespace cameo {
namespace {

TEST(Sequence, ElementTypeHoldsForAll) {
  std::string args = "%x: f32[N,3], %y: f32[N,4], %z: f32[2], %i: i64[]";
  EXPECT_EQ(inferred(args, "%r = SequenceConstruct(%x, %x)"), "seq<f32[s.0,3]>");
  EXPECT_EQ(inferred(args, "%r = SequenceConstruct(%x, %y)"), "seq<f32[s.0,s.1]>");
  EXPECT_EQ(inferred(args, "%r = SequenceConstruct(%x, %z)"), "seq<f32[*]>");
  std::string pair = "%s = SequenceConstruct(%x, %x)\n";
  EXPECT_EQ(inferred(args, pair + "%r = SequenceAt(%s, %i)"), "f32[s.1,3]");
  EXPECT_EQ(inferred(args, pair + "%r = SequenceInsert(%s, %y)"), "seq<f32[s.1,s.2]>");
  EXPECT_EQ(inferred(args, pair + "%r = SequenceErase(%s)"), "seq<f32[s.0,3]>");
  EXPECT_EQ(inferred(args, pair + "%r = SequenceLength(%s)"), "i64[]");
  EXPECT_EQ(inferred(args, pair + "%r = ConcatFromSequence(%s) {axis = 1}"), "f32[s.1,s.2]");
  EXPECT_EQ(inferred(args, pair + "%r = ConcatFromSequence(%s) {axis = 0, new_axis = 1}"),
            "f32[s.1,s.2,3]");
}

TEST(Sequence, Split) {
  std::string args = "%x: f32[6,N]";
  EXPECT_EQ(inferred(args, "%r = SplitToSequence(%x)"), "seq<f32[1,s.0]>");
  EXPECT_EQ(inferred(args, "%r = SplitToSequence(%x) {keepdims = 0}"), "seq<f32[s.0]>");
  auto sizes = [&](const std::string &value) {
    return inferred(args,
                    "%k = Constant() {value = dense<" + value + ">}\n%r = SplitToSequence(%x, %k)");
  };
  EXPECT_EQ(sizes("i64[]: 3"), "seq<f32[3,s.0]>");
  EXPECT_EQ(sizes("i64[]: 4"), "seq<f32[s.0,s.1]>");
  EXPECT_EQ(sizes("i64[2]: 2, 4"), "seq<f32[s.0,s.1]>");
}

TEST(Optional, HasTheTypeOfItsContent) {
  std::string args = "%x: f32[N,3]", made = "%o = Optional(%x)\n";
  EXPECT_EQ(inferred(args, "%r = Optional(%x)"), "opt<f32[N,3]>");
  EXPECT_EQ(inferred(args, made + "%r = OptionalGetElement(%o)"), "f32[N,3]");
  EXPECT_EQ(inferred(args, made + "%r = OptionalHasElement(%o)"), "bool[]");
}

TEST(Recurrent, Shapes) {
  std::string args = "%x: f32[T,B,8], %w: f32[1,64,8], %r: f32[1,64,16], %w2: f32[2,64,8], "
                     "%r2: f32[2,64,16], %v: f32[1,60,8]";
  EXPECT_EQ(inferred(args, "%y, %h, %c = LSTM(%x, %w, %r)"),
            "f32[T,1,B,16], f32[1,B,16], f32[1,B,16]");
  EXPECT_EQ(inferred(args, "%y, %h = LSTM(%x, %w2, %r2) {direction = \"bidirectional\"}"),
            "f32[T,2,B,16], f32[2,B,16]");
  EXPECT_EQ(inferred(args, "%y, %h = LSTM(%x, %w, %r) {layout = 1}"), "f32[T,B,1,16], f32[T,1,16]");
  EXPECT_TRUE(has(inferred(args, "%y = LSTM(%x, %v, %r)"), "input W ('v')"));
  EXPECT_TRUE(has(inferred(args, "%y = GRU(%x, %w, %r)"), "input W ('w')"));
}

} // namespace
} // namespace cameo
