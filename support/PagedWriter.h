// Writes a range of a file whose parts come in any order, from several threads, a page at a time.
#pragma once

#include "support/OutputFile.h"

#include <map>
#include <memory>
#include <mutex>
#include <span>

namespace cameo {

/// Pages begin at multiples of `pageBytes` in the file. Each is written at once, when all of its
/// bytes are there: Linux keeps what is written at once together in memory. Pages of which some
/// bytes are missing are in memory.
class PagedWriter {
public:
  /// For the `bytes` of the file from `begin` on.
  PagedWriter(OutputFile &file, int64_t begin, int64_t bytes, int64_t pageBytes)
      : file_(file), begin_(begin), end_(begin + bytes), pageBytes_(pageBytes) {}

  /// Adds a part that begins `at` bytes behind `begin`. Each byte must come once. Fails where the
  /// file cannot be written. Threads may add parts at once.
  Result<void> add(int64_t at, std::span<const std::byte> part);

private:
  struct Page {
    std::unique_ptr<std::byte[]> bytes;
    int64_t begin, size, missing;
  };
  /// The page with a byte of the file.
  Page &pageOf(int64_t position);
  /// Counts bytes that a page has got; the page, if it is whole now.
  std::unique_ptr<Page> count(Page &page, int64_t added);

  OutputFile &file_;
  int64_t begin_, end_, pageBytes_;
  std::mutex mutex_; // of the pages, but not their bytes
  std::map<int64_t, std::unique_ptr<Page>> pages_;
};

} // namespace cameo
