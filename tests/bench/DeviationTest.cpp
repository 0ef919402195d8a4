// The measures and classes of docs/compare.md.
#include "bench/Deviation.h"
#include "tests/bench/Arrays.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

namespace cameo {
namespace {

TEST(Deviation, EqualIsExcellent) {
  Deviation d = measure(floats({1, -2, 3}), floats({1, -2, 3}));
  EXPECT_EQ(d.verdict, Verdict::Pass);
  EXPECT_EQ(d.grade, Grade::Excellent);
  EXPECT_EQ(d.cosine, 1);
  EXPECT_EQ(d.worst, -1);
}

// The square of the largest is no double.
TEST(Deviation, EqualIsExcellentAtTheEndsOfTheType) {
  Tensor ends = tensorOf(DType::F64, {3}, {1e300, -5e-324, 1});
  EXPECT_EQ(measure(ends, ends).grade, Grade::Excellent);
  EXPECT_EQ(measure(ends, tensorOf(DType::F64, {3}, {1e300, 0, 1})).verdict, Verdict::Pass);
  EXPECT_EQ(measure(ends, tensorOf(DType::F64, {3}, {-1e300, 0, 1})).verdict, Verdict::Fail);
}

TEST(Deviation, RelativeToTheScaleButAtLeastOne) {
  Deviation big = measure(floats({1000, 0}), floats({1000, 0.05}));
  EXPECT_EQ(big.scale, 1000);
  EXPECT_NEAR(big.relative, 5e-5, 1e-9);
  EXPECT_NEAR(big.mse, 0.0025 / 2 / 1e6, 1e-12);
  EXPECT_EQ(big.grade, Grade::Good);
  EXPECT_EQ(measure(floats({0.5, 0.5}), floats({0.5, 0.5})).scale, 1);
}

TEST(Deviation, WarnsOverToleranceWithGoodCosine) {
  Deviation d = measure(floats({1, 2, 3}), floats({1.001, 2, 3}));
  EXPECT_EQ(d.grade, Grade::Poor);
  EXPECT_EQ(d.verdict, Verdict::Warn);
  EXPECT_EQ(d.worst, 0);
  EXPECT_EQ(measure(floats({1, 2, 3}), floats({1.001, 2, 3}), {.atol = 0.01}).verdict,
            Verdict::Pass);
  EXPECT_EQ(measure(floats({1, 0}), floats({0, 1})).verdict, Verdict::Fail);
}

TEST(Deviation, ExportWarnsOfWhatIsGoodOnly) {
  Judgement exported = {.thresholds = Thresholds::Export};
  auto verdict = [&](double difference) {
    return measure(floats({1, 0.5}), floats({1 + difference, 0.5}), exported).verdict;
  };
  EXPECT_EQ(verdict(5e-6), Verdict::Pass);
  EXPECT_EQ(verdict(5.3e-5), Verdict::Warn);
  EXPECT_EQ(verdict(5.3e-4), Verdict::Fail);
  EXPECT_EQ(measure(floats({1, 0.5}), floats({1 + 5.3e-5, 0.5})).verdict, Verdict::Pass);
  EXPECT_EQ(
      measure(floats({0.5, 1}), floats({0.75, 1}), {.step = 0.25, .thresholds = Thresholds::Export})
          .verdict,
      Verdict::Warn);
}

TEST(Deviation, NoiseInDecibels) {
  EXPECT_NEAR(measure(floats({10, 0}), floats({10, 1})).noise, -20, 1e-9);
  EXPECT_EQ(measure(floats({1, 2}), floats({1, 2})).noise, -HUGE_VAL);
}

TEST(Deviation, TwoZeroVectorsHaveCosineOne) {
  EXPECT_EQ(measure(floats({0, 0}), floats({0, 0})).cosine, 1);
  EXPECT_EQ(measure(floats({0, 0}), floats({0, 1e-6})).cosine, 0);
}

TEST(Deviation, NanAndInfinityMustMatch) {
  double inf = INFINITY;
  EXPECT_EQ(measure(floats({NAN, inf, -inf}), floats({NAN, inf, -inf})).verdict, Verdict::Pass);
  EXPECT_EQ(measure(floats({NAN, 1}), floats({1, 1})).mismatches, 1);
  EXPECT_EQ(measure(floats({inf, 1}), floats({-inf, 1})).verdict, Verdict::Fail);
  EXPECT_EQ(measure(floats({1, 1}), floats({NAN, 1})).verdict, Verdict::Fail);
}

TEST(Deviation, HalfTypesByTheirEpsilon) {
  Tensor want = tensorOf(DType::F16, {1}, {1}), got = tensorOf(DType::F16, {1}, {1 + 2.0 / 1024});
  EXPECT_EQ(measure(want, got).grade, Grade::Good);
  Tensor far = tensorOf(DType::F16, {1}, {1.25});
  EXPECT_EQ(measure(want, far).grade, Grade::Poor);
}

TEST(Deviation, QuantizedInSteps) {
  Tensor want = tensorOf(DType::U8, {2}, {10, 200}), got = tensorOf(DType::U8, {2}, {11, 200});
  EXPECT_EQ(measure(want, got).verdict, Verdict::Warn);
  EXPECT_EQ(measure(want, got, {.quantized = true}).verdict, Verdict::Pass);
  EXPECT_EQ(measure(floats({0.5, 1}), floats({0.75, 1}), {.step = 0.25}).grade, Grade::Good);
  EXPECT_EQ(measure(floats({0.5, 1}), floats({1, 1}), {.step = 0.25}).grade, Grade::Poor);
}

TEST(Deviation, WideIntegersKeepTheirLowBits) {
  auto wide = [](int64_t value) {
    std::vector<std::byte> bytes(8);
    std::memcpy(bytes.data(), &value, 8);
    return makeTensor(DType::I64, {}, std::move(bytes));
  };
  int64_t big = int64_t{1} << 60;
  EXPECT_EQ(measure(wide(big), wide(big)).grade, Grade::Excellent);
  EXPECT_EQ(measure(wide(big), wide(big + 1)).grade, Grade::Poor);
}

TEST(Deviation, TypeShapeAndStrings) {
  EXPECT_EQ(measure(floats({1}), floats({1, 2})).reason, "expected shape [1], got [2]");
  EXPECT_EQ(measure(floats({1}), tensorOf(DType::I8, {1}, {1})).reason,
            "expected element type f32, got i8");
  EXPECT_EQ(measure(Tensor::ofStrings({1}, {"a"}), Tensor::ofStrings({1}, {"b"})).verdict,
            Verdict::Fail);
  EXPECT_EQ(measure(tensorOf(DType::F32, {0}, {}), tensorOf(DType::F32, {0}, {})).verdict,
            Verdict::Pass);
}

} // namespace
} // namespace cameo
