// Every piece of work is done once; a failure, or an exception, is what the caller gets.
#include "support/Parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace cameo {
namespace {

TEST(Parallel, EachIsDoneOnce) {
  for (int64_t count : {0, 1, 1000}) {
    std::vector<std::atomic<int>> done(count);
    ASSERT_TRUE(inParallel(count, [&](int64_t i) -> Result<void> {
      done[i]++;
      return {};
    }));
    for (const std::atomic<int> &times : done)
      EXPECT_EQ(times, 1);
  }
}

TEST(Parallel, AFailureEndsIt) {
  std::atomic<int64_t> calls = 0;
  Result<void> result = inParallel(1000000, [&](int64_t i) -> Result<void> {
    calls++;
    return i == 7 ? Result<void>(badInput("the seventh")) : Result<void>();
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "the seventh");
  EXPECT_LT(calls, 1000000);
}

TEST(Parallel, ExceptionsReachTheCaller) {
  EXPECT_THROW(
      (void)inParallel(10, [](int64_t) -> Result<void> { throw std::runtime_error("full"); }),
      std::runtime_error);
}

} // namespace
} // namespace cameo
