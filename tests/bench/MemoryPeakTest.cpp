// Memory that is touched is seen, and only while the measurement lasts.
#include "bench/MemoryPeak.h"

#include <gtest/gtest.h>
#include <vector>

namespace cameo {
namespace {

int64_t peakOfTouching(size_t bytes) {
  MemoryPeak peak;
  std::vector<char> memory(bytes, 1);
  EXPECT_EQ(memory[bytes / 2], 1);
  return peak.bytes();
}

TEST(MemoryPeak, SeesWhatIsTouchedAndForgets) {
  constexpr int64_t kMega = 1 << 20;
  int64_t large = peakOfTouching(64 * kMega);
  if (large < 0)
    GTEST_SKIP() << "the system does not tell";
  EXPECT_GE(large, 60 * kMega);
  EXPECT_LT(large, 80 * kMega);
  EXPECT_LT(peakOfTouching(kMega), 16 * kMega);
}

} // namespace
} // namespace cameo
