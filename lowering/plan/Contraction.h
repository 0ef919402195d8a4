// What convolutions and matrix products have in common: rows of an input multiplied with packed
// panels of weights, for every row of an output. Planned by PlanTiles.cpp, written by
// lowering/emit/EmitContraction.cpp as loops around micro-kernels.
#pragma once

#include "ir/kernel/Contraction.h"
#include "lowering/build/Strides.h"
#include "lowering/build/Units.h"

namespace cameo {

/// A loop over taps of a window: how often, and how far apart in the input.
struct TapLoop {
  int64_t extent = 1;
  Dim stride;
};

struct Contraction {
  /// The tensors of a contraction in the order of their strides along its rows.
  enum Tensor { Input, Weights, Result, FirstOperand };

  /// Row axes, outermost first, images in front if kernels go by images; the last one is tiled.
  std::vector<NestAxis> rows;
  std::vector<TapLoop> taps;
  /// Steps over k at each tap. A step multiplies `interleave` consecutive input elements, and the
  /// next one starts `advance` elements on.
  Dim depth;
  int64_t interleave = 1, advance = 1;
  /// The bf16 that an element of the input is split into, and one of the weights is.
  int64_t pieces = 1;
  /// The elements that each tap's last step takes where that is not a whole one; or 0. Bytes have
  /// whole steps alone: they read on, and what they read meets weights of zero. A float that is
  /// read for nothing may be a NaN.
  int64_t rest = 0;
  /// Output columns; the result and the epilogue operands have them at stride 1 or 0.
  Dim columns;
  /// Stride of each epilogue operand along the columns: 1 or 0.
  std::vector<bool> columnOperands;
  ContractionPlan plan;

  /// Steps over all loops of taps.
  Dim tapCount() const;
  /// Of all row axes together.
  Dim rowCount() const;
  /// How far whole steps go in the input at each tap, and how far all steps do.
  Dim wholeSteps() const { return (depth - Dim(rest > 0)) * Dim(advance); }
  Dim stepsEnd() const { return wholeSteps() + Dim(rest > 0 ? rest : interleave - advance); }
  /// Elements of packed weights in a panel, and those of one piece.
  Dim panelElements() const { return pieceElements() * Dim(pieces); }
  Dim pieceElements() const { return tapCount() * depth * Dim(kPanel * interleave); }
  /// A row of the input as pieces: a piece has the elements of all taps one behind the other, and
  /// pieces follow each other. What rows have beyond that keeps them from falling into few sets of
  /// the L1 cache.
  Dim pieceOfRow() const { return tapCount() * wholeSteps(); }
  Dim piecesOfRow() const { return pieceOfRow() * Dim(pieces) + Dim(kCacheLineBytes / 2); }
  /// The most rows that a unit has, of all lines of its tiles.
  int64_t unitRows() const { return plan.unitTiles * plan.tileRows * plan.tileLines; }
  /// The last row axis, a unit of which has so many tiles as the plan says.
  UnitAxis tiledAxis() const;
  /// Whether the steps along an axis of `rows`, a known number, read the same panels.
  bool sharesPanels(size_t row) const;
  /// Whether tiles may have rows of several lines, which are steps along the axis outside the tiled
  /// one: their number is known, they read the same panels, and they are of one image if kernels go
  /// by image.
  bool hasLines() const;
  /// How many steps along an axis of `rows`, but for the tiled one, a tile takes at once.
  int64_t linesOf(size_t row) const { return row + 2 == rows.size() ? plan.tileLines : 1; }
};

/// Whether an op is a `conv` or a `gemm`, which have such plans; and the plan of one.
bool isContraction(const Op &op);
ContractionPlan contractionPlanOf(const Op &op);

/// The contraction of a `conv` of the direct algorithm or a `gemm` that has its layout.
Contraction contractionOf(const Op &op);

/// The steps over k at each tap of such an op where tile registers may have them. 0 where these are
/// not of kTileStepBytes, overlap, have a rest, or their number is a symbol.
int64_t stepsForTileRegisters(const Op &op, const Contraction &c);

/// Whether such an op has bytes interleaved by two, and constant weights none of which is -128
/// where it is packed: then two products have at most 16 bits.
bool mayJoinSteps(const Op &op);

/// For such an op with tiles and units as in `plan`, how many elements of the next panels' weights
/// each step over k fetches, so that all tiles that share panels fetch the next ones once. 0 where
/// there are none, or a cache line a step, or vector of the input, would not suffice.
int64_t fetchAhead(const Op &op, const ContractionPlan &plan);

/// From the first output's centre of a `conv` to its first tap, in elements of x; never positive.
Dim firstTap(const Op &conv);

/// What packing reads, w, along batches or groups, its loops over depth, and its columns.
struct PackLoops {
  std::vector<NestAxis> batches, depths;
  NestAxis columns;
};
PackLoops packLoops(const Op &pack);

/// How many dims of a depthwise window, the outer ones, are loops over taps; emitters unroll those
/// of the others, two at most.
size_t loopedTaps(const ConvAttrs &conv);

/// Row axes for the batch and spatial dims of a `conv`: strides of input, weights (none), result
/// and epilogue operands.
std::vector<NestAxis> outputAxes(const Op &conv);

} // namespace cameo
