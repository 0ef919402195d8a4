// How much memory a stretch of a program takes.
#pragma once

#include <cstdint>

namespace cameo {

/// From its construction on, how much more of this process was in memory at most than before:
/// mapped files as far as they were read, too.
class MemoryPeak {
public:
  MemoryPeak();
  /// In bytes; -1 where the system does not tell.
  int64_t bytes() const;

private:
  int64_t before_ = -1;
};

} // namespace cameo
