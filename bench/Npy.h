// NumPy's file formats: .npy (one array; format versions 1 to 3) and .npz (a zip archive of them).
// Facts from NumPy's format description (numpy.lib.format) and PKWARE's APPNOTE.
//
// Element types map by kind and size. A type that NumPy does not have, such as bfloat16, is written
// as the bits that hold it, and `as` in reading reinterprets such an array. Fortran order and big
// endian are converted. Strings are fixed width (`<U5`); they become UTF-8.
#pragma once

#include "ir/eval/graph/Tensor.h"
#include "support/File.h"

#include <optional>
#include <utility>

namespace cameo {

/// Parses a .npy file's bytes; `name` is used in messages. With `as`, the element type must be
/// that, or the one that holds it in NumPy.
Result<Tensor> parseNpy(std::span<const std::byte> file, const std::string &name,
                        std::optional<DType> as = std::nullopt);
Result<Tensor> readNpy(const std::string &path, std::optional<DType> as = std::nullopt);

/// The bytes of a .npy file, version 1.
std::vector<std::byte> formatNpy(const Tensor &array);
Result<void> writeNpy(const std::string &path, const Tensor &array);

/// The arrays of a .npz by name (without `.npy`), stored or deflated, in the archive's order.
Result<std::vector<std::pair<std::string, Tensor>>> readNpz(const std::string &path);
/// Writes stored entries.
Result<void> writeNpz(const std::string &path,
                      const std::vector<std::pair<std::string, Tensor>> &arrays);

} // namespace cameo
