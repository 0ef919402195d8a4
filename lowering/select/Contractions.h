// What selectors of float and integer contractions share.
#pragma once

#include "lowering/select/Select.h"

namespace cameo {

/// How weights are packed: see PackAttrs.
struct Packing {
  int64_t interleave = 1;
  bool flipSign = false;
  /// The element type to round weights to; their own if nothing.
  std::optional<DType> dtype = std::nullopt;
};

/// The input of a contraction as it is read, and how its weights are packed.
struct Multiplicands {
  Value *input;
  Packing packing;
};
/// Pairs of bf16 where the model has them, or where the compilation asks for them, and the weights
/// are constant. `depth` is the number of elements that a step over k must divide: one that it does
/// not would let an element of another row, which may be a NaN, meet a weight of zero.
Multiplicands asPairs(Selection &s, Value *input, Value *weights, const Dim &depth);

/// A `conv` of x with w packed, whose sizes are constants, in a new op before the one that is
/// selected: attributes are that one's, the result has its shape and element type `accumulator`, or
/// another number of channels if w has. The region has the accumulated element as its only argument
/// and no yield.
Op *convKernel(Selection &s, Value *x, Value *w, DType accumulator, const Packing &packing = {});
/// The same for a matrix product: a [batch..., M, K], b [batch..., K, N].
Op *gemmKernel(Selection &s, Value *a, Value *b, const Dims &shape, DType accumulator,
               const Packing &packing = {});
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
/// A [C] operand with trailing dims of 1, so that it broadcasts along the channels of a value of
/// `rank`.
Value *alongChannels(Selection &s, Value *vector, int64_t rank);
/// Ends an epilogue: yields the element as the type of the kernel's result.
void endEpilogue(Selection &s, Op *kernel, Value *element);
/// The region's argument for an operand that an epilogue reads, or a constant; see elementOf.
Value *epilogueElement(Selection &s, Op *kernel, Value *operand);

} // namespace cameo
