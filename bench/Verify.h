// Files that carry a checksum: shared libraries, and files of weights. Nothing of them is run.
#pragma once

#include "ir/Result.h"

#include <string>

namespace cameo {

/// Whether a file carries a checksum; an error if that is not the checksum of its bytes, or if the
/// file cannot be read.
Result<bool> verifyFile(const std::string &path);

} // namespace cameo
