// See Temporary.h.
#include "support/Temporary.h"

#include "support/File.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <tuple>
#include <unistd.h>

namespace cameo {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPattern = ".cameo-XXXXXX";

/// What another program has removed before it could be opened.
constexpr int kRemoved = -2;

/// `make` fills the pattern in and returns a descriptor, or kRemoved. Another program may take for
/// dead, and remove, what is not locked yet; then a further one is made. File systems that have no
/// locks are not swept either.
template <class Make> int makeLocked(const fs::path &folder, std::string &path, Make make) {
  for (;;) {
    path = folder / kPattern;
    int fd = make(path.data());
    if (fd == kRemoved)
      continue;
    if (fd < 0)
      return fd;
    ::flock(fd, LOCK_EX);
    if (::access(path.c_str(), F_OK) == 0)
      return fd;
    ::close(fd);
  }
}

int makeFolder(char *pattern) {
  if (!::mkdtemp(pattern))
    return -1;
  int fd = ::open(pattern, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT)
    return kRemoved;
  int reason = errno;
  if (fd < 0)
    ::rmdir(pattern);
  errno = reason;
  return fd;
}

/// The lock is held until all is removed: its maker may be waiting for it, and then finds nothing.
void removeIfDead(const fs::path &path) {
  std::string name = path.filename().string();
  if (name.size() != kPattern.size() || !name.starts_with(kPattern.substr(0, 7)))
    return;
  Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status = {};
  std::error_code ignored;
  if (file.fd >= 0 && ::fstat(file.fd, &status) == 0 && status.st_uid == ::geteuid() &&
      ::flock(file.fd, LOCK_EX | LOCK_NB) == 0)
    fs::remove_all(path, ignored);
}

void removeDead(const fs::path &folder) {
  std::error_code ignored;
  for (fs::directory_iterator at(folder, ignored), end; at != end; at.increment(ignored))
    removeIfDead(at->path());
}

} // namespace

int makeTemporaryFile(const fs::path &folder, std::string &path) {
  return makeLocked(folder, path, [](char *pattern) { return ::mkostemp(pattern, O_CLOEXEC); });
}

Result<std::unique_ptr<TemporaryFolder>> TemporaryFolder::create(const fs::path &parent) {
  std::error_code failed;
  fs::path base = parent.empty() ? fs::temp_directory_path(failed) : parent;
  if (failed)
    return badInput(fmt::format("TMPDIR names no folder: {}", failed.message()));
  removeDead(base);
  // Absolute: the linker takes a path that begins with `-` for an option.
  std::string path;
  int lock = makeLocked(fs::absolute(base, failed), path, makeFolder);
  if (lock < 0)
    return badInput(
        fmt::format("cannot write into the folder '{}': {}", base.string(), std::strerror(errno)));
  return std::unique_ptr<TemporaryFolder>(new TemporaryFolder(path, lock));
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  ::close(lock_); // first: removing takes a descriptor, and there may be no other
  fs::remove_all(path_, ignored);
}

Result<std::vector<fs::path>> TemporaryFolder::moveFiles(const fs::path &to) const {
  std::error_code failed;
  std::vector<fs::path> files;
  for (fs::directory_iterator entry(path_, failed), end; entry != end; entry.increment(failed)) {
    files.push_back(to / entry->path().filename());
    TRY(checkReplaceable(files.back().string()));
  }
  std::sort(files.begin(), files.end(), [](const fs::path &a, const fs::path &b) {
    return std::tuple(a.extension() == ".h", a) < std::tuple(b.extension() == ".h", b);
  });
  for (const fs::path &file : files)
    if (fs::rename(path_ / file.filename(), file, failed); failed)
      return badInput(fmt::format("cannot write '{}': {}", file.string(), failed.message()));
  Descriptor folder(::open(to.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ::fsync(folder.fd); // the files are on the disk; without this their new names may not be
  return files;
}

Error inFinalFolder(Error error, const fs::path &temporary, const fs::path &to) {
  std::string from = (temporary / "").string();
  fs::path normal = to.lexically_normal();
  std::string shown = normal == "." || normal == "./" ? "" : (normal / "").string();
  if (size_t at = error.message.find(from); at != std::string::npos)
    error.message.replace(at, from.size(), shown);
  return error;
}

} // namespace cameo
