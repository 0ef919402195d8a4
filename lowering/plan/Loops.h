// The loops that kernels over elements are made of, in the order of the tensors' memory: what plans
// cut and emitters write. Ops have their layouts.
#pragma once

#include "ir/Op.h"
#include "ir/kernel/Reduce.h"
#include "lowering/build/Strides.h"

#include <optional>
#include <vector>

namespace cameo {

/// A nest over the elements of a result. Neighbouring loops that are contiguous in every tensor are
/// merged, so that a dense elementwise kernel is one loop whatever its rank.
struct Nest {
  std::vector<NestAxis> axes; // outermost in the first tensor's memory first
  size_t numTensors = 0;

  /// Over the elements of `lead`, whose tensor comes first; others are broadcast to its shape. By
  /// images, the loop over dim 0 is outside and merged with none.
  static Nest over(const Value &lead, const std::vector<const Value *> &others,
                   bool byImage = false);
};

/// The nest of a `pointwise` or `copy`; tensors are the results, then the operands. That of a copy
/// in blocks is its block nest.
Nest elementNest(const Op &op);

/// The nest of a copy that can go in blocks (CopyAttrs): its last two loops are those along which
/// elements are next to each other in the result and in x, the longer one last.
std::optional<Nest> blockNest(const Op &copy);

/// Dims of the result of a `generate`, the outermost in memory first.
std::vector<int64_t> generateOrder(const Op &op);

/// The loops of a `reduce` over what it keeps and what it reduces. In both, the innermost dim in
/// x's memory is last.
struct ReduceLoops {
  std::vector<NestAxis> kept;    // strides: result, x, epilogue operands
  std::vector<NestAxis> reduced; // strides: x
};
ReduceLoops reduceLoops(const Op &op);

/// The loops of a `row` over its rows. Strides: x, result, epilogue operands.
std::vector<NestAxis> rowLoops(const Op &op);

/// The loops over all dims of the first tensor but `axis`. The other tensors have as many dims, or
/// lack the axis.
std::vector<NestAxis> lineLoops(int64_t axis, const std::vector<const Value *> &tensors);

/// Whether vectors are possible, as far as that depends on what is next to each other in memory: of
/// an elementwise kernel with this nest, of a reduction, of a `generate`, and of a `topk`.
bool areElementsInVectors(const Op &op, const Nest &nest);
bool isReducedInVectors(const ReduceLoops &loops, ReduceLanes lanes);
bool isGeneratedInVectors(const Op &op);
bool isCountedInVectors(const Op &topK);

/// Whether an element of a `topk` has a key, a number of kKeyBytes whose order is the element's,
/// and positions fit one number beside it.
bool hasKeys(const Op &topK);
inline constexpr int64_t kKeyBytes = 4, kMostWithKeys = INT32_MAX; // elements of a line

/// The k-th key of a line is searched for where k is as large, and such a part of the line at
/// least.
inline constexpr int64_t kManyEntries = 64, kPartOfLine = 32;

} // namespace cameo
