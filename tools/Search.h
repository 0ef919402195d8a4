// Searches for what a failure depends on, by trying: which step, which parts. They know nothing of
// models and passes.
#pragma once

#include "ir/Result.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace cameo {

/// Of `count` steps, the first one with which it fails: `fails(n)` says whether the first n do. One
/// of the numbers 1 to count, as it does not fail with none and fails with all; where it fails and
/// then no longer does, one of those where failing begins. Tries log2(count) times.
Result<int64_t> firstFailing(int64_t count, const std::function<Result<bool>(int64_t)> &fails);

/// Leaves out what it can of `parts`, which fail, so that the rest still fails: long runs of them
/// first, then each, from the back. Stops when no single part can go. The order stays.
Result<std::vector<int64_t>>
reduceParts(std::vector<int64_t> parts,
            const std::function<Result<bool>(const std::vector<int64_t> &)> &fails);

} // namespace cameo
