// Elementwise ops where languages and libraries differ: wrapping, division, NaN, rounding, casts.
#include "tests/ir/eval/EvalTesting.h"

namespace cameo::test {
namespace {

constexpr double kMin8 = -128;

TEST(EvalElementwise, IntegersWrapAndDivideTruncating) {
  expectTensor(run(OpKind::Add, {data(DType::I8, {2}, {127, -128}), data(DType::I8, {2}, {1, -1})}),
               0, {2}, {-128, 127});
  expectTensor(run(OpKind::Mul, {data(DType::U8, {1}, {16}), data(DType::U8, {1}, {17})}), 0, {1},
               {16});
  expectTensor(run(OpKind::Div,
                   {data(DType::I8, {4}, {-7, 7, kMin8, 5}), data(DType::I8, {4}, {2, -2, -1, 0})}),
               0, {4}, {-3, -3, -128, 0});
  expectTensor(run(OpKind::Div, {i64({1}, {INT64_MIN}), i64({1}, {-1})}), 0, {1},
               {static_cast<double>(INT64_MIN)});
  expectTensor(run(OpKind::Neg, {data(DType::I8, {1}, {kMin8})}), 0, {1}, {kMin8});
  expectTensor(run(OpKind::Abs, {data(DType::I8, {1}, {kMin8})}), 0, {1}, {kMin8});
}

TEST(EvalElementwise, ModTakesTheSignOfTheDivisorOrOfTheDividend) {
  ConstRef a = i64({4}, {-7, 7, 7, -7}), b = i64({4}, {3, -3, 0, -1});
  expectTensor(run(OpKind::Mod, {a, b}), 0, {4}, {2, -2, 0, 0});
  expectTensor(run(OpKind::Mod, {a, b}, attrs({{"fmod", int64_t{1}}})), 0, {4}, {-1, 1, 0, 0});
  expectTensor(run(OpKind::Mod, {f32({3}, {-5.5, 5.5, 1}), f32({3}, {2, -2, kInf})}), 0, {3},
               {0.5, -0.5, 1});
}

TEST(EvalElementwise, ShiftsByTheWidthAreDefined) {
  AttrDict left = attrs({{"direction", text("LEFT")}});
  AttrDict right = attrs({{"direction", text("RIGHT")}});
  ConstRef x = data(DType::U8, {3}, {129, 129, 129}), by = data(DType::U8, {3}, {1, 8, 200});
  expectTensor(run(OpKind::BitShift, {x, by}, left), 0, {3}, {2, 0, 0});
  expectTensor(run(OpKind::BitShift, {x, by}, right), 0, {3}, {64, 0, 0});
  ConstRef y = data(DType::I8, {3}, {-3, -3, 3}), amount = data(DType::I8, {3}, {1, 9, -1});
  expectTensor(run(OpKind::BitShift, {y, amount}, right), 0, {3}, {-2, -1, 0});
}

TEST(EvalElementwise, NaNPropagates) {
  ConstRef x = f32({3}, {kNaN, -1, 1});
  expectTensor(run(OpKind::Relu, {x}), 0, {3}, {kNaN, 0, 1});
  expectTensor(run(OpKind::Clip, {x, f32({}, {0}), f32({}, {0.5})}), 0, {3}, {kNaN, 0, 0.5});
  expectTensor(run(OpKind::Max, {x, f32({3}, {0, kNaN, 0})}), 0, {3}, {kNaN, kNaN, 1});
  expectTensor(run(OpKind::Min, {x, f32({3}, {0, kNaN, 0})}), 0, {3}, {kNaN, kNaN, 0});
  expectTensor(run(OpKind::ReduceMax, {x}, attrs({{"keepdims", int64_t{0}}})), 0, {}, {kNaN});
  expectTensor(run(OpKind::HardSigmoid, {x}), 0, {3}, {kNaN, 0.3, 0.7}, 1e-6);
  expectTensor(
      run(OpKind::MaxPool, {f32({1, 1, 3}, {1, kNaN, 2})}, attrs({{"kernel_shape", ints({3})}})), 0,
      {1, 1, 1}, {kNaN});
}

TEST(EvalElementwise, ClipWithMinAboveMaxGivesMax) {
  expectTensor(run(OpKind::Clip, {f32({2}, {-5, 5}), f32({}, {2}), f32({}, {1})}), 0, {2}, {1, 1});
}

TEST(EvalElementwise, RoundsHalfToEven) {
  expectTensor(run(OpKind::Round, {f32({6}, {0.5, 1.5, 2.5, -0.5, -1.5, -2.5})}), 0, {6},
               {0, 2, 2, 0, -2, -2});
}

TEST(EvalElementwise, CastsSaturateFloatsAndWrapIntegers) {
  auto cast = [](const ConstRef &x, DType to) {
    return run(OpKind::Cast, {x}, attrs({{"to", to}}));
  };
  expectTensor(cast(f32({5}, {300, -300, 2.9, -2.9, kNaN}), DType::I8), 0, {5},
               {127, -128, 2, -2, 0});
  expectTensor(cast(f32({3}, {1e30, -1, kInf}), DType::U64), 0, {3},
               {18446744073709551615.0, 0, 18446744073709551615.0});
  expectTensor(cast(i64({3}, {200, -1, 256}), DType::I8), 0, {3}, {-56, -1, 0});
  expectTensor(cast(i64({2}, {-1, 70000}), DType::U16), 0, {2}, {65535, 4464});
  expectTensor(cast(f32({4}, {0, -0.0, 0.1, kNaN}), DType::Bool), 0, {4}, {0, 0, 1, 1});
  expectTensor(cast(f32({3}, {2049, 65520, 1e-8}), DType::F16), 0, {3}, {2048, kInf, 0});
}

TEST(EvalElementwise, HalfTypesRoundOnce) {
  // 1 + 2^-11 + 2^-22 in double is above the tie; rounded to float first it would still be, but a
  // sum of halves computed in halves loses the last term.
  ConstRef a = data(DType::F16, {1}, {2048}), b = data(DType::F16, {1}, {1});
  ConstRef c = data(DType::F16, {1}, {0.5});
  expectTensor(run(OpKind::Sum, {a, b, c}), 0, {1}, {2050});
}

TEST(EvalElementwise, PowersOfIntegersAreExact) {
  expectTensor(run(OpKind::Pow, {i64({4}, {3, 2, -1, 5}), i64({4}, {4, -1, -3, 0})}), 0, {4},
               {81, 0, -1, 1});
}

TEST(EvalElementwise, BroadcastsEmptyDims) {
  expectTensor(run(OpKind::Add, {f32({2, 0}, {}), f32({1, 1}, {1})}), 0, {2, 0}, {});
  expectTensor(
      run(OpKind::Where, {data(DType::Bool, {2, 1}, {1, 0}), f32({3}, {1, 2, 3}), f32({}, {9})}), 0,
      {2, 3}, {1, 2, 3, 9, 9, 9});
  expectError(run(OpKind::Add, {f32({2}, {1, 2}), f32({3}, {1, 2, 3})}), "do not broadcast");
}

TEST(EvalElementwise, AccurateFarFromZero) {
  expectTensor(run(OpKind::Sigmoid, {f32({3}, {-100, 100, -1000})}), 0, {3}, {3.783506e-44, 1, 0},
               1e-45);
  expectTensor(run(OpKind::Softplus, {f32({2}, {1000, -1000})}), 0, {2}, {1000, 0});
  expectTensor(run(OpKind::Softmax, {f32({1, 2}, {1000, 1000})}), 0, {1, 2}, {0.5, 0.5});
  expectTensor(run(OpKind::LogSoftmax, {f32({1, 2}, {-1000, 0})}), 0, {1, 2}, {-1000, 0});
}

} // namespace
} // namespace cameo::test
