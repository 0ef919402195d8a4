// ONNX test data on the wire: round trips, typed fields as other writers use them, damaged bytes.
#include "bench/TestData.h"
#include "tests/bench/Arrays.h"

#include <gtest/gtest.h>

namespace cameo {
namespace {

std::span<const std::byte> bytesOf(const std::string &text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

RuntimeValue sequenceOf(std::vector<RuntimeValue> items) {
  auto sequence = std::make_shared<Sequence>();
  sequence->items = std::move(items);
  return {std::shared_ptr<const Sequence>(std::move(sequence))};
}

TEST(TestData, TensorsRoundTrip) {
  for (DType dtype : {DType::F32, DType::BF16, DType::I64, DType::Bool, DType::U8}) {
    std::string file = formatTestData(tensorOf(dtype, {2, 1}, {1, 0}), DataKind::Tensor);
    Result<RuntimeValue> back = parseTestData(bytesOf(file), DataKind::Tensor, "x");
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->tensor().dtype, dtype);
    EXPECT_EQ(back->tensor().dims, (std::vector<int64_t>{2, 1}));
    EXPECT_EQ(valuesOf(back->tensor()), (std::vector<double>{1, 0}));
  }
  std::string file = formatTestData(Tensor::ofStrings({2}, {"a", ""}), DataKind::Tensor);
  EXPECT_EQ(*parseTestData(bytesOf(file), DataKind::Tensor, "x")->tensor().strings,
            (std::vector<std::string>{"a", ""}));
}

TEST(TestData, ContainersRoundTrip) {
  RuntimeValue sequence = sequenceOf({floats({1}), floats({2, 3})});
  std::string file = formatTestData(sequence, DataKind::Sequence);
  EXPECT_EQ(parseTestData(bytesOf(file), DataKind::Sequence, "x")->sequence().items.size(), 2u);
  file = formatTestData(sequence, DataKind::Optional);
  EXPECT_TRUE(parseTestData(bytesOf(file), DataKind::Optional, "x")->isSequence());
  file = formatTestData(floats({1}), DataKind::Optional);
  EXPECT_TRUE(parseTestData(bytesOf(file), DataKind::Optional, "x")->isTensor());
  file = formatTestData(RuntimeValue(), DataKind::Optional);
  EXPECT_TRUE(parseTestData(bytesOf(file), DataKind::Optional, "x")->isNone());
  file = formatTestData(sequenceOf({sequence}), DataKind::Sequence);
  EXPECT_TRUE(
      parseTestData(bytesOf(file), DataKind::Sequence, "x")->sequence().items[0].isSequence());
}

TEST(TestData, ReadsTypedFields) {
  // dims: 2, data_type: int8, int32_data packed: 1, -1
  std::string file("\x08\x02\x10\x03\x2A\x0B\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 17);
  Result<RuntimeValue> tensor = parseTestData(bytesOf(file), DataKind::Tensor, "x");
  ASSERT_TRUE(tensor) << tensor.error().message;
  EXPECT_EQ(valuesOf(tensor->tensor()), (std::vector<double>{1, -1}));
  // data_type: float, float_data single: 1.0
  std::string scalar("\x10\x01\x25\x00\x00\x80\x3F", 7);
  EXPECT_EQ(valuesOf(parseTestData(bytesOf(scalar), DataKind::Tensor, "x")->tensor()),
            (std::vector<double>{1}));
}

TEST(TestData, DamagedBytesAreErrors) {
  std::string file = formatTestData(floats({1, 2, 3}), DataKind::Tensor);
  for (size_t length = 0; length < file.size(); ++length)
    EXPECT_FALSE(parseTestData(bytesOf(file).first(length), DataKind::Tensor, "x"));
  std::string huge("\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F\x10\x01", 12);
  EXPECT_FALSE(parseTestData(bytesOf(huge), DataKind::Tensor, "x"));
  std::string nested;
  for (int i = 0; i < 20; ++i)
    nested = std::string("\x2A") + static_cast<char>(nested.size()) + nested;
  EXPECT_FALSE(parseTestData(bytesOf(nested), DataKind::Sequence, "x"));
}

} // namespace
} // namespace cameo
