// Statistics, interleaving, random inputs, and how reports print numbers.
#include "bench/Timing.h"
#include "bench/Random.h"
#include "bench/Report.h"
#include "tests/bench/Arrays.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <thread>

namespace cameo {
namespace {

TEST(Timing, PercentilesInterpolate) {
  std::vector<double> samples = {1, 2, 3, 4, 5};
  EXPECT_EQ(percentile(samples, 0.5), 3);
  EXPECT_DOUBLE_EQ(percentile(samples, 0.9), 4.6);
  EXPECT_EQ(percentile(samples, 1), 5);
  EXPECT_EQ(percentile({}, 0.5), 0);
  Summary summary = summarize({3, 1, 2});
  EXPECT_EQ(summary.runs, 3);
  EXPECT_EQ(summary.min, 1);
  EXPECT_EQ(summary.p50, 2);
  EXPECT_EQ(summary.mean, 2);
}

TEST(Timing, CandidatesTakeTurns) {
  std::string order;
  std::vector<Candidate> candidates;
  for (char name : {'a', 'b'})
    candidates.push_back({std::string(1, name), [&order, name]() -> Result<void> {
                            order += name;
                            return {};
                          }});
  auto timings = measureInterleaved(candidates, {.rounds = 2, .slice = 0});
  ASSERT_TRUE(timings);
  EXPECT_EQ(order, "ababab"); // one to warm up, then two rounds of one run
  EXPECT_EQ((*timings)[0].summary.runs, 2);
  EXPECT_EQ((*timings)[1].medians.size(), 2u);
}

TEST(Timing, AnErrorEndsIt) {
  auto timings = measureInterleaved({{"a", []() -> Result<void> { return badInput("no"); }}});
  ASSERT_FALSE(timings);
  EXPECT_EQ(timings.error().message, "no");
}

TEST(Timing, SpeedupIsTheMedianOfRounds) {
  Timing slow, fast;
  slow.medians = {2, 4, 90};
  fast.medians = {1, 1, 1};
  EXPECT_EQ(speedup(slow, fast), 4);
}

TEST(Random, DependsOnSeedStreamAndPositionOnly) {
  Tensor a = randomTensor(DType::F32, {100}, 1, 0), b = randomTensor(DType::F32, {200}, 1, 0);
  std::vector<double> first = valuesOf(a), longer = valuesOf(b);
  EXPECT_TRUE(std::equal(first.begin(), first.end(), longer.begin()));
  EXPECT_NE(first, valuesOf(randomTensor(DType::F32, {100}, 2, 0)));
  EXPECT_NE(first, valuesOf(randomTensor(DType::F32, {100}, 1, 1)));
}

TEST(Timing, TogetherIsAtTheSameTime) {
  std::atomic<int> inside = 0, most = 0;
  auto run = [&]() -> Result<void> {
    int now = ++inside;
    for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    --inside;
    return {};
  };
  Result<Throughput> together =
      measureTogether({{"a", run}, {"b", run}, {"c", run}}, {.rounds = 2, .slice = 0.1});
  ASSERT_TRUE(together);
  EXPECT_EQ(most, 3);
  EXPECT_EQ(together->rates.size(), 2u);
  EXPECT_GE(together->runs, 6);
  EXPECT_GT(together->rate(), 0);
  EXPECT_LE(together->rate(), 3 / 0.02);
  auto fails = []() -> Result<void> { return badInput("no"); };
  EXPECT_FALSE(measureTogether({{"a", run}, {"b", fails}}, {.rounds = 1, .slice = 0}));
}

TEST(Random, StaysInRange) {
  for (DType dtype : {DType::F16, DType::BF16, DType::F32, DType::F64}) {
    std::vector<double> values = valuesOf(randomTensor(dtype, {10000}, 3, 0));
    auto [low, high] = std::minmax_element(values.begin(), values.end());
    EXPECT_GE(*low, 0);
    EXPECT_LT(*high, 1);
    EXPECT_GT(*high - *low, 0.95);
  }
  for (DType dtype : {DType::I8, DType::I64, DType::U8}) {
    std::vector<double> values = valuesOf(randomTensor(dtype, {1000}, 3, 0, 7));
    EXPECT_EQ(*std::max_element(values.begin(), values.end()), 6);
    EXPECT_EQ(*std::min_element(values.begin(), values.end()), 0);
  }
}

TEST(Report, Numbers) {
  EXPECT_EQ(formatSeconds(0.00123456), "1.23 ms");
  EXPECT_EQ(formatSeconds(0.0000456), "45.6 us");
  EXPECT_EQ(formatSeconds(2.5), "2.50 s");
  EXPECT_EQ(formatSeconds(0.9999), "1.00 s");
  EXPECT_EQ(formatCount(25557032), "25.6 M");
  EXPECT_EQ(formatCount(12), "12");
  EXPECT_EQ(formatBytes(97800000), "97.8 MB");
}

TEST(Report, TablesAlign) {
  Table table({"name", "ms"});
  table.add({"a", "1.5"});
  table.add({"longer", "20.25"});
  EXPECT_EQ(table.str(), "name       ms\na         1.5\nlonger  20.25\n");
}

TEST(Report, JsonRepairsText) {
  EXPECT_EQ(jsonText({{"a", "\xFF"}}), "{\n  \"a\": \"\\ufffd\"\n}\n");
}

} // namespace
} // namespace cameo
