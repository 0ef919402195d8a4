// See OutputFile.h.
#include "support/OutputFile.h"

#include "support/File.h"
#include "support/Temporary.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cameo {

OutputFile::~OutputFile() {
  if (fd_ >= 0)
    close(fd_);
  if (!temporary_.empty())
    unlink(temporary_.c_str());
}

Error OutputFile::failure(const char *what) const {
  return badInput(fmt::format("cannot {} '{}': {}", what, shown_, std::strerror(errno)));
}

Result<void> OutputFile::create(bool executable) {
  TRY(checkReplaceable(path_));
  std::string temporary;
  fd_ = makeTemporaryFile(std::filesystem::path(path_).parent_path(), temporary);
  if (fd_ < 0)
    return failure("write");
  temporary_ = temporary;
  removed_.emplace(temporary_);
  executable_ = executable;
  return {};
}

Result<void> OutputFile::reopen() {
  close(fd_);
  fd_ = open(temporary_.c_str(), O_RDWR | O_CLOEXEC);
  if (fd_ < 0)
    return failure("write");
  return {};
}

Result<void> OutputFile::patch(int64_t offset, const void *data, int64_t size) {
  const char *from = static_cast<const char *>(data);
  while (size > 0) {
    ssize_t written = pwrite(fd_, from, std::min<int64_t>(size, 1 << 30), offset);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return failure("write");
    from += written, offset += written, size -= written;
  }
  return {};
}

Result<void> OutputFile::read(int64_t offset, void *data, int64_t size) const {
  char *to = static_cast<char *>(data);
  while (size > 0) {
    ssize_t got = pread(fd_, to, size, offset);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return failure("read back");
    to += got, offset += got, size -= got;
  }
  return {};
}

Result<int64_t> OutputFile::size() const {
  struct stat status;
  if (fstat(fd_, &status) != 0)
    return failure("write");
  return static_cast<int64_t>(status.st_size);
}

Result<void> OutputFile::checkRoom(int64_t bytes) {
  int64_t size = TRY(this->size());
  int status = posix_fallocate(fd_, size, bytes);
  bool full = status == ENOSPC || status == EFBIG || status == EDQUOT;
  if (ftruncate(fd_, size) == 0 && !full) // file systems that cannot tell are taken to have room
    return {};
  errno = full ? status : errno;
  return failure("write");
}

Result<void> OutputFile::append(const void *data, int64_t size) {
  return patch(TRY(this->size()), data, size);
}

Result<void> OutputFile::appendZeros(int64_t size) {
  if (ftruncate(fd_, TRY(this->size()) + size) != 0)
    return failure("write");
  return {};
}

Result<void> OutputFile::commit() {
  // mkstemp's files are private; give this one the permissions an ordinary new file has.
  mode_t mask = umask(0);
  umask(mask);
  // On the disk before the name is: after a power cut there is the old file or the new one.
  if (fchmod(fd_, (executable_ ? 0777 : 0666) & ~mask) != 0 || fsync(fd_) != 0)
    return failure("write");
  int closed = close(fd_);
  fd_ = -1;
  if (closed != 0 || rename(temporary_.c_str(), path_.c_str()) != 0)
    return failure("write");
  temporary_.clear();
  removed_.reset();
  return {};
}

} // namespace cameo
