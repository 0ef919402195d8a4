// How long parts of a command's work take, for --verbose.
#pragma once

#include "bench/Timing.h"

#include <utility>

namespace cameo {

class Stopwatch {
public:
  /// Seconds since the last call, or the beginning.
  double lap() {
    double begin = std::exchange(last_, now());
    return last_ - begin;
  }

private:
  double last_ = now();
};

} // namespace cameo
