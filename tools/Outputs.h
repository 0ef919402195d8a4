// Values written to files of NumPy, and what these are called.
#pragma once

#include "ir/eval/graph/Tensor.h"

#include <string>
#include <vector>

namespace cameo {

/// Letters, digits, `-`, `.` and `_`, no leading dot, of a length every file system takes.
std::string fileSafe(const std::string &name);

/// STEM.npy, or for a sequence STEM.npz with items `0`, `1`, ...
Result<void> writeArrays(const std::string &stem, const RuntimeValue &value);

/// An archive of values by name; items of a sequence are `NAME.0`, `NAME.1`, ...
Result<void> writeArchive(const std::string &path,
                          const std::vector<std::pair<std::string, RuntimeValue>> &values);

} // namespace cameo
