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
};

/// What the attributes of a conv by such an algorithm say.
WinogradPlan winogradPlanOf(const Op &conv);

/// An algorithm and how its work is cut.
struct AlgorithmChoice {
  ConvAlgorithm algorithm = ConvAlgorithm::Direct;
  ContractionPlan plan = {};
};
/// Whether Winograd's algorithms can compute a `conv`, with weights plain or packed; its sizes.
std::optional<ConvSizes> winogradSizes(const PassContext &context, const Op &conv);

/// One of Winograd's algorithms.
AlgorithmChoice winogradChoice(const Target &target, const ConvSizes &sizes,
                               ConvAlgorithm algorithm);
/// The algorithm that is estimated to be fastest; Direct, without a plan, where that is about as
/// fast as the others.
AlgorithmChoice chooseWinograd(const Target &target, const ConvSizes &sizes);

} // namespace cameo
