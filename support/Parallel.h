// Independent pieces of work on all processors.
#pragma once

#include "ir/Result.h"

#include <cstdint>
#include <functional>

namespace cameo {

/// As many threads as there are processors.
int64_t numProcessors();

/// Calls work(0) to work(count - 1), each once, begun in order, on `threads` threads. After a
/// failure no further call begins; returns the error of the first call that has one, or throws the
/// exception of one that threw.
Result<void> inParallel(int64_t count, const std::function<Result<void>(int64_t)> &work,
                        int64_t threads = numProcessors());

} // namespace cameo
