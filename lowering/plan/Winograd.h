// Winograd's algorithm for convolutions with windows of 3 x 3 and stride 1: whether it pays, with
// which tile, and how its work is blocked. F(m x m, 3 x 3) computes m x m outputs of a channel from
// (m+2) x (m+2) inputs with (m+2)^2 multiplications instead of 9 m^2 (Lavin and Gray, "Fast
// algorithms for convolutional neural networks", 2015).
#pragma once

#include "ir/Op.h"
#include "ir/kernel/Contraction.h"
#include "lowering/Pass.h"
#include "lowering/plan/Tiles.h"

namespace cameo {

/// A convolution's channels and the image it makes; whether the direct algorithm would multiply
/// pairs of bf16.
struct ConvSizes {
  int64_t channels, outputs, height, width;
  bool inPairs = false;
};

/// Those of an op whose sizes are constants.
ConvSizes convSizes(const Op &conv);

/// How the work on one image is divided. A block of tiles is transformed into the memory of a
/// thread: for each of the points of a transformed tile a matrix of tiles by channels. Products
/// with the weights of that point give a matrix of tiles by output channels, for one group of
/// panels at a time, which is transformed back.
struct WinogradPlan {
  ConvSizes sizes;
  int64_t tile, points; // m, (m+2)^2
  int64_t across, down; // tiles
  EvenTiles registers;  // register tiles of the products: rows are tiles of the image
  int64_t panels;       // of a register tile
  int64_t block;        // register tiles of a block
  /// Strides of the two matrices in elements.
  int64_t inputRow, inputPoint, sumRow, sumPoint;

  /// The tiles of an image, a unit of which has so many register tiles as the plan says.
  UnitAxis tiledAxis() const { return {Dim(across * down), block, registers}; }
  int64_t inputElements() const { return points * inputPoint; }
  int64_t elements() const { return inputElements() + points * sumPoint; }
  int64_t weightBytes() const {
    return points * sizes.channels * sizes.outputs * static_cast<int64_t>(sizeof(float));
  }
};

/// What the attributes of a conv by such an algorithm say.
WinogradPlan winogradPlanOf(const Op &conv);

/// An algorithm of a convolution or product, how its work is cut, and what it is estimated to cost.
struct AlgorithmCost {
  ConvAlgorithm algorithm = ConvAlgorithm::Direct;
  ContractionPlan plan = {}; // none of the direct one
  double cycles = 0;
  int64_t weightBytes = 0; // packed
  int64_t pieces = 1;      // of each f32
};
/// Whether Winograd's algorithms can compute a `conv`, with weights plain or packed; its sizes,
/// none of which is 0.
std::optional<ConvSizes> winogradSizes(const PassContext &context, const Op &conv);

/// The cost of the direct algorithm, or of one of Winograd's.
AlgorithmCost algorithmCost(const Target &target, const ConvSizes &sizes, ConvAlgorithm algorithm);
/// The algorithms worth choosing from: first the direct one, then those of Winograd's that are
/// clearly faster. Each stores more weights than the one before, and is estimated to be faster.
std::vector<AlgorithmCost> worthwhileAlgorithms(const Target &target, const ConvSizes &sizes);

/// Cycles for products with weights that are read `times` times, from memory the first time, and
/// each time where they are much larger than the L2 cache: whichever takes longer.
double productCycles(const Target &target, double cycles, double weightBytes, int64_t times);

} // namespace cameo
