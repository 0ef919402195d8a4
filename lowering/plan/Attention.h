// The loops of attention as one kernel: what is planned, and walked over by the emitter.
#pragma once

#include "ir/kernel/Attention.h"
#include "lowering/build/Strides.h"
#include "lowering/plan/KernelUnits.h"
#include "lowering/plan/Tiles.h"

namespace cameo {

/// The register tile of queries for scores of this shape, products of vectors of `depth` elements,
/// and so many columns of values.
TilePlan attentionTile(const Target &target, const Dims &scores, const Dim &depth,
                       const Dim &columns);

/// From one query's scores to the next one's, in elements: whole panels, so that a row ends within
/// its own memory.
Dim scoreRow(const Dim &keys);
/// Memory of a thread for the scores of so many queries, and a factor for each of these.
Dim scoreBytes(int64_t queries, const Dim &keys);

/// Of an op that has its layout.
struct AttentionLoops {
  /// Batches, then queries. Strides: q, k, v, result, then each further operand.
  std::vector<NestAxis> rows;
  /// Of each further operand along its last dim: 1 or 0.
  std::vector<bool> columnOperands;
  Dim depth, keys, columns;

  /// Elements of a panel of k.
  Dim keyPanel() const { return depth * Dim(kPanel); }
  Dim valuePanel() const { return keys * Dim(kPanel); }
};
AttentionLoops attentionLoops(const Op &op);

KernelUnits attentionUnits(const Op &op);

} // namespace cameo
