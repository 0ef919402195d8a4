// A file that appears whole or not at all: written under a temporary name (Temporary.h) in the same
// folder, which `commit` changes into the real one and the destructor removes if it comes to that.
#pragma once

#include "ir/Result.h"
#include "support/Interruption.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cameo {

class OutputFile {
public:
  /// Messages name the file `shown`, if that is given: the file that the user asked for, while
  /// `path` is a temporary one.
  explicit OutputFile(std::string path, std::string shown = "")
      : path_(std::move(path)), shown_(shown.empty() ? path_ : std::move(shown)) {}
  ~OutputFile();
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;

  /// Makes the temporary file, empty. Fails where the real one would replace a folder or a device.
  Result<void> create(bool executable = false);
  /// Where it is until `commit`; another program may replace it, followed by `reopen`.
  const std::string &temporary() const { return temporary_; }
  Result<void> reopen();
  Result<void> append(const void *data, int64_t size);
  Result<void> append(std::string_view text) { return append(text.data(), text.size()); }
  /// Appends zeros, which need no memory and take no room on the disk until they are overwritten.
  Result<void> appendZeros(int64_t size);
  /// Overwrites bytes at an offset; several threads may.
  Result<void> patch(int64_t offset, const void *data, int64_t size);
  /// Reads bytes that are there.
  Result<void> read(int64_t offset, void *data, int64_t size) const;
  Result<int64_t> size() const;
  /// Fails unless the disk has room for so many bytes more. For what writes through a mapping,
  /// where a full disk is a crash.
  Result<void> checkRoom(int64_t bytes);
  /// The file is on the disk when it appears under its name.
  Result<void> commit();

private:
  Error failure(const char *what) const;

  std::string path_, shown_;
  std::string temporary_;
  std::optional<RemovedOnInterruption> removed_;
  int fd_ = -1;
  bool executable_ = false;
};

} // namespace cameo
