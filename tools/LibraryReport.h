// What a library that `compile` made says of itself, for `inspect` and `explain`.
#pragma once

#include "ir/Result.h"

#include <cstdint>
#include <string>

namespace cameo {

/// The report on the library, as text or as JSON (docs/inspect.md); its workspace is that of a
/// context of so many threads.
Result<std::string> libraryReport(const std::string &path, int32_t threads, bool json);

} // namespace cameo
