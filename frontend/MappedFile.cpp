// Mapping and confined opening; see MappedFile.h.
#include "frontend/MappedFile.h"

#include "support/File.h"
#include "support/Text.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/openat2.h>
#include <mutex>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace cameo {
namespace {

// Opening a pipe without a writer would wait for ever.
constexpr int kOpenFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

/// Walks the path one component a time without following links: what openat2 does in the kernel,
/// for kernels (or sandboxes) without it.
int openByComponents(int folder, const std::filesystem::path &path) {
  int current = dup(folder);
  for (auto part = path.begin(); part != path.end() && current >= 0; ++part) {
    bool last = std::next(part) == path.end();
    int next = openat(current, part->c_str(), kOpenFlags | O_NOFOLLOW | (last ? 0 : O_DIRECTORY));
    int saved = errno;
    close(current);
    errno = saved;
    current = next;
  }
  return current;
}

int openConfined(int folder, const std::filesystem::path &path) {
  open_how how = {};
  how.flags = kOpenFlags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  long fd = syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how);
  if (fd < 0 && (errno == ENOSYS || errno == EPERM))
    return openByComponents(folder, path);
  return static_cast<int>(fd);
}

bool staysInside(const std::filesystem::path &path) {
  if (path.empty() || path.is_absolute())
    return false;
  for (const std::filesystem::path &part : path)
    if (part == "..")
      return false;
  return true;
}

} // namespace

MappedFile *MappedFile::first = nullptr;
std::vector<std::filesystem::path> MappedFile::mapped;

/// Of the list of files, which models that are read at the same time share. A handler of a signal
/// does without it.
static std::mutex listed;

MappedFile::MappedFile(std::string name, std::filesystem::path path)
    : name_(std::move(name)), path_(std::move(path)) {
  std::lock_guard<std::mutex> lock(listed);
  next_ = first;
  first = this;
  mapped.push_back(path_);
}

MappedFile::~MappedFile() {
  {
    std::lock_guard<std::mutex> lock(listed);
    MappedFile **link = &first;
    while (*link != this)
      link = &(*link)->next_;
    *link = next_;
  }
  if (data_)
    munmap(const_cast<std::byte *>(data_), size_);
}

const std::vector<std::filesystem::path> &MappedFile::everMapped() { return mapped; }

const char *MappedFile::nameAt(const void *address) {
  auto *byte = static_cast<const std::byte *>(address);
  for (const MappedFile *file = first; file; file = file->next_)
    if (byte >= file->data_ && byte < file->data_ + file->size_)
      return file->name_.c_str();
  return nullptr;
}

// A file that took its place under its name leaves the mapped one as it is.
bool MappedFile::isChanged() const {
  struct stat now;
  return stat(path_.c_str(), &now) == 0 && now.st_ino == status_.st_ino &&
         now.st_dev == status_.st_dev &&
         (now.st_size != status_.st_size || now.st_mtim.tv_sec != status_.st_mtim.tv_sec ||
          now.st_mtim.tv_nsec != status_.st_mtim.tv_nsec);
}

Result<void> MappedFile::checkUnchanged() {
  std::lock_guard<std::mutex> lock(listed);
  for (const MappedFile *file = first; file; file = file->next_)
    if (file->isChanged())
      return badInput("'" + file->name_ + "' was changed by another program while it was read");
  return {};
}

Result<std::shared_ptr<const MappedFile>> MappedFile::map(int descriptor, const std::string &name,
                                                          const std::filesystem::path &path,
                                                          bool soleLink) {
  std::shared_ptr<MappedFile> file(new MappedFile(name, path));
  struct stat &status = file->status_;
  if (fstat(descriptor, &status) != 0)
    return badInput("cannot read '" + name + "': " + std::strerror(errno));
  if (!S_ISREG(status.st_mode))
    return badInput("'" + name + "' is not a regular file");
  if (soleLink && status.st_nlink > 1)
    return badInput("external data file '" + name + "' has further hard links and is not read");
  if (status.st_size == 0)
    return std::shared_ptr<const MappedFile>(file);
  void *data = mmap(nullptr, status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (data == MAP_FAILED)
    return badInput("cannot map '" + name + "': " + std::strerror(errno));
  file->data_ = static_cast<const std::byte *>(data);
  file->size_ = static_cast<size_t>(status.st_size);
  return std::shared_ptr<const MappedFile>(file);
}

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const std::filesystem::path &path) {
  Descriptor file(openToRead(path));
  if (file.fd < 0)
    return badInput("cannot open '" + path.string() + "': " + std::strerror(errno));
  return map(file.fd, path.string(), path, /*soleLink=*/false);
}

Result<std::shared_ptr<const MappedFile>>
MappedFile::openBeneath(const std::filesystem::path &folder, const std::string &location) {
  std::string shown = printable(location);
  if (location.find('\0') != std::string::npos || !staysInside(location))
    return badInput("external data file '" + shown + "' is outside the model's folder");
  std::filesystem::path root = folder.empty() ? "." : folder;
  Descriptor directory(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (directory.fd < 0)
    return badInput("cannot open folder '" + root.string() + "': " + std::strerror(errno));
  Descriptor file(openConfined(directory.fd, std::filesystem::path(location).lexically_normal()));
  if (file.fd < 0 && (errno == ELOOP || errno == EXDEV))
    return badInput("external data file '" + shown +
                    "' is a symbolic link or leads out of the "
                    "model's folder");
  if (file.fd < 0)
    return badInput("cannot open external data file '" + shown + "': " + std::strerror(errno));
  return map(file.fd, shown, root / location, /*soleLink=*/true);
}

} // namespace cameo
