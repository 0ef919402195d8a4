// Random inputs that depend on nothing but a seed, a stream and a position: the same on every
// machine, whatever order they are made in.
#pragma once

#include "ir/eval/graph/Tensor.h"

namespace cameo {

/// 64 random bits for position `index` of stream `stream`: the output function of SplitMix64
/// (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014) over a mixed counter.
uint64_t randomBits(uint64_t seed, uint64_t stream, uint64_t index);

/// A tensor of random elements: floats uniform in [0, 1); integers uniform in [0, bound), kept
/// within the type; bools 0 or 1; strings single letters. `dims` must be a valid shape.
Tensor randomTensor(DType dtype, const std::vector<int64_t> &dims, uint64_t seed, uint64_t stream,
                    int64_t bound = 10);

} // namespace cameo
