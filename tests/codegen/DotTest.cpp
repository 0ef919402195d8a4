// The `dot` and `matrix_dot` ops on every kind of target, by instruction or by parts: all signs,
// the extremes of bytes, sums that wrap.
#include "ir/Half.h"
#include "tests/codegen/Harness.h"

#include <random>

namespace cameo::test {
namespace {

const char *const kCpus[] = {"x86-64-v1",       "x86-64-v3",    "x86-64-v4", "x86-64-v4+vnni+bf16",
                             "armv8-a+dotprod", "armv8-a+i8mm", "armv8-a"};
constexpr int64_t kCount = 64; // lanes in all

/// Loads a sum and two words a lane, and stores their dot product as vectors of `lanes`; or, a sum,
/// the first one's with ones.
Program dotProgram(DType sum, int64_t lanes, const std::string &a, const std::string &b,
                   bool isSum = false, const std::string &op = "dot") {
  std::string type = typeText(sum, lanes);
  int64_t parts = a.ends_with("8") ? 4 : 2;
  auto elements = [&](const std::string &name) {
    return "vec<" + std::to_string(parts * lanes) + "x" + name + ">";
  };
  return textProgram(
      {sum, DType::I32, DType::I32}, {sum}, lanes,
      "%s = load(%x0, %i) : " + type + "\n%p = load(%x1, %i) : " + typeText(DType::I32, lanes) +
          "\n%q = load(%x2, %i) : " + typeText(DType::I32, lanes) + "\n%a = bitcast(%p) : " +
          elements(a) + "\n%b = " + (isSum ? "const() {value = 1} : " : "bitcast(%q) : ") +
          elements(b) + "\n%r = " + op + "(%s, %a, %b) : " + type + "\nstore(%r, %y0, %i)\n");
}

int64_t part(uint32_t word, int64_t index, bool isSigned) {
  uint8_t byte = static_cast<uint8_t>(word >> (8 * index));
  return isSigned ? static_cast<int8_t>(byte) : byte;
}

void checkBytes(const std::string &cpu, int64_t lanes, bool aSigned, bool bSigned) {
  std::mt19937 random(7);
  std::vector<uint32_t> sum(kCount), a(kCount), b(kCount);
  for (int64_t i = 0; i < kCount; i++)
    sum[i] = random(), a[i] = random(), b[i] = random();
  a[0] = b[0] = 0x80808080, a[1] = b[1] = 0xffffffff, sum[2] = 0x7fffffff;
  Program program = dotProgram(DType::I32, lanes, aSigned ? "i8" : "u8", bSigned ? "i8" : "u8");
  auto results = runRows(program, targetOf(cpu), {bytesOf(sum), bytesOf(a), bytesOf(b)}, kCount);
  std::vector<uint32_t> got = valuesOf<uint32_t>(results[0]);
  for (int64_t i = 0; i < kCount; i++) {
    uint32_t want = sum[i];
    for (int64_t j = 0; j < 4; j++)
      want += static_cast<uint32_t>(part(a[i], j, aSigned) * part(b[i], j, bSigned));
    ASSERT_EQ(got[i], want) << cpu << " " << lanes << " lanes, element " << i;
  }
}

TEST(Dot, Bytes) {
  for (const char *cpu : kCpus) {
    if (!canRun(targetOf(cpu)))
      continue;
    for (int64_t lanes : {4, 8, 16})
      for (int signs = 0; signs < 4; signs++)
        checkBytes(cpu, lanes, signs & 1, signs & 2);
  }
}

// Also with a constant 1, which makes it a sum of pairs.
TEST(Dot, PairsOfHalves) {
  std::mt19937 random(8);
  std::vector<uint32_t> sum(kCount), a(kCount), b(kCount);
  for (int64_t i = 0; i < kCount; i++)
    sum[i] = random(), a[i] = random(), b[i] = random();
  a[0] = b[0] = 0x80008000, a[1] = b[1] = 0xffffffff, sum[2] = 0x7fffffff;
  auto half = [](uint32_t word, int64_t i) { return static_cast<int16_t>(word >> (16 * i)); };
  for (const char *cpu : kCpus)
    for (int64_t lanes : {4, 8, 16})
      for (bool isSum : {false, true}) {
        if (!canRun(targetOf(cpu)))
          continue;
        Program program = dotProgram(DType::I32, lanes, "i16", "i16", isSum);
        auto results =
            runRows(program, targetOf(cpu), {bytesOf(sum), bytesOf(a), bytesOf(b)}, kCount);
        std::vector<uint32_t> got = valuesOf<uint32_t>(results[0]);
        for (int64_t i = 0; i < kCount; i++) {
          uint32_t want = sum[i];
          for (int64_t j = 0; j < 2; j++)
            want += static_cast<uint32_t>(half(a[i], j) * (isSum ? 1 : half(b[i], j)));
          ASSERT_EQ(got[i], want) << cpu << " " << lanes << " lanes, element " << i;
        }
      }
}

void checkMatrices(const std::string &cpu, bool aSigned, bool bSigned) {
  std::mt19937 random(9);
  std::vector<uint32_t> sum(kCount), a(kCount), b(kCount);
  for (int64_t i = 0; i < kCount; i++)
    sum[i] = random(), a[i] = random(), b[i] = random();
  a[0] = a[1] = b[0] = b[1] = 0x80808080, a[2] = a[3] = 0xffffffff, sum[1] = 0x7fffffff;
  Program program =
      dotProgram(DType::I32, 4, aSigned ? "i8" : "u8", bSigned ? "i8" : "u8", false, "matrix_dot");
  auto results = runRows(program, targetOf(cpu), {bytesOf(sum), bytesOf(a), bytesOf(b)}, kCount);
  std::vector<uint32_t> got = valuesOf<uint32_t>(results[0]);
  for (int64_t i = 0; i < kCount; i++) {
    int64_t row = i / 2 * 2, column = i / 4 * 4 + i % 2 * 2; // of two words each
    uint32_t want = sum[i];
    for (int64_t k = 0; k < 8; k++)
      want += static_cast<uint32_t>(part(a[row + k / 4], k % 4, aSigned) *
                                    part(b[column + k / 4], k % 4, bSigned));
    ASSERT_EQ(got[i], want) << cpu << ", element " << i;
  }
}

TEST(Dot, Matrices) {
  for (const char *cpu : kCpus)
    for (int signs = 0; signs < 4; signs++)
      if (canRun(targetOf(cpu)))
        checkMatrices(cpu, signs & 1, signs & 2);
}

// Small whole numbers, whose products and sums are exact in any order.
TEST(Dot, PairsOfBf16) {
  auto pair = [](int x, int y) {
    return static_cast<uint32_t>(doubleToBfloat(x)) | static_cast<uint32_t>(doubleToBfloat(y))
                                                          << 16;
  };
  std::vector<float> sum(kCount), want(kCount);
  std::vector<uint32_t> a(kCount), b(kCount);
  for (int i = 0; i < kCount; i++) {
    int w = i - 30, x = 2 * i - 7, y = 11 - i, z = i % 5;
    sum[i] = static_cast<float>(i), a[i] = pair(w, x), b[i] = pair(y, z);
    want[i] = static_cast<float>(i + w * y + x * z);
  }
  for (const char *cpu : kCpus) {
    if (!canRun(targetOf(cpu)))
      continue;
    for (int64_t lanes : {4, 8, 16}) {
      Program program = dotProgram(DType::F32, lanes, "bf16", "bf16");
      auto results =
          runRows(program, targetOf(cpu), {bytesOf(sum), bytesOf(a), bytesOf(b)}, kCount);
      EXPECT_EQ(valuesOf<float>(results[0]), want) << cpu << " " << lanes << " lanes";
    }
  }
}

} // namespace
} // namespace cameo::test
