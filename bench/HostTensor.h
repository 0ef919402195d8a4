// Tensors outside the interpreter: read from files, made at random, returned by a compiled library.
// They own plain vectors and take from no memory budget; whoever makes one has bounded its size.
#pragma once

#include "ir/eval/graph/Tensor.h"

namespace cameo {

/// A tensor owning `bytes`, which hold exactly the elements of `dims`.
Tensor makeTensor(DType dtype, std::vector<int64_t> dims, std::vector<std::byte> bytes);

/// `f32[1,3,224,224]`, `seq of 2 f32`, `none`: for messages.
std::string describe(const RuntimeValue &value);

} // namespace cameo
