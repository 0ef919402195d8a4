// What is removed when the user, or the system, ends the program by a signal.
#pragma once

#include <string>

namespace cameo {

/// While one lives, an interruption of this process (SIGINT, SIGTERM, SIGHUP) removes the file or
/// folder before the process ends. Processes that it forks do not. So many that there is no slot
/// left are not removed: the next program that writes there does that (Temporary.h).
class RemovedOnInterruption {
public:
  explicit RemovedOnInterruption(const std::string &path);
  ~RemovedOnInterruption();
  RemovedOnInterruption(const RemovedOnInterruption &) = delete;
  RemovedOnInterruption &operator=(const RemovedOnInterruption &) = delete;

private:
  int slot_ = -1;
};

/// From here on, the signals do that; those that the process ignores stay ignored.
void installInterruptionHandlers();

} // namespace cameo
