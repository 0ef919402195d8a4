// What convolutions and matrix products have in common: rows of an input multiplied with packed
// panels of weights, for every row of an output. Emitted by EmitContraction.cpp as loops around
// micro-kernels.
#pragma once

#include "lowering/kernels/Nest.h"

namespace cameo {

/// A loop over taps of a window: how often, and how far apart in the input.
struct TapLoop {
  int64_t extent = 1;
  Dim stride;
};

struct Contraction {
  /// Row axes, outermost first; the last one is tiled. Strides: input, weights, result, then each
  /// epilogue operand.
  std::vector<NestAxis> rows;
  std::vector<TapLoop> taps;
  /// Steps over k at each tap. A step multiplies `group` consecutive input elements, and the next
  /// one starts `advance` elements on.
  Dim depth;
  int64_t group = 1, advance = 1;
  /// Output columns; the result and the epilogue operands have them at stride 1 or 0.
  Dim columns;
  /// Stride of each epilogue operand along the columns: 1 or 0.
  std::vector<bool> columnOperands;
};

/// Writes the kernel; units are tiles of rows by groups of panels.
Result<Dim> emitContraction(KernelFunc &k, Contraction &contraction);

} // namespace cameo
