// See File.h. POSIX calls, because the reason of a failure matters.
#include "support/File.h"

#include "support/OutputFile.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cameo {

namespace {

Error systemError(const std::string &path, const char *what) {
  return badInput(fmt::format("{}: {}: {}", path, what, std::strerror(errno)));
}

const char *kindName(mode_t mode) {
  return S_ISDIR(mode) ? "folder" : S_ISFIFO(mode) ? "pipe" : S_ISSOCK(mode) ? "socket" : "device";
}

Result<void> checkRegular(int fd, const std::string &path) {
  struct stat status = {};
  if (fd < 0)
    return systemError(path, "cannot open");
  if (::fstat(fd, &status) != 0)
    return systemError(path, "cannot read");
  if (!S_ISREG(status.st_mode))
    return badInput(fmt::format("{}: expected a file, got a {}", path, kindName(status.st_mode)));
  return {};
}

} // namespace

Descriptor::~Descriptor() {
  if (fd >= 0)
    ::close(fd);
}

int openToRead(const std::filesystem::path &path) {
  return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

Result<void> checkRegular(const std::string &path) {
  Descriptor file(openToRead(path));
  return checkRegular(file.fd, path);
}

Result<void> checkReplaceable(const std::string &path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode))
    return {};
  return badInput(
      fmt::format("cannot write '{}': there is a {} of that name", path, kindName(status.st_mode)));
}

Result<std::vector<std::byte>> readFile(const std::string &path) {
  Descriptor file(openToRead(path));
  TRY(checkRegular(file.fd, path));
  constexpr size_t chunk = size_t{1} << 16;
  off_t size = ::lseek(file.fd, 0, SEEK_END);
  if (size < 0 || ::lseek(file.fd, 0, SEEK_SET) < 0)
    return systemError(path, "cannot read");
  std::vector<std::byte> bytes;
  size_t used = 0;
  // One byte more than the size, so that the end is met without growing.
  size_t room = static_cast<size_t>(size) + 1;
  for (;;) {
    bytes.resize(used + room);
    ssize_t got = ::read(file.fd, bytes.data() + used, bytes.size() - used);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return systemError(path, "cannot read");
    used += static_cast<size_t>(got);
    if (got == 0)
      break;
    room = used < bytes.size() ? bytes.size() - used : std::max(chunk, used);
  }
  bytes.resize(used);
  return bytes;
}

Result<void> writeFile(const std::string &path, std::span<const std::byte> bytes) {
  OutputFile file(path);
  TRY(file.create());
  TRY(file.append(bytes.data(), static_cast<int64_t>(bytes.size())));
  return file.commit();
}

Result<void> writeFile(const std::string &path, std::string_view text) {
  return writeFile(path, std::as_bytes(std::span(text.data(), text.size())));
}

} // namespace cameo
