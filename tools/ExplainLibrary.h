// What `explain` says of a library that `compile` made.
#pragma once

#include "ir/Result.h"

#include <string>

namespace cameo {

/// The report on the library, as text or as JSON.
Result<std::string> explainLibrary(const std::string &path, bool json);

} // namespace cameo
