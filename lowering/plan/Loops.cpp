// See Loops.h.
#include "lowering/plan/Loops.h"

#include "ir/kernel/Elements.h"
#include "ir/kernel/Range.h"
#include "ir/kernel/Reduce.h"

#include <algorithm>
#include <set>

namespace cameo {
namespace {

/// Whether loop a belongs outside loop b: a's stride in the lead tensor is the larger.
bool outside(const NestAxis &a, const NestAxis &b) {
  const Dim &x = a.strides[0], &y = b.strides[0];
  if (x.isConst() && y.isConst())
    return x.value() > y.value();
  return !(x == y) && Dim::exactDiv(x, y).has_value();
}

void sortByLead(std::vector<NestAxis> &axes) {
  for (size_t i = 1; i < axes.size(); i++)
    for (size_t j = i; j > 0 && outside(axes[j], axes[j - 1]); j--)
      std::swap(axes[j], axes[j - 1]);
}

/// Moves the axis with stride 1 in a tensor last.
void innermostLast(std::vector<NestAxis> &axes, size_t tensor) {
  for (size_t i = 0; i + 1 < axes.size(); i++)
    if (axes[i].strides[tensor] == Dim(1) && !(axes[i].extent == Dim(1))) {
      auto axis = axes.begin() + static_cast<std::ptrdiff_t>(i);
      std::rotate(axis, axis + 1, axes.end());
      return;
    }
}

} // namespace

Nest Nest::over(const Value &lead, const std::vector<const Value *> &others, bool byImage) {
  Nest nest;
  nest.numTensors = others.size() + 1;
  const Dims &shape = lead.type.shape();
  std::vector<std::vector<Dim>> strides = {lead.layout->strides};
  for (const Value *other : others)
    strides.push_back(broadcastStrides(*other, shape));
  for (size_t i = 0; i < shape.size(); i++) {
    NestAxis axis{shape[i], {}};
    for (const std::vector<Dim> &tensor : strides)
      axis.strides.push_back(tensor[i]);
    nest.axes.push_back(std::move(axis));
  }
  auto inner = nest.axes.begin() + (byImage && !nest.axes.empty());
  std::vector<NestAxis> images(nest.axes.begin(), inner);
  nest.axes.erase(nest.axes.begin(), inner);
  // Loops of one step have any stride; they must not disturb the order.
  std::erase_if(nest.axes, [](const NestAxis &axis) { return axis.extent == Dim(1); });
  sortByLead(nest.axes);
  mergeContiguous(nest.axes);
  // A single element: every tensor is read and written at stride 1.
  if (nest.axes[0].strides.empty())
    nest.axes[0].strides = std::vector<Dim>(nest.numTensors, Dim(1));
  nest.axes.insert(nest.axes.begin(), images.begin(), images.end());
  return nest;
}

std::optional<Nest> blockNest(const Op &copy) {
  Nest nest = Nest::over(*copy.result(), {copy.operand(0)}, imagesOf(copy) > 0);
  std::vector<NestAxis> &axes = nest.axes;
  auto inRow = [&](size_t tensor) {
    return std::find_if(axes.begin(), axes.end(),
                        [&](const NestAxis &axis) { return axis.strides[tensor] == Dim(1); });
  };
  auto ofResult = inRow(0), ofX = inRow(1);
  if (ofResult == axes.end() || ofX == axes.end() || ofResult == ofX)
    return std::nullopt;
  NestAxis result = *ofResult, x = *ofX;
  axes.erase(std::max(ofResult, ofX));
  axes.erase(std::min(ofResult, ofX));
  bool isXLonger =
      x.extent.isConst() && result.extent.isConst() && x.extent.value() > result.extent.value();
  axes.push_back(isXLonger ? result : x);
  axes.push_back(isXLonger ? x : result);
  return nest;
}

Nest elementNest(const Op &op) {
  if (op.kind() == OpKind::KernelCopy && attrsOf<CopyAttrs>(op).blocks)
    if (std::optional<Nest> nest = blockNest(op))
      return *nest;
  std::vector<const Value *> others;
  for (int64_t i = 1; i < numElementResults(op); i++)
    others.push_back(op.result(i));
  others.insert(others.end(), op.operands().begin(), op.operands().end());
  return Nest::over(*op.result(), others, imagesOf(op) > 0);
}

ReduceLoops reduceLoops(const Op &op) {
  const Value &x = *op.operand(0), &y = *op.result();
  std::vector<int64_t> axes = attrsOf<ReduceAttrs>(op).axes;
  std::set<int64_t> isReduced(axes.begin(), axes.end());
  bool keepDims = y.type.rank() == x.type.rank();
  std::vector<std::vector<Dim>> operands = operandStrides(op, 1);
  ReduceLoops loops;
  int64_t out = 0;
  for (int64_t i = 0; i < x.type.rank(); i++) {
    if (isReduced.count(i)) {
      loops.reduced.push_back({x.type.dim(i), {x.layout->strides[i]}});
      out += keepDims;
      continue;
    }
    NestAxis axis{x.type.dim(i), {y.layout->strides[out], x.layout->strides[i]}};
    for (const std::vector<Dim> &operand : operands)
      axis.strides.push_back(operand[out]);
    loops.kept.push_back(std::move(axis));
    out++;
  }
  if (loops.kept.empty())
    loops.kept.push_back({Dim(1), std::vector<Dim>(2 + operands.size(), Dim(1))});
  if (loops.reduced.empty())
    loops.reduced.push_back({Dim(1), {Dim(1)}});
  innermostLast(loops.kept, 1);
  innermostLast(loops.reduced, 0);
  mergeContiguous(loops.kept, imagesOf(op) > 0);
  mergeContiguous(loops.reduced);
  return loops;
}

std::vector<NestAxis> rowLoops(const Op &op) {
  const Value &x = *op.operand(0), &y = *op.result();
  std::vector<std::vector<Dim>> operands = operandStrides(op, 1);
  std::vector<NestAxis> axes;
  for (int64_t dim = 0; dim + 1 < x.type.rank(); dim++) {
    NestAxis axis{x.type.dim(dim), {x.layout->strides[dim], y.layout->strides[dim]}};
    for (const std::vector<Dim> &operand : operands)
      axis.strides.push_back(operand[dim]);
    axes.push_back(std::move(axis));
  }
  if (axes.empty())
    axes.push_back({Dim(1), std::vector<Dim>(2 + operands.size(), Dim(0))});
  mergeContiguous(axes, imagesOf(op) > 0);
  return axes;
}

std::vector<NestAxis> lineLoops(int64_t axis, const std::vector<const Value *> &tensors) {
  std::vector<NestAxis> axes;
  const Type &lead = tensors[0]->type;
  for (int64_t i = 0; i < lead.rank(); i++) {
    if (i == axis)
      continue;
    axes.push_back({lead.dim(i), {}});
    for (const Value *tensor : tensors) {
      bool lacksAxis = tensor->type.rank() < lead.rank();
      axes.back().strides.push_back(tensor->layout->strides[lacksAxis && i > axis ? i - 1 : i]);
    }
  }
  return axes;
}

bool areElementsInVectors(const Op &op, const Nest &nest) {
  const std::vector<Dim> &strides = nest.axes.back().strides;
  return std::all_of(strides.begin(), strides.begin() + numElementResults(op),
                     [](const Dim &stride) { return stride == Dim(1); });
}

bool isReducedInVectors(const ReduceLoops &loops, ReduceLanes lanes) {
  if (lanes == ReduceLanes::Parts)
    return loops.reduced.back().strides[0] == Dim(1);
  const std::vector<Dim> &strides = loops.kept.back().strides;
  return strides[0] == Dim(1) && strides[1] == Dim(1);
}

bool hasKeys(const Op &topK) {
  const Type &x = topK.operand(0)->type;
  const Dim &extent = x.dim(attrsOf<TopKAttrs>(topK).axis);
  return dtypeBytes(x.dtype()) <= kKeyBytes && x.dtype() != DType::U32 &&
         (!extent.isConst() || extent.value() <= kMostWithKeys);
}

bool isCountedInVectors(const Op &topK) {
  const Value &x = *topK.operand(0);
  int64_t axis = attrsOf<TopKAttrs>(topK).axis;
  const Dim &count = topK.result()->type.dim(axis);
  bool areFew = count.isConst() && count.value() < kManyEntries;
  return hasKeys(topK) && !areFew && x.layout->strides[axis] == Dim(1);
}

} // namespace cameo
