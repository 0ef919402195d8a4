// The register tile: m rows by p panels of 16 columns, with the whole reduction in registers.
#pragma once

#include "ir/kernel/Contraction.h"
#include "lowering/emit/KernelFunc.h"

namespace cameo {

/// Everything a micro-kernel's text depends on. Strides, depths and pointers are run-time
/// arguments, so that layers share micro-kernels:
///   (a, aRow, w, panelStride, y, yRow, (e, eRow)..., [aLine, yLine, eLine...], [high, low], depth,
///    (tapExtent, tapStride)..., [columns], [next, ahead], [pieces, pieceRow, pieceLine, piece])
/// Where a tile has rows of several lines, these are `aLine`, `yLine` and `eLine` apart.
/// `depth` is how far the whole steps over k go in the input, in elements; `columns` is how many of
/// the last panels' columns are real, for the masked variant. `next` are weights to fetch for later
/// tiles, `ahead` elements at each step; `high` and `low` the notes of the range (RangeNotes.h).
/// Where the input is f32 that multiply as pieces, `pieces` are the tile's rows in them (Pieces.h),
/// each of `piece` elements.
/// Where rows are read as vectors of `inputLanes` steps, those that are left of a depth are single
/// steps.
struct MicroShape {
  int64_t rows = 1;
  int64_t panels = 1;
  int64_t tapLoops = 0;
  bool masked = false;
  int64_t interleave = 1, advance = 1, rest = 0; // as in Contraction
  int64_t lanes = 1;
  EpiloguePlace epilogue = EpiloguePlace::Registers;
  std::vector<bool> columnOperands; // whether each epilogue operand varies along the columns
  std::vector<bool> rowOperands;    // whether it varies along the rows
  /// The epilogue operands in whose memory the result is.
  std::vector<int64_t> overwritten = {};
  bool fetchesAhead = false;
  bool notesRange = false;
  // As in ContractionPlan.
  int64_t inputLanes = 1;
  bool joinsSteps = false;
  int64_t tileSteps = 0, lines = 1, pieces = 1;
  int64_t productsAhead = 0;
};

/// What a micro-kernel's pointers point to, and what it stores.
struct MicroTensors {
  Type a, w, y;
  std::vector<Type> operands;
  DType accumulator;
  /// The element to store, from a vector of sums and those of the operands; unset: the sum.
  std::function<Value *(LoopBuilder &, const std::vector<Value *> &)> element = nullptr;
};

/// The name of the micro-kernel for a contraction's region and element types.
std::string microKernel(KernelFunc &k, const MicroShape &shape);
std::string microKernel(KernelFunc &k, const MicroShape &shape, const MicroTensors &tensors);

} // namespace cameo
