// Queries, keys and values as they were before an exporter turned, scaled, reshaped or repeated
// them for its matrix products.
#pragma once

#include "lowering/build/Rewrite.h"

namespace cameo {

/// Whether a Transpose swaps the last two dims and no others.
bool swapsLastTwo(const Op &transpose);

/// x with its last two dims swapped.
Value *withLastTwoSwapped(Rewriter &b, Value *x);

/// x in a shape of as many elements; nullptr if Reshape cannot find its open sizes.
Value *reshaped(Rewriter &b, Value *x, const Dims &shape);

/// x without a factor that is a number, with which `factor` is multiplied.
Value *withoutFactor(Value *x, double &factor);

/// Keys or values [batch, heads, length, size] before each of the heads was repeated for several
/// query heads; nullptr if they were not.
Value *beforeRepeats(Rewriter &b, Value *x);

} // namespace cameo
