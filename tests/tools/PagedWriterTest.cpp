// Parts of a file that come in any order and from several threads.
#include "support/PagedWriter.h"
#include "support/Parallel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>

namespace cameo {
namespace {

constexpr int64_t kPage = 64;

/// A file of `begin` bytes.
struct Pages {
  OutputFile file{(std::filesystem::path(testing::TempDir()) / "paged").string()};

  explicit Pages(int64_t begin) {
    EXPECT_TRUE(file.create());
    EXPECT_TRUE(file.append(std::string(begin, 'x')));
  }
  std::vector<std::byte> contents(int64_t from) {
    std::vector<std::byte> bytes(*file.size() - from);
    EXPECT_TRUE(file.read(from, bytes.data(), std::ssize(bytes)));
    return bytes;
  }
};

std::vector<std::byte> counted(int64_t size) {
  std::vector<std::byte> bytes(size);
  for (int64_t i = 0; i < size; i++)
    bytes[i] = static_cast<std::byte>(i % 251);
  return bytes;
}

TEST(PagedWriter, pagesBeginAtMultiplesInTheFile) {
  Pages pages(40);
  std::vector<std::byte> bytes = counted(100); // [40, 64), [64, 128) and [128, 140)
  std::span<const std::byte> all = bytes;
  PagedWriter writer(pages.file, 40, 100, kPage);
  ASSERT_TRUE(writer.add(24, all.subspan(24, 61)));
  EXPECT_EQ(*pages.file.size(), 40); // no page is whole
  ASSERT_TRUE(writer.add(85, all.subspan(85, 5)));
  EXPECT_EQ(*pages.file.size(), 128);
  ASSERT_TRUE(writer.add(0, all.first(24)));
  ASSERT_TRUE(writer.add(90, all.subspan(90)));
  EXPECT_EQ(*pages.file.size(), 140);
  EXPECT_EQ(pages.contents(40), bytes);
}

TEST(PagedWriter, threadsAddPartsInAnyOrder) {
  std::mt19937 random(3);
  for (int64_t begin : {0, 1, 63, 64, 1000})
    for (int64_t size : {1, 63, 64, 65, 5000}) {
      Pages pages(begin);
      std::vector<std::byte> bytes = counted(size);
      std::vector<std::pair<int64_t, int64_t>> parts;
      for (int64_t at = 0, part = 0; at < size; at += part) {
        part = std::min<int64_t>(size - at, 1 + random() % 300);
        parts.emplace_back(at, part);
      }
      std::shuffle(parts.begin(), parts.end(), random);
      PagedWriter writer(pages.file, begin, size, kPage);
      ASSERT_TRUE(inParallel(
          std::ssize(parts),
          [&](int64_t i) {
            return writer.add(parts[i].first,
                              std::span(bytes).subspan(parts[i].first, parts[i].second));
          },
          3));
      EXPECT_EQ(pages.contents(begin), bytes) << begin << " " << size;
    }
}

} // namespace
} // namespace cameo
