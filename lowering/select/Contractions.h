// What selectors of float and integer contractions share.
#pragma once

#include "lowering/select/Select.h"

namespace cameo {

/// A `conv` of x with plain weights w, whose sizes are constants, in a new op before the one that
/// is selected: attributes are that one's, the result has its shape and element type `accumulator`,
/// or another number of channels if w has. The region has the accumulated element as its only
/// argument and no yield.
Op *convKernel(Selection &s, Value *x, Value *w, DType accumulator);
/// The same for a matrix product: a [batch..., M, K], b [batch..., K, N].
Op *gemmKernel(Selection &s, Value *a, Value *b, const Dims &shape, DType accumulator);
/// Whether only the run knows the sizes of a convolution's weights.
bool hasOpenSizes(const Type &weights);
/// The selected convolution of x by weights w of such sizes, without its bias, as elements of
/// `dtype`.
Value *openConv(Selection &s, Value *x, Value *w, DType dtype);
/// A ConvTranspose whose weights or padding have such sizes.
void selectOpenConvTranspose(Selection &s);
/// Padding before the first output of a ConvTranspose along spatial dim i, which may be negative;
/// `full` is the output without any.
Dim transposedPad(const Op &op, size_t i, const Dim &full);
/// A vector as a matrix of one row (a) or one column (b); other values as they are.
Value *asMatrix(Selection &s, Value *value, bool row);

} // namespace cameo
