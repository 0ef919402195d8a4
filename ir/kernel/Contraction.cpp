// Rules of convolutions, products and packed weights; see Contraction.h.
#include "ir/kernel/Contraction.h"

#include "ir/Half.h"
#include "ir/TileRegisters.h"
#include "ir/kernel/Rules.h"

#include <fmt/format.h>

namespace cameo {

int64_t winogradTile(ConvAlgorithm algorithm) {
  switch (algorithm) {
  case ConvAlgorithm::Winograd4:
    return 4;
  case ConvAlgorithm::Winograd2:
    return 2;
  case ConvAlgorithm::Direct:
  case ConvAlgorithm::Depthwise:
    return 0;
  }
  ICE("an algorithm without a row");
}

PackForm packFormFor(ConvAlgorithm algorithm) {
  switch (algorithm) {
  case ConvAlgorithm::Direct:
    return PackForm::Conv;
  case ConvAlgorithm::Depthwise:
    return PackForm::Depthwise;
  case ConvAlgorithm::Winograd4:
    return PackForm::Winograd4;
  case ConvAlgorithm::Winograd2:
    return PackForm::Winograd2;
  }
  ICE("an algorithm without a row");
}

int64_t winogradTile(PackForm form) {
  return form == PackForm::Winograd4 ? 4 : form == PackForm::Winograd2 ? 2 : 0;
}

namespace {

/// A multiple of `step` that is not less.
Dim roundedUp(const Dim &extent, int64_t step) {
  return Dim::ceilDiv(extent, Dim(step)) * Dim(step);
}

Result<void> interleaveFits(int64_t interleave) {
  if (interleave >= 1 && interleave <= kMaxInterleave)
    return {};
  return badInput(
      fmt::format("attribute 'interleave': expected 1 to {}, got {}", kMaxInterleave, interleave));
}

/// Pieces are of f32, in pairs, and multiply in tile registers, where the op has a plan.
/// Plain weights are yet to be packed as pieces.
Result<void> piecesFit(const Op &op, int64_t pieces, int64_t interleave, bool isPlain,
                       const ContractionPlan &plan) {
  if (pieces == 1)
    return {};
  bool arePairs = interleave == 2 && op.operand(1)->type.dtype() == DType::BF16;
  if (pieces != kPieces || op.operand(0)->type.dtype() != DType::F32 || (!isPlain && !arePairs))
    return badInput(fmt::format("attribute 'pieces': expected 1, or {} of f32 that multiply with "
                                "pairs of bf16, got {}",
                                kPieces, pieces));
  if (plan.tileRows > 0 && plan.tileSteps == 0)
    return badInput("attribute 'tile_steps': expected tile registers for pieces, got 0");
  if (plan.tileRows > 0 && plan.outer != LoopOrder::Rows)
    return badInput("attribute 'outer': expected rows, which are split once for all panels");
  return {};
}

} // namespace

Result<void> areInputLanes(int64_t inputLanes, int64_t lanes) {
  if (inputLanes == 1 || (inputLanes > 1 && inputLanes <= lanes))
    return areLanes(inputLanes, kPanel);
  return badInput(fmt::format("attribute 'input_lanes': expected 1, or up to the {} lanes of a "
                              "vector, got {}",
                              lanes, inputLanes));
}

Result<void> ContractionPlan::verify(ConvAlgorithm algorithm, int64_t interleave) const {
  bool isDirect = algorithm == ConvAlgorithm::Direct;
  bool isDepthwise = algorithm == ConvAlgorithm::Depthwise;
  TRY(areLanes(lanes, kPanel));
  if (lanes == 1 && interleave > 1)
    return badInput("attribute 'lanes': expected vectors for interleaved weights, got 1");
  if (interleave == kMatrixDepth && lanes != 0 && lanes != 4)
    return badInput(fmt::format("attribute 'lanes': expected 4, of a 2x2 matrix, got {}", lanes));
  if (tileRows < 0 || tilePanels < 0 || (tileRows > 0) != (tilePanels > 0) ||
      tilePanels > kMaxTilePanels)
    return badInput(fmt::format("expected a tile of rows by 1 to {} panels, got {} by {}",
                                kMaxTilePanels, tileRows, tilePanels));
  if (tileLines < 1 || tileLines > kMaxTileLines ||
      (tileLines > 1 && !isDepthwise && tileSteps == 0))
    return badInput(fmt::format("attribute 'tile_lines': expected 1 to {} lines of a depthwise "
                                "convolution or of tile registers, got {}",
                                kMaxTileLines, tileLines));
  if (tilePanels > 0 && tileRows > kMaxTileElements / (tilePanels * tileLines * kPanel))
    return badInput(fmt::format("expected a tile of at most {} elements, got {} by {} panels of {}",
                                kMaxTileElements, tileRows * tileLines, tilePanels, kPanel));
  if (block < 0 || (block > 0) != (winogradTile(algorithm) && tileRows > 0))
    return badInput(fmt::format(
        "attribute 'block': expected register tiles of Winograd's algorithm, got {}", block));
  if (unitTiles < 0 || (unitTiles > 0) != ((isDirect || isDepthwise) && lanes > 0))
    return badInput(fmt::format(
        "attribute 'unit_tiles': expected tiles of a direct or depthwise convolution, got {}",
        unitTiles));
  if (unitVectors < 1 || unitVectors > kMaxUnitVectors || (unitVectors > 1 && !isDepthwise))
    return badInput(fmt::format(
        "attribute 'unit_vectors': expected 1 to {} vectors of a depthwise convolution, got {}",
        kMaxUnitVectors, unitVectors));
  TRY(areInputLanes(inputLanes, lanes));
  if (inputLanes > 1 && isDepthwise)
    return badInput("attribute 'input_lanes': expected 1 of a depthwise convolution");
  if (joinsSteps && (!isDirect || inputLanes == 1 || interleave != 2))
    return badInput("attribute 'joins_steps': expected 0, as 'interleave' is not 2 or "
                    "'input_lanes' is 1");
  TRY(verifyTileSteps(isDirect, interleave));
  if (productsAhead < 0 || productsAhead > (isDepthwise ? 0 : kMaxProductsAhead))
    return badInput(fmt::format("attribute 'products_ahead': expected 0 to {}, got {}",
                                isDepthwise ? 0 : kMaxProductsAhead, productsAhead));
  int64_t mostChannels = isDepthwise ? kMaxAhead : 0;
  if (channelsAhead < 0 || channelsAhead > mostChannels)
    return badInput(fmt::format("attribute 'channels_ahead': expected 0 to {}, got {}",
                                mostChannels, channelsAhead));
  int64_t mostTiles = winogradTile(algorithm) && lanes > 0 ? kMaxTilesAhead : 0;
  if (tilesAhead < 0 || tilesAhead > mostTiles)
    return badInput(
        fmt::format("attribute 'tiles_ahead': expected 0 to {}, got {}", mostTiles, tilesAhead));
  int64_t mostAhead = kMaxAhead / inputLanes;
  if (ahead < 0 || ahead > mostAhead || (ahead > 0 && unitTiles == 0 && block == 0))
    return badInput(fmt::format("attribute 'ahead': expected 0 to {} elements, none of them of a "
                                "depthwise convolution, got {}",
                                mostAhead, ahead));
  return areRestRows(restRows, isDirect ? tileRows : 0);
}

Result<void> ContractionPlan::verifyTileSteps(bool isDirect, int64_t interleave) const {
  if (tileSteps == 0)
    return {};
  if (tileSteps < 0 || tileSteps > kMostTileRows || !isDirect || inputLanes > 1 || interleave == 1)
    return badInput(fmt::format("attribute 'tile_steps': expected up to {} interleaved steps of "
                                "the direct algorithm, got {}",
                                kMostTileRows, tileSteps));
  int64_t groups = (tileRows + kMostTileRows - 1) / kMostTileRows * tileLines;
  if (groups > kTileGroups || groups * tilePanels > kTileSums)
    return badInput(fmt::format(
        "expected a tile of {} registers, {} groups of {} rows at most, got {} by {} panels",
        kTileSums, kTileGroups, kMostTileRows, tileRows * tileLines, tilePanels));
  if (lanes > 0 && epilogue != EpiloguePlace::Scratch)
    return badInput("attribute 'epilogue': expected scratch behind tile registers");
  return {};
}

Result<void> ContractionInputs::verify(const Op &op) const {
  if (weights == WeightForm::Packed && !(x.isZero() && w.isZero()))
    return badInput("expected no zero points of packed weights");
  for (int64_t operand : {x.operand, w.operand})
    if (operand != -1 && (operand < 2 || operand >= op.numOperands()))
      return badInput(fmt::format("there is no operand {} for a zero point", operand));
  return {};
}

Dims packedShape(const PackAttrs &attrs, const Dims &weights) {
  Dim taps(1);
  for (size_t i = 2; i < weights.size(); i++)
    taps = taps * weights[i];
  switch (attrs.form) {
  case PackForm::Gemm: {
    Dims shape(weights.begin(), weights.end() - 2);
    shape.push_back(Dim::ceilDiv(weights.back(), Dim(kPanel)));
    shape.push_back(roundedUp(weights[weights.size() - 2], attrs.interleave) * Dim(attrs.pieces));
    shape.push_back(Dim(kPanel));
    return shape;
  }
  case PackForm::Conv: {
    Dim group(attrs.group), outputs = Dim::floorDiv(weights[0], group);
    return {group, Dim::ceilDiv(outputs, Dim(kPanel)),
            taps * roundedUp(weights[1], attrs.interleave) * Dim(attrs.pieces), Dim(kPanel)};
  }
  case PackForm::Depthwise:
    return {taps, weights[0]};
  case PackForm::Winograd4:
  case PackForm::Winograd2: {
    int64_t side = winogradTile(attrs.form) + 2;
    return {Dim(1), Dim::ceilDiv(weights[0], Dim(kPanel)), Dim(side * side) * weights[1],
            Dim(kPanel)};
  }
  }
  ICE("a form without a row");
}

Result<void> PackAttrs::verify(const Op &op) const {
  TRY(hasRegions(op, 0));
  TRY(interleaveFits(interleave));
  TRY(areLanes(plan.lanes, kPanel));
  if (group < 1)
    return badInput(fmt::format("attribute 'group': expected at least 1, got {}", group));
  bool isSplit = op.operand(0)->type.dtype() == DType::F32 &&
                 op.result()->type.dtype() == DType::BF16 &&
                 (form == PackForm::Gemm || form == PackForm::Conv);
  if (pieces != 1 && (pieces != kPieces || !isSplit))
    return badInput(fmt::format("attribute 'pieces': expected 1, or {} bf16 of an f32, got {}",
                                kPieces, pieces));
  const Value &weights = *op.operand(0);
  if (weights.type.rank() < 2)
    return badInput(
        fmt::format("expected weights of two dims or more, got {}", weights.type.str()));
  return hasShape(*op.result(), packedShape(*this, weights.type.shape()));
}

Result<void> ConvAttrs::verify(const Op &op) const {
  const Value &x = *op.operand(0), &packed = *op.operand(1), &y = *op.result();
  WindowRule windows{kernel, strides, dilations, padsBegin, padsEnd};
  TRY(windows.verify(x, y));
  TRY(interleaveFits(interleave));
  if (group < 1)
    return badInput(fmt::format("attribute 'group': expected at least 1, got {}", group));
  if (fillOperand != -1 && (fillOperand < 2 || fillOperand >= op.numOperands()))
    return badInput(
        fmt::format("attribute 'fill_operand': there is no such operand, {}", fillOperand));
  TRY(plan.verify(algorithm, interleave));
  if (algorithm == ConvAlgorithm::Depthwise && plan.tileLines > 1 && kernel.size() < 2)
    return badInput(fmt::format("attribute 'tile_lines': expected 1, as there are no lines, got {}",
                                plan.tileLines));
  if (winogradTile(algorithm) && (kernel != std::vector<int64_t>{3, 3} || group != 1))
    return badInput("expected a window of 3 x 3 and one group for Winograd's algorithm");
  TRY(inputs.verify(op));
  Dims weights = {y.type.dim(1), Dim::floorDiv(x.type.dim(1), Dim(group))};
  for (int64_t extent : kernel)
    weights.push_back(Dim(extent));
  if (pieces > 1 && algorithm != ConvAlgorithm::Direct)
    return badInput(fmt::format("attribute 'pieces': expected 1, as the algorithm is {}, got {}",
                                wordOf(algorithm), pieces));
  bool isPlain = inputs.weights == WeightForm::Plain;
  TRY(piecesFit(op, pieces, interleave, isPlain, plan));
  PackAttrs packing{packFormFor(algorithm), group, interleave, pieces};
  TRY(hasShape(packed, isPlain ? weights : packedShape(packing, weights)));
  return takesOne(op, elementsFrom(op, 2));
}

Dim ConvAttrs::flops(const Op &op) const {
  Dim terms = Dim::floorDiv(op.operand(0)->type.dim(1), Dim(group));
  for (int64_t extent : kernel)
    terms = terms * Dim(extent);
  return Dim(2) * product(op.result()->type.shape()) * terms;
}

Result<void> GemmAttrs::verify(const Op &op) const {
  const Type &a = op.operand(0)->type, &weights = op.operand(1)->type, &y = op.result()->type;
  TRY(interleaveFits(interleave));
  TRY(plan.verify(ConvAlgorithm::Direct, interleave));
  bool isPlain = inputs.weights == WeightForm::Plain;
  TRY(piecesFit(op, pieces, interleave, isPlain, plan));
  TRY(inputs.verify(op));
  int64_t dims = isPlain ? 2 : 3; // of one matrix of weights
  if (a.rank() < 2 || weights.rank() < dims || y.rank() < 2)
    return badInput("expected matrices, or batches of them");
  Dims wanted = {a.dim(a.rank() - 1), y.dim(y.rank() - 1)};
  if (!isPlain)
    wanted = packedShape({PackForm::Gemm, 1, interleave, pieces}, wanted);
  for (int64_t i = 0; i < dims; i++)
    if (differ(weights.dim(weights.rank() - dims + i), wanted[i]))
      return badInput(fmt::format("expected weights that end in {}, got {}",
                                  weights.withShape(wanted).str(), weights.str()));
  if (differ(a.dim(a.rank() - 2), y.dim(y.rank() - 2)))
    return badInput(fmt::format("expected as many rows in {} as in {}", y.str(), a.str()));
  return takesOne(op, elementsFrom(op, 2));
}

Dim GemmAttrs::flops(const Op &op) const {
  const Type &a = op.operand(0)->type;
  return Dim(2) * product(op.result()->type.shape()) * a.dim(a.rank() - 1);
}

} // namespace cameo
