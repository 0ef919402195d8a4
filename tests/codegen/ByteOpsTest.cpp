// The ops of quantized kernels, `lookup`, `nearest` and `shuffle`, by instruction and without, on
// every kind of target.
#include "tests/codegen/Harness.h"

#include <cmath>
#include <random>

namespace cameo::test {
namespace {

const char *const kCpus[] = {"x86-64-v1", "x86-64-v3", "x86-64-v4", "x86-64-v4+vbmi", "armv8-a"};

std::string joined(const std::vector<int64_t> &numbers) {
  std::string text;
  for (int64_t number : numbers)
    text += (text.empty() ? "" : ", ") + std::to_string(number);
  return text;
}

/// One op of one operand, on vectors of `lanes`.
Program unaryProgram(DType from, DType to, int64_t lanes, const std::string &op,
                     const std::string &attributes) {
  return textProgram({from}, {to}, lanes,
                     "%a = load(%x0, %i) : " + typeText(from, lanes) + "\n%r = " + op + "(%a) {" +
                         attributes + "} : " + typeText(to, lanes) + "\nstore(%r, %y0, %i)\n");
}

TEST(ByteOps, LookupOfEveryByte) {
  std::mt19937 random(3);
  std::vector<int64_t> table(256);
  for (int64_t &element : table)
    element = static_cast<int64_t>(random() % 256) - 128;
  std::vector<uint8_t> bytes(256);
  for (size_t i = 0; i < bytes.size(); i++)
    bytes[i] = static_cast<uint8_t>(i);
  for (const char *cpu : kCpus) {
    if (!canRun(targetOf(cpu)))
      continue;
    for (DType from : {DType::U8, DType::I8})
      for (int64_t lanes : {1, 4, 16, 64, 128}) {
        Program program =
            unaryProgram(from, DType::I8, lanes, "lookup", "table = [" + joined(table) + "]");
        auto results = runRows(program, targetOf(cpu), {bytesOf(bytes)}, 256);
        std::vector<int8_t> got = valuesOf<int8_t>(results[0]);
        for (int64_t i = 0; i < 256; i++)
          ASSERT_EQ(got[i], table[i]) << cpu << " " << lanes << " lanes, element " << i;
      }
  }
}

TEST(ByteOps, NearestInteger) {
  std::vector<float> values = {0.0f,   -0.0f,         0.5f,    1.5f,    2.5f,       -0.5f,
                               -1.5f,  0.49f,         -7.0f,   1e-30f,  8388607.5f, -8388608.5f,
                               255.5f, 2147483520.0f, 0x1p30f, -0x1p31f};
  values.resize(32, 3.5f);
  for (const char *cpu : kCpus) {
    if (!canRun(targetOf(cpu)))
      continue;
    for (int64_t lanes : {1, 2, 4, 8, 16, 32}) {
      Program program = unaryProgram(DType::F32, DType::I32, lanes, "nearest", "");
      auto results = runRows(program, targetOf(cpu), {bytesOf(values)}, 32);
      std::vector<int32_t> got = valuesOf<int32_t>(results[0]);
      for (size_t i = 0; i < values.size(); i++) {
        auto want = static_cast<int32_t>(std::nearbyintf(values[i]));
        ASSERT_EQ(got[i], want) << cpu << " " << lanes << " lanes, nearest(" << values[i] << ")";
      }
    }
  }
}

TEST(ByteOps, ShuffleOfTwoVectors) {
  std::vector<int64_t> lanes = {3, 4, 0, 7, 7, 2, 1, 5};
  Program program = textProgram({DType::I32, DType::I32}, {DType::I32}, 8,
                                "%a = load(%x0, %i) : vec<4xi32>\n%b = load(%x1, %i) : vec<4xi32>\n"
                                "%r = shuffle(%a, %b) {lanes = [" +
                                    joined(lanes) + "]} : vec<8xi32>\nstore(%r, %y0, %i)\n");
  std::vector<int32_t> a = {10, 11, 12, 13, 0, 0, 0, 0}, b = {14, 15, 16, 17, 0, 0, 0, 0};
  for (const char *cpu : kCpus) {
    if (!canRun(targetOf(cpu)))
      continue;
    auto results = runRows(program, targetOf(cpu), {bytesOf(a), bytesOf(b)}, 8);
    std::vector<int32_t> got = valuesOf<int32_t>(results[0]);
    for (size_t i = 0; i < lanes.size(); i++)
      ASSERT_EQ(got[i], 10 + lanes[i]) << cpu << ", lane " << i;
  }
}

} // namespace
} // namespace cameo::test
