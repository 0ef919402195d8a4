// See Interruption.h. All that runs in the handler is async-signal-safe: there is no allocation,
// and folders are read by the system call under readdir.
#include "support/Interruption.h"

#include <array>
#include <atomic>
#include <climits>
#include <csignal>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace cameo {
namespace {

struct Slot {
  std::atomic<pid_t> owner = 0; // 0: free
  std::atomic<bool> isReady = false;
  std::array<char, PATH_MAX> path = {};
};
std::array<Slot, 32> slots;

// As the kernel lays entries of folders out.
struct Entry {
  ino64_t inode;
  off64_t next;
  unsigned short length;
  unsigned char type;
  char name[1];
};

void removeContent(int folder, int depth);

/// Removes a file, or a folder with what is in it. Temporary folders hold each other two deep.
void remove(int parent, const char *name, int depth) {
  constexpr int deepest = 4;
  if (::unlinkat(parent, name, 0) == 0 || depth > deepest)
    return;
  int folder = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder < 0)
    return;
  removeContent(folder, depth);
  ::close(folder);
  ::unlinkat(parent, name, AT_REMOVEDIR);
}

void removeContent(int folder, int depth) {
  alignas(Entry) std::array<char, 4096> buffer;
  for (long count; (count = ::syscall(SYS_getdents64, folder, buffer.data(), buffer.size())) > 0;)
    for (long at = 0; at < count;) {
      const auto *entry = reinterpret_cast<const Entry *>(buffer.data() + at);
      const char *name = entry->name;
      if (std::strcmp(name, ".") != 0 && std::strcmp(name, "..") != 0)
        remove(folder, name, depth + 1);
      at += entry->length;
    }
}

void onInterruption(int signal) {
  pid_t self = ::getpid();
  for (Slot &slot : slots)
    if (slot.owner == self && slot.isReady)
      remove(AT_FDCWD, slot.path.data(), 0);
  std::signal(signal, SIG_DFL);
  ::raise(signal); // comes when the handler returns
}

} // namespace

RemovedOnInterruption::RemovedOnInterruption(const std::string &path) {
  if (path.size() >= PATH_MAX)
    return;
  for (size_t i = 0; i < slots.size() && slot_ < 0; ++i)
    if (pid_t none = 0; slots[i].owner.compare_exchange_strong(none, ::getpid()))
      slot_ = static_cast<int>(i);
  if (slot_ < 0)
    return;
  Slot &slot = slots[static_cast<size_t>(slot_)];
  std::memcpy(slot.path.data(), path.c_str(), path.size() + 1);
  slot.isReady = true;
}

RemovedOnInterruption::~RemovedOnInterruption() {
  if (slot_ < 0)
    return;
  slots[static_cast<size_t>(slot_)].isReady = false;
  slots[static_cast<size_t>(slot_)].owner = 0;
}

void installInterruptionHandlers() {
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action = {};
    ::sigaction(signal, nullptr, &action);
    if (action.sa_handler == SIG_IGN)
      continue;
    action = {};
    action.sa_handler = onInterruption;
    ::sigaction(signal, &action, nullptr);
  }
}

} // namespace cameo
