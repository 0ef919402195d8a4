// What a library that `compile` made says of itself, for `inspect` and `explain`.
#pragma once

#include "ir/Result.h"

#include <cstdint>
#include <string>

namespace cameo {

/// The report on the library, or on a model of a bundle (LibraryName), as text or as JSON
/// (docs/inspect.md); its workspace is that of a context of so many threads. A library for another
/// machine is read as well, but for its workspace.
Result<std::string> libraryReport(const std::string &name, int32_t threads, bool json);

} // namespace cameo
