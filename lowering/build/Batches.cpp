// See Batches.h.
#include "lowering/build/Batches.h"

#include "ir/kernel/Contraction.h"
#include "lowering/build/ViewBuilder.h"

#include <algorithm>

namespace cameo {

std::optional<std::vector<size_t>> partsOf(const Dims &dims, const Dims &split) {
  std::vector<size_t> parts(dims.size(), 0);
  size_t left = split.size();
  for (size_t i = dims.size(); i-- > 0;) {
    Dim product(1);
    do {
      if (left == 0)
        return std::nullopt;
      product = split[--left] * product;
      parts[i]++;
    } while (!(product == dims[i]));
  }
  bool isRestOfOnes = std::all_of(split.begin(), split.begin() + static_cast<int64_t>(left),
                                  [](const Dim &dim) { return dim == Dim(1); });
  if (left > 0 && (dims.empty() || !isRestOfOnes))
    return std::nullopt;
  if (left > 0)
    parts[0] += left;
  return parts;
}

namespace {

// Dims of an operand that are no batches: rows and columns, or panels, depth and columns.
constexpr int64_t kMatrixDims = 2, kPackedDims = 3;

/// The shape of an operand with batches that broadcast to `own`, when those are split.
std::optional<Dims> splitShape(const Dims &shape, int64_t matrixDims, const Dims &own,
                               const Dims &split, const std::vector<size_t> &parts) {
  int64_t batches = std::ssize(shape) - matrixDims;
  if (batches <= 0)
    return shape;
  size_t skipped = own.size() - static_cast<size_t>(batches);
  Dims result;
  auto part = split.begin();
  for (size_t i = 0; i < own.size(); i++) {
    auto end = part + static_cast<int64_t>(parts[i]);
    if (i >= skipped) {
      const Dim &dim = shape[i - skipped];
      if (dim == own[i])
        result.insert(result.end(), part, end);
      else if (dim == Dim(1))
        result.insert(result.end(), parts[i], Dim(1));
      else
        return std::nullopt;
    }
    part = end;
  }
  result.insert(result.end(), shape.begin() + batches, shape.end());
  return result;
}

} // namespace

bool splitBatches(LoopBuilder &b, Op &gemm, const Dims &split) {
  Value *result = gemm.result();
  Dims own = result->type.shape();
  Dims shape = split;
  shape.insert(shape.end(), own.end() - kMatrixDims, own.end());
  own.resize(own.size() - kMatrixDims);
  std::optional<std::vector<size_t>> parts = partsOf(own, split);
  if (!parts)
    return false;
  bool isPacked = attrsOf<GemmAttrs>(gemm).inputs.weights == WeightForm::Packed;
  std::vector<Dims> shapes;
  for (int64_t i = 0; i < gemm.numOperands(); i++) {
    int64_t matrixDims = i == 1 && isPacked ? kPackedDims : kMatrixDims;
    std::optional<Dims> to =
        splitShape(gemm.operand(i)->type.shape(), matrixDims, own, split, *parts);
    if (!to)
      return false;
    shapes.push_back(*to);
  }
  for (int64_t i = 0; i < gemm.numOperands(); i++)
    gemm.setOperand(i, reshapeView(b, gemm.operand(i), shapes[static_cast<size_t>(i)]));
  result->type = result->type.withShape(shape);
  return true;
}

} // namespace cameo
