// .npy and .npz: what NumPy writes is read, what is written NumPy reads back (the byte layouts here
// follow its format description), and damaged files are errors.
#include "bench/Npy.h"
#include "support/Temporary.h"
#include "tests/bench/Arrays.h"

#include <filesystem>
#include <gtest/gtest.h>

namespace cameo {
namespace {

std::vector<std::byte> fileOf(const std::string &header, const std::string &payload,
                              int version = 1) {
  std::string text = "\x93NUMPY";
  text += static_cast<char>(version);
  text += '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    text += static_cast<char>(header.size() >> (8 * i) & 255);
  text += header + payload;
  auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::string errorOf(const std::vector<std::byte> &file) {
  Result<Tensor> result = parseNpy(file, "x.npy");
  return result ? "" : result.error().message;
}

TEST(Npy, RoundTripsEveryType) {
  for (DType dtype : {DType::F16, DType::F32, DType::F64, DType::I8, DType::I16, DType::I32,
                      DType::I64, DType::U8, DType::U16, DType::U32, DType::U64, DType::Bool}) {
    Tensor tensor = tensorOf(dtype, {2, 1, 3}, {0, 1, 1, 0, 1, 1});
    Result<Tensor> back = parseNpy(formatNpy(tensor), "x.npy");
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->dtype, dtype);
    EXPECT_EQ(back->dims, tensor.dims);
    EXPECT_EQ(valuesOf(*back), valuesOf(tensor));
  }
}

TEST(Npy, ElementsStartAtAMultipleOf64) {
  for (int64_t rank = 0; rank < 20; ++rank) {
    Tensor tensor = tensorOf(DType::F32, std::vector<int64_t>(static_cast<size_t>(rank), 1), {1});
    EXPECT_EQ((formatNpy(tensor).size() - 4) % 64, 0u);
  }
}

TEST(Npy, ScalarsAndEmptyArrays) {
  Tensor scalar = tensorOf(DType::F32, {}, {2.5});
  EXPECT_EQ(parseNpy(formatNpy(scalar), "x")->dims, scalar.dims);
  Tensor empty = tensorOf(DType::F32, {3, 0}, {});
  EXPECT_EQ(parseNpy(formatNpy(empty), "x")->dims, empty.dims);
}

TEST(Npy, Bfloat16IsUint16) {
  Tensor tensor = tensorOf(DType::BF16, {2}, {1.5, -2});
  EXPECT_EQ(parseNpy(formatNpy(tensor), "x")->dtype, DType::U16);
  Result<Tensor> back = parseNpy(formatNpy(tensor), "x", DType::BF16);
  ASSERT_TRUE(back);
  EXPECT_EQ(valuesOf(*back), (std::vector<double>{1.5, -2}));
}

TEST(Npy, StringsAreUtf8) {
  Tensor tensor = Tensor::ofStrings({3}, {"a", "", "z\xC3\xA4\xF0\x9F\x98\x80"});
  Result<Tensor> back = parseNpy(formatNpy(tensor), "x");
  ASSERT_TRUE(back);
  EXPECT_EQ(*back->strings, *tensor.strings);
}

TEST(Npy, ConvertsFortranOrderAndBigEndian) {
  std::string header = "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3)}\n";
  std::string payload;
  for (int i = 1; i <= 6; ++i)
    payload += std::string("\0", 1) + static_cast<char>(i);
  Result<Tensor> tensor = parseNpy(fileOf(header, payload, 3), "x");
  ASSERT_TRUE(tensor) << tensor.error().message;
  EXPECT_EQ(valuesOf(*tensor), (std::vector<double>{1, 3, 5, 2, 4, 6}));
}

TEST(Npy, DamagedFilesAreErrors) {
  std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
  EXPECT_EQ(errorOf(fileOf(good, "12345678")), "");
  EXPECT_EQ(errorOf(fileOf(good, "1234567")), "x.npy: the file is shorter than its shape says");
  EXPECT_EQ(errorOf(fileOf(good, "", 9)), "x.npy: expected .npy format 1 to 3, got 9");
  EXPECT_EQ(errorOf({}), "x.npy: not a .npy file");
  EXPECT_EQ(errorOf(fileOf("{'descr': '<c8', 'fortran_order': False, 'shape': ()}", "")),
            "x.npy: element type '<c8' is not supported");
  EXPECT_NE(errorOf(fileOf("{'shape': (99999999999999999999,)}", "")), "");
  EXPECT_NE(errorOf(fileOf("{'descr': '<U0', 'fortran_order': False, 'shape': (9999999999,)}", "")),
            "");
  std::vector<std::byte> file = fileOf(good, "12345678");
  for (size_t length = 0; length < file.size(); ++length)
    EXPECT_NE(errorOf({file.begin(), file.begin() + static_cast<std::ptrdiff_t>(length)}), "");
}

TEST(Npz, RoundTrips) {
  auto folder = TemporaryFolder::create();
  ASSERT_TRUE(folder) << folder.error().message;
  std::string path = (*folder)->path() / "x.npz";
  ASSERT_TRUE(writeNpz(path, {{"a", floats({1, 2})}, {"b/c", tensorOf(DType::I64, {}, {7})}}));
  auto arrays = readNpz(path);
  ASSERT_TRUE(arrays) << arrays.error().message;
  ASSERT_EQ(arrays->size(), 2u);
  EXPECT_EQ((*arrays)[0].first, "a");
  EXPECT_EQ((*arrays)[1].first, "b/c");
  EXPECT_EQ(valuesOf((*arrays)[0].second), (std::vector<double>{1, 2}));
}

TEST(File, FailingLeavesNothing) {
  auto temporary = TemporaryFolder::create();
  ASSERT_TRUE(temporary) << temporary.error().message;
  std::string folder = (*temporary)->path();
  EXPECT_FALSE(writeFile(folder, std::string_view("x")));
  EXPECT_FALSE(writeFile(folder + "/no/such", std::string_view("x")));
  EXPECT_TRUE(writeFile(folder + "/file", std::string_view("x")));
  int entries = 0;
  for (const auto &entry : std::filesystem::directory_iterator(folder))
    entries += entry.is_regular_file() ? 1 : 0;
  EXPECT_EQ(entries, 1);
  EXPECT_FALSE(readFile(folder));
}

} // namespace
} // namespace cameo
