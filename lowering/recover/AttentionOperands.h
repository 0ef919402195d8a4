// Queries, keys and values as they were before an exporter turned, scaled, reshaped or repeated
// them for its matrix products.
#pragma once

#include "lowering/build/Rewrite.h"

#include <optional>
#include <vector>

namespace cameo {

/// A permutation of dims: where dim i of the result comes from.
using Permutation = std::vector<int64_t>;

Permutation identity(int64_t rank);
/// The last two dims swapped.
Permutation swapOfLastTwo(int64_t rank);
/// That of a Transpose.
Permutation permutationOf(const Op &transpose);

/// What two products around a softmax multiply, and the permutations that make queries, keys and
/// values [batch..., length, size] of their operands, and the result of [batch..., queries, size].
struct Products {
  Value *q, *k, *v;
  Permutation qOrder, kOrder, vOrder, resultOrder;
};

/// Those of MatMuls or Einsums, `weights` being the operand of the second that comes from the
/// softmax, maybe with its last two dims swapped. Nothing if an equation says something else.
std::optional<Products> productsOf(const Op &scores, const Op &result, int64_t weights,
                                   bool isTurned);

/// x with its dims in another order.
Value *permuted(Rewriter &b, Value *x, Permutation order);

/// x in a shape of as many elements; nullptr if Reshape cannot find its open sizes.
Value *reshaped(Rewriter &b, Value *x, const Dims &shape);

/// x without a factor that is a number, with which `factor` is multiplied.
Value *withoutFactor(Value *x, double &factor);

/// Keys or values [batch, heads, length, size] before each of the heads was repeated for several
/// query heads; nullptr if they were not.
Value *beforeRepeats(Rewriter &b, Value *x);

} // namespace cameo
