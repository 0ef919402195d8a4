// See File.h. POSIX calls, because renaming over a file atomically and naming the reason of a
// failure are what matters here.
#include "bench/File.h"

#include <cerrno>
#include <cstdio>
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

/// Closes a descriptor on every way out.
struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0)
      ::close(fd);
  }
};

bool writeAll(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return false;
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return true;
}

} // namespace

Result<std::vector<std::byte>> readFile(const std::string &path) {
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0)
    return systemError(path, "cannot open");
  struct stat status = {};
  if (::fstat(file.fd, &status) != 0)
    return systemError(path, "cannot read");
  if (S_ISDIR(status.st_mode))
    return badInput(fmt::format("{}: expected a file, got a folder", path));
  constexpr size_t chunk = size_t{1} << 16;
  std::vector<std::byte> bytes;
  size_t used = 0;
  // One byte more than the size, so that the end is met without growing.
  size_t room = S_ISREG(status.st_mode) ? static_cast<size_t>(status.st_size) + 1 : chunk;
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
  std::string temporary = path + ".XXXXXX";
  Descriptor file{::mkostemp(temporary.data(), O_CLOEXEC)};
  if (file.fd < 0)
    return systemError(path, "cannot create");
  // mkostemp makes private files; what a program writes should follow the umask.
  mode_t mask = ::umask(0);
  ::umask(mask);
  if (!writeAll(file.fd, bytes) || ::fchmod(file.fd, 0666 & ~mask) != 0 ||
      ::rename(temporary.c_str(), path.c_str()) != 0) {
    Error error = systemError(path, "cannot write");
    ::unlink(temporary.c_str());
    return error;
  }
  return {};
}

Result<void> writeFile(const std::string &path, std::string_view text) {
  return writeFile(path, std::as_bytes(std::span(text.data(), text.size())));
}

} // namespace cameo
