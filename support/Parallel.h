// Independent pieces of work on all processors.
#pragma once

#include "ir/Result.h"

#include <cstdint>
#include <functional>

namespace cameo {

/// Calls work(0) to work(count - 1), each once, in any order and several at a time. After a failure
/// no further call begins; returns the error, or throws the exception, of one that failed.
Result<void> inParallel(int64_t count, const std::function<Result<void>(int64_t)> &work);

} // namespace cameo
