// See MemoryPeak.h. Linux keeps the peak of a process, and forgets it when asked to (proc(5)).
#include "bench/MemoryPeak.h"

#include <algorithm>
#include <fstream>
#include <string>

namespace cameo {

namespace {

/// A line of /proc/self/status, in bytes; -1 if there is none.
int64_t statusBytes(const std::string &name) {
  std::ifstream file("/proc/self/status");
  for (std::string word; file >> word;) {
    int64_t kilobytes = 0;
    if (word == name + ":" && file >> kilobytes)
      return kilobytes * 1024;
  }
  return -1;
}

} // namespace

MemoryPeak::MemoryPeak() {
  std::ofstream forget("/proc/self/clear_refs");
  if (forget << "5" && forget.flush())
    before_ = statusBytes("VmRSS");
}

int64_t MemoryPeak::bytes() const {
  int64_t peak = statusBytes("VmHWM");
  return before_ < 0 || peak < 0 ? -1 : std::max<int64_t>(0, peak - before_);
}

} // namespace cameo
