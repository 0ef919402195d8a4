// Products in tile registers, on processors that have them: all signs, the extremes of bytes, sizes
// that do not fill a register. Elsewhere the code is only compiled.
#include "ir/Half.h"
#include "tests/codegen/Harness.h"

#include <fmt/format.h>
#include <random>

namespace cameo::test {
namespace {

constexpr const char *kCpu = "x86-64-v4+amx";
// Sums of 5 rows by 16 columns, of 12 steps.
constexpr int64_t kRows = 5, kColumns = 16, kSteps = 12, kLanes = 256;

/// Rows of the first input times columns of the second, in words of four bytes.
Program tileProgram(DType sum, const std::string &a, const std::string &b) {
  std::string sizes = "rows = [5, 5, 12, 0, 0, 0, 0, 0], bytes = [64, 48, 64, 0, 0, 0, 0, 0]";
  return textProgram(
      {DType::I32, DType::I32}, {sum}, kLanes,
      "tile_configure() {" + sizes + "}\n%twelve = const() {value = 12} : index\n" +
          "%sixteen = const() {value = 16} : index\ntile_zero() {tile = 0}\n" +
          "tile_load(%x0, %i, %twelve) {tile = 1}\ntile_load(%x1, %i, %sixteen) {tile = 2}\n" +
          fmt::format("tile_dot() {{sum = 0, a = 1, b = 2, a_type = \"{}\", b_type = \"{}\"}}\n", a,
                      b) +
          "tile_store(%y0, %i, %sixteen) {tile = 0}\ntile_release()\n");
}

template <class T>
std::vector<T> run(const Program &program, const std::vector<uint32_t> &a,
                   const std::vector<uint32_t> &b) {
  return valuesOf<T>(runRows(program, targetOf(kCpu), {bytesOf(a), bytesOf(b)}, kLanes)[0]);
}

int64_t byteOf(uint32_t word, int64_t i, bool isSigned) {
  auto byte = static_cast<uint8_t>(word >> 8 * i);
  return isSigned ? static_cast<int8_t>(byte) : byte;
}

TEST(Tile, Bytes) {
  if (!canRun(targetOf(kCpu)))
    GTEST_SKIP() << "this processor has no tile registers";
  std::mt19937 random(11);
  std::vector<uint32_t> a(kLanes), b(kLanes);
  for (int64_t i = 0; i < kLanes; i++)
    a[i] = random(), b[i] = random();
  a[0] = b[0] = 0x80808080, a[1] = b[16] = 0xffffffff;
  for (int signs = 0; signs < 4; signs++) {
    bool aSigned = signs & 1, bSigned = signs & 2;
    Program program = tileProgram(DType::I32, aSigned ? "i8" : "u8", bSigned ? "i8" : "u8");
    std::vector<int32_t> got = run<int32_t>(program, a, b);
    for (int64_t m = 0; m < kRows; m++)
      for (int64_t n = 0; n < kColumns; n++) {
        int64_t want = 0;
        for (int64_t k = 0; k < kSteps; k++)
          for (int64_t i = 0; i < 4; i++)
            want += byteOf(a[m * kSteps + k], i, aSigned) * byteOf(b[k * kColumns + n], i, bSigned);
        ASSERT_EQ(got[m * kColumns + n], want) << signs << ", " << m << ", " << n;
      }
  }
}

// Small whole numbers, whose products and sums are exact in any order.
TEST(Tile, Bf16) {
  if (!canRun(targetOf(kCpu)))
    GTEST_SKIP() << "this processor has no tile registers";
  auto pair = [](int64_t i) {
    return static_cast<uint32_t>(doubleToBfloat(static_cast<double>(i % 7 - 3))) |
           static_cast<uint32_t>(doubleToBfloat(static_cast<double>(i % 5))) << 16;
  };
  std::vector<uint32_t> a(kLanes), b(kLanes);
  for (int64_t i = 0; i < kLanes; i++)
    a[i] = pair(i), b[i] = pair(3 * i + 1);
  std::vector<float> got = run<float>(tileProgram(DType::F32, "bf16", "bf16"), a, b);
  for (int64_t m = 0; m < kRows; m++)
    for (int64_t n = 0; n < kColumns; n++) {
      int64_t want = 0;
      for (int64_t k = 0; k < kSteps; k++) {
        int64_t x = m * kSteps + k, y = 3 * (k * kColumns + n) + 1;
        want += (x % 7 - 3) * (y % 7 - 3) + x % 5 * (y % 5);
      }
      ASSERT_EQ(got[m * kColumns + n], static_cast<float>(want)) << m << ", " << n;
    }
}

} // namespace
} // namespace cameo::test
