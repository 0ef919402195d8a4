// Random valid graph-level modules for fuzzing passes: small float networks of pointwise, shape,
// reduction and layer ops over inputs with a symbolic dim, with constants to fold, ops that do
// nothing and ops that nobody uses. The same seed gives the same module.
//
// Every op is continuous in its float operands, so that a pass that may change rounding changes
// results little.
#pragma once

#include "ir/Builder.h"
#include "ir/eval/graph/Tensor.h"

#include <memory>
#include <random>
#include <vector>

namespace cameo {

/// Every third one is a quantized module.
std::unique_ptr<Module> randomModule(uint32_t seed);

/// Layers of dequantized operands, quantized again, whose results are the same to the bit however
/// they are computed.
std::unique_ptr<Module> randomQuantizedModule(uint32_t seed);

/// Adds a layer of x, of f32, in primitives. The last value is its result, the one before it a
/// value inside, which may get other readers.
std::vector<Value *> randomLayer(Builder &builder, Value *x, std::mt19937 &random);

/// Inputs for a module's arguments; symbols are `symbolValue`.
std::vector<RuntimeValue> randomInputs(Module &module, uint32_t seed, int64_t symbolValue);

} // namespace cameo
