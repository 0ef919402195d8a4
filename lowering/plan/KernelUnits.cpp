// See KernelUnits.h: kernels over elements, rows, lines and windows. Those of contractions are in
// ContractionUnits.cpp.
#include "lowering/plan/KernelUnits.h"

#include "ir/OpSpec.h"
#include "ir/kernel/Contraction.h"
#include "ir/kernel/Elements.h"
#include "ir/kernel/Range.h"
#include "ir/kernel/Reduce.h"
#include "ir/kernel/Window.h"
#include "lowering/plan/Attention.h"
#include "lowering/plan/ContractionUnits.h"
#include "lowering/plan/Loops.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace cameo {
namespace {

/// Every element of a tensor.
Touched whole(const Value &tensor) {
  Touched touched{&tensor, {}};
  for (int64_t i = 0; i < tensor.type.rank(); i++)
    touched.axes.push_back({tensor.type.dim(i), tensor.layout->strides[i]});
  return touched;
}

/// What units touch of tensors that loops go through together. Loop i is axis grid[i] of the units'
/// grid, or TouchedAxis::kAll.
std::vector<Touched> along(const std::vector<NestAxis> &loops, const std::vector<int64_t> &grid,
                           const std::vector<const Value *> &tensors) {
  std::vector<Touched> touched;
  for (size_t t = 0; t < tensors.size(); t++) {
    touched.push_back({tensors[t], {}});
    for (size_t i = 0; i < loops.size(); i++)
      touched[t].axes.push_back({loops[i].extent, loops[i].strides[t], grid[i]});
  }
  return touched;
}

using Tensors = std::vector<const Value *>;

Tensors results(const Op &op) {
  Tensors tensors;
  for (int64_t i = 0; i < numElementResults(op); i++)
    tensors.push_back(op.result(i));
  return tensors;
}

Tensors operandsFrom(const Op &op, int64_t first) {
  return {op.operands().begin() + first, op.operands().end()};
}

Tensors joined(Tensors tensors, const Tensors &others) {
  tensors.insert(tensors.end(), others.begin(), others.end());
  return tensors;
}

/// The first `numWrites` of the tensors are written, the others read.
KernelUnits split(Units grid, std::vector<Touched> touched, int64_t numWrites) {
  auto firstRead = touched.begin() + numWrites;
  return {std::move(grid), {firstRead, touched.end()}, {touched.begin(), firstRead}};
}

/// A grid with an axis for each loop, and those axes' numbers.
std::pair<Units, std::vector<int64_t>> gridOf(const std::vector<NestAxis> &loops) {
  std::pair<Units, std::vector<int64_t>> grid;
  for (const NestAxis &loop : loops)
    grid.second.push_back(static_cast<int64_t>(grid.first.add(loop.extent)));
  return grid;
}

/// As `gridOf`, but for loops that a unit goes through whole.
std::pair<Units, std::vector<int64_t>> gridOf(const std::vector<Dim> &extents,
                                              const NestPlan &plan) {
  std::pair<Units, std::vector<int64_t>> grid{
      {}, std::vector<int64_t>(extents.size(), TouchedAxis::kAll)};
  for (int64_t i = 0; i < plan.unitLoops; i++)
    grid.second[i] = static_cast<int64_t>(grid.first.add(extents[i]));
  if (plan.unitRun > 0 && !extents.empty())
    grid.second.back() = static_cast<int64_t>(grid.first.add(extents.back(), plan.unitRun));
  return grid;
}

KernelUnits ofElements(const Op &op, const NestPlan &plan) {
  std::vector<NestAxis> loops = elementNest(op).axes;
  std::vector<Dim> extents;
  for (const NestAxis &loop : loops)
    extents.push_back(loop.extent);
  auto [grid, axes] = gridOf(extents, plan);
  return split(grid, along(loops, axes, joined(results(op), operandsFrom(op, 0))),
               numElementResults(op));
}

/// The argument of the region that indexes each dim of each operand, where all reads of the operand
/// have the same one; else nullptr.
void collectReads(Block &block, std::map<std::pair<int64_t, int64_t>, const Value *> &indices) {
  for (const std::unique_ptr<Op> &op : block.ops()) {
    for (int64_t i = 0; i < op->numRegions(); i++)
      collectReads(op->region(i), indices);
    for (int64_t i = 0; op->kind() == OpKind::RegionAt && i < op->numOperands(); i++) {
      auto [known, isNew] = indices.try_emplace({op->attrs.getInt("operand"), i}, op->operand(i));
      if (!isNew && known->second != op->operand(i))
        known->second = nullptr;
    }
  }
}

KernelUnits ofGenerate(const Op &op) {
  const Value &y = *op.result();
  std::vector<int64_t> order = generateOrder(op), axisOf(order.size(), TouchedAxis::kAll);
  std::vector<Dim> extents;
  for (int64_t dim : order)
    extents.push_back(y.type.dim(dim));
  auto [grid, axes] = gridOf(extents, attrsOf<GenerateAttrs>(op).plan);
  for (size_t i = 0; i < order.size(); i++)
    axisOf[order[i]] = axes[i];
  std::map<std::pair<int64_t, int64_t>, const Value *> indices;
  collectReads(op.region(), indices);
  std::vector<Touched> touched = {whole(y)};
  for (int64_t i = 0; i < op.numOperands(); i++)
    touched.push_back(whole(*op.operand(i)));
  for (int64_t dim = 0; dim < y.type.rank(); dim++) {
    touched[0].axes[dim].axis = axisOf[dim];
    for (const auto &[place, index] : indices)
      if (index == op.region().arg(dim))
        touched[1 + place.first].axes[place.second].axis = axisOf[dim];
  }
  return split(grid, touched, 1);
}

KernelUnits ofReduce(const Op &op) {
  ReducePlan plan = attrsOf<ReduceAttrs>(op).plan;
  ReduceLoops loops = reduceLoops(op);
  Units grid;
  std::vector<int64_t> axes;
  bool isVector = plan.lanesHave == ReduceLanes::Results;
  for (size_t i = 0; i < loops.kept.size(); i++) {
    int64_t run = isVector && i + 1 == loops.kept.size() ? plan.lanes : 1;
    axes.push_back(static_cast<int64_t>(grid.add(loops.kept[i].extent, run)));
  }
  std::vector<Touched> touched = along(loops.kept, axes, joined(results(op), operandsFrom(op, 0)));
  for (const NestAxis &loop : loops.reduced)
    touched[1].axes.push_back({loop.extent, loop.strides[0]});
  return split(grid, touched, 1);
}

KernelUnits ofRow(const Op &op) {
  std::vector<NestAxis> loops = rowLoops(op);
  auto [grid, axes] = gridOf(loops);
  const Dims &shape = op.result()->type.shape();
  // Strides of these loops are the operand's first, then the result's.
  std::vector<Touched> touched =
      along(loops, axes, joined({op.operand(0), op.result()}, operandsFrom(op, 1)));
  for (Touched &tensor : touched)
    tensor.axes.push_back({shape.back(), broadcastStrides(*tensor.tensor, shape).back()});
  std::swap(touched[0], touched[1]);
  return split(grid, touched, 1);
}

/// Each line along an axis is a unit.
KernelUnits ofLines(const Op &op, int64_t axis) {
  Tensors tensors = joined({op.operand(0)}, results(op));
  std::vector<NestAxis> loops = lineLoops(axis, tensors);
  auto [grid, axes] = gridOf(loops);
  std::vector<Touched> touched = along(loops, axes, tensors);
  for (Touched &tensor : touched)
    if (tensor.tensor->type.rank() == op.operand(0)->type.rank())
      tensor.axes.push_back({tensor.tensor->type.dim(axis), tensor.tensor->layout->strides[axis]});
  std::rotate(touched.begin(), touched.begin() + 1, touched.end());
  return split(grid, touched, op.numResults());
}

/// A unit is what all windows of a row of results need.
KernelUnits ofPool(const Op &op) {
  PoolAttrs attrs = attrsOf<PoolAttrs>(op);
  const Value &x = *op.operand(0), &y = *op.result();
  Units grid;
  Touched in{&x, {}}, out = whole(y);
  std::vector<int64_t> axes = {static_cast<int64_t>(grid.add(y.type.dim(0))), TouchedAxis::kAll};
  for (int64_t dim = 2; dim < y.type.rank(); dim++)
    axes.push_back(dim + 1 == y.type.rank() ? TouchedAxis::kAll
                                            : static_cast<int64_t>(grid.add(y.type.dim(dim))));
  for (int64_t dim = 0; dim < y.type.rank(); dim++) {
    out.axes[dim].axis = axes[dim];
    Dim stride = x.layout->strides[dim];
    if (dim >= 2) {
      in.axes.push_back({Dim(attrs.kernel[dim - 2]), Dim(attrs.dilations[dim - 2]) * stride});
      in.offset = in.offset - attrs.padsBegin[dim - 2] * stride;
      stride = Dim(attrs.strides[dim - 2]) * stride;
    }
    in.axes.push_back({y.type.dim(dim), stride, axes[dim]});
  }
  KernelUnits units{grid, {in}, {out}};
  for (int64_t e = 1; e < op.numOperands(); e++) {
    const Value &operand = *op.operand(e);
    std::vector<Dim> strides = broadcastStrides(operand, y.type.shape());
    units.reads.push_back({&operand, {}});
    for (int64_t dim = 0; dim < y.type.rank(); dim++)
      units.reads.back().axes.push_back({y.type.dim(dim), strides[dim], axes[dim]});
  }
  return units;
}

/// A line of an image and the halo around it, or all. What is written is no element of a value.
KernelUnits ofFillHalo(const Op &op) {
  FillHaloAttrs attrs = attrsOf<FillHaloAttrs>(op);
  const Type &x = op.operand(0)->type;
  KernelUnits units;
  std::optional<size_t> lines = attrs.lines();
  if (!lines)
    return units;
  if (*lines > 0)
    units.grid.add(x.dim(0));
  units.grid.add(Dim(attrs.lo[*lines]) + x.shape()[*lines] + attrs.hi[*lines]);
  return units;
}

/// Lines along an axis, some that are next to each other at once.
KernelUnits ofScatteredLines(const Op &op) {
  ScatterAttrs attrs = attrsOf<ScatterAttrs>(op);
  const Type &indices = op.operand(1)->type;
  int64_t rank = indices.rank(), inner = attrs.axis == rank - 1 ? rank - 2 : rank - 1;
  Units grid;
  std::vector<int64_t> axes(rank, TouchedAxis::kAll);
  for (int64_t i = 0; i < rank; i++)
    if (i != attrs.axis && i != inner)
      axes[i] = static_cast<int64_t>(grid.add(indices.dim(i)));
  axes[inner] = static_cast<int64_t>(grid.add(indices.dim(inner), attrs.unitLines));
  std::vector<Touched> touched;
  for (const Value *tensor : joined(results(op), operandsFrom(op, 0))) {
    touched.push_back(whole(*tensor));
    for (int64_t i = 0; i < rank; i++)
      touched.back().axes[i].axis = axes[i];
  }
  return split(grid, touched, 1);
}

/// A unit is what one index can name; it reads all of them.
KernelUnits ofScatteredTuples(const Op &op) {
  const Type &indices = op.operand(1)->type;
  Units grid;
  Touched y = whole(*op.result());
  for (int64_t i = 0; i < indices.dim(indices.rank() - 1).value(); i++)
    y.axes[i].axis = static_cast<int64_t>(grid.add(op.result()->type.dim(i)));
  Touched x = y;
  x.tensor = op.operand(0);
  return {grid, {x, whole(*op.operand(1)), whole(*op.operand(2))}, {y}};
}

KernelUnits ofScatter(const Op &op) {
  switch (attrsOf<ScatterAttrs>(op).form) {
  case ScatterForm::Lines:
    return ofScatteredLines(op);
  case ScatterForm::Tuples:
    return ofScatteredTuples(op);
  }
  ICE("a form without units");
}

/// Of the results that the region yields.
KernelUnits unitsOfElements(const Op &op) {
  switch (op.kind()) {
  case OpKind::KernelPointwise:
    return ofElements(op, attrsOf<PointwiseAttrs>(op).plan);
  case OpKind::KernelCopy:
    return ofElements(op, attrsOf<CopyAttrs>(op).plan);
  case OpKind::KernelGenerate:
    return ofGenerate(op);
  case OpKind::KernelReduce:
    return ofReduce(op);
  case OpKind::KernelRow:
    return ofRow(op);
  case OpKind::KernelArgReduce:
    return ofLines(op, attrsOf<ArgReduceAttrs>(op).axis);
  case OpKind::KernelTopK:
    return ofLines(op, attrsOf<TopKAttrs>(op).axis);
  case OpKind::KernelScan:
    return ofLines(op, attrsOf<ScanAttrs>(op).axis);
  case OpKind::KernelScatter:
    return ofScatter(op);
  case OpKind::KernelPool:
    return ofPool(op);
  case OpKind::KernelPack:
    return packUnits(op);
  case OpKind::KernelConv:
  case OpKind::KernelGemm:
    return contractionUnits(op);
  case OpKind::KernelAttention:
    return attentionUnits(op);
  case OpKind::KernelFillHalo:
    return ofFillHalo(op);
  default:
    ICE(fmt::format("the units of '{}' are not known", spec(op.kind()).name));
  }
}

} // namespace

KernelUnits unitsOf(const Op &op) {
  KernelUnits units = unitsOfElements(op);
  if (notesRange(op))
    for (int64_t i : {kHigh, kLow})
      units.writes.push_back(
          {op.result(i), {{units.grid.count(), Dim(1), TouchedAxis::kUnit}}, Dim(0)});
  return units;
}

} // namespace cameo
