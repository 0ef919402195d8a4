// See ContractionUnits.h.
#include "lowering/plan/ContractionUnits.h"

#include "ir/kernel/Contraction.h"
#include "lowering/plan/Contraction.h"
#include "lowering/plan/Winograd.h"

#include <algorithm>

namespace cameo {
namespace {

/// Contraction::Tensor, one entry each.
std::vector<Touched> tensorsOf(const Op &op) {
  std::vector<Touched> touched = {{op.operand(0), {}}, {op.operand(1), {}}, {op.result(), {}}};
  for (int64_t e = 2; e < op.numOperands(); e++)
    touched.push_back({op.operand(e), {}});
  return touched;
}

KernelUnits asUnits(Units grid, std::vector<Touched> touched) {
  std::vector<Touched> writes = {touched[Contraction::Result]};
  touched.erase(touched.begin() + Contraction::Result);
  return {std::move(grid), std::move(touched), std::move(writes)};
}

void addRows(std::vector<Touched> &touched, const NestAxis &rows, int64_t axis) {
  for (size_t t = 0; t < touched.size(); t++)
    touched[t].axes.push_back({rows.extent, rows.strides[t], axis});
}

/// A unit is a run of register tiles of rows times a group of panels.
KernelUnits ofTiles(const Op &op) {
  Contraction c = contractionOf(op);
  const ContractionPlan &plan = c.plan;
  Units grid;
  std::vector<Touched> touched = tensorsOf(op);
  auto addGroups = [&] {
    auto axis = static_cast<int64_t>(grid.add(c.columns, plan.tilePanels * kPanel));
    touched[Contraction::Weights].axes.push_back(
        {Dim::ceilDiv(c.columns, Dim(kPanel)), c.panelElements(), axis, 1, kPanel});
    touched[Contraction::Result].axes.push_back({c.columns, Dim(1), axis});
    for (size_t e = 0; e < c.columnOperands.size(); e++)
      touched[Contraction::FirstOperand + e].axes.push_back(
          {c.columns, Dim(c.columnOperands[e]), axis});
  };
  if (plan.outer == LoopOrder::Panels)
    addGroups();
  for (size_t i = 0; i + 1 < c.rows.size(); i++)
    addRows(touched, c.rows[i], static_cast<int64_t>(grid.add(c.rows[i].extent, c.linesOf(i))));
  addRows(touched, c.rows.back(), static_cast<int64_t>(grid.add(c.tiledAxis())));
  if (plan.outer == LoopOrder::Rows)
    addGroups();
  touched[Contraction::Weights].axes.push_back({c.panelElements(), Dim(1)});
  for (const TapLoop &tap : c.taps)
    touched[Contraction::Input].axes.push_back({Dim(tap.extent), tap.stride});
  touched[Contraction::Input].axes.push_back({c.stepsEnd(), Dim(1)});
  if (op.kind() == OpKind::KernelConv)
    touched[Contraction::Input].offset = firstTap(op);
  return asUnits(grid, touched);
}

/// The channels of all tensors.
void addChannels(const Op &op, std::vector<Touched> &touched, const Dim &channels,
                 int64_t axis = TouchedAxis::kAll) {
  touched[Contraction::Input].axes.push_back({op.operand(0)->type.dim(1), Dim(1), axis});
  touched[Contraction::Result].axes.push_back({channels, Dim(1), axis});
  for (int64_t e = 2; e < op.numOperands(); e++) {
    const Dims &shape = op.result()->type.shape();
    touched[Contraction::FirstOperand + e - 2].axes.push_back(
        {channels, broadcastStrides(*op.operand(e), shape)[1], axis});
  }
}

/// A unit is a band of lines, a vector of channels. Bands are outside, so that the same threads
/// have the same lines from layer to layer.
KernelUnits ofDepthwise(const Op &op) {
  ConvAttrs attrs = attrsOf<ConvAttrs>(op);
  const Value &x = *op.operand(0), &w = *op.operand(1);
  std::vector<NestAxis> rows = outputAxes(op);
  Units grid;
  std::vector<Touched> touched = tensorsOf(op);
  for (size_t i = 0; i + 1 < rows.size(); i++) {
    bool isLine = i > 0 && i + 2 == rows.size();
    UnitAxis lines = tiledAxis(rows[i].extent, 1, attrs.plan.tileLines * attrs.plan.unitTiles);
    int64_t axis = static_cast<int64_t>(isLine ? grid.add(lines) : grid.add(rows[i].extent));
    addRows(touched, rows[i], axis);
  }
  addRows(touched, rows.back(), TouchedAxis::kAll);
  Dim channels = op.result()->type.dim(1);
  auto axis = static_cast<int64_t>(grid.add(channels, attrs.plan.lanes * attrs.plan.unitVectors));
  addChannels(op, touched, channels, axis);
  for (size_t i = 0; i < attrs.kernel.size(); i++)
    touched[Contraction::Input].axes.push_back(
        {Dim(attrs.kernel[i]), Dim(attrs.dilations[i]) * x.layout->strides[i + 2]});
  touched[Contraction::Input].offset = firstTap(op);
  touched[Contraction::Weights].axes.push_back({w.type.dim(0), w.layout->strides[0]});
  touched[Contraction::Weights].axes.push_back({w.type.dim(1), w.layout->strides[1], axis});
  return asUnits(grid, touched);
}

/// A unit is a block of register tiles, whose rows are tiles of an image, times a group of panels.
KernelUnits ofWinograd(const Op &op) {
  WinogradPlan plan = winogradPlanOf(op);
  const Value &x = *op.operand(0), &y = *op.result();
  Units grid;
  std::vector<Touched> touched = tensorsOf(op);
  addRows(touched, outputAxes(op)[0], static_cast<int64_t>(grid.add(y.type.dim(0))));
  auto tiles = static_cast<int64_t>(grid.add(plan.tiledAxis()));
  int64_t numPanels = ceilDiv(plan.sizes.outputs, kPanel);
  auto panels = static_cast<int64_t>(grid.add(Dim(numPanels), plan.panels));
  // Of the rows of tiles, then of the tiles of a row.
  for (int64_t dim : {2, 3}) {
    int64_t divisor = dim == 2 ? plan.across : 1, modulus = dim == 2 ? plan.down : plan.across;
    auto steps = [&](const Dim &extent, const Dim &stride) {
      return TouchedAxis{extent, stride, tiles, plan.tile, divisor, modulus};
    };
    touched[Contraction::Input].axes.push_back(
        steps(Dim(modulus * plan.tile), x.layout->strides[dim]));
    touched[Contraction::Input].axes.push_back({Dim(3), x.layout->strides[dim]});
    for (size_t t = Contraction::Result; t < touched.size(); t++)
      touched[t].axes.push_back(steps(y.type.dim(dim), outputAxes(op)[dim - 1].strides[t]));
  }
  touched[Contraction::Input].offset = firstTap(op);
  addChannels(op, touched, y.type.dim(1));
  for (size_t t = Contraction::Result; t < touched.size(); t++)
    touched[t].axes.back() = {y.type.dim(1), touched[t].axes.back().stride, panels, kPanel};
  int64_t panelElements = plan.points * plan.sizes.channels * kPanel;
  touched[Contraction::Weights].axes.push_back({Dim(numPanels), Dim(panelElements), panels});
  touched[Contraction::Weights].axes.push_back({Dim(panelElements), Dim(1)});
  return asUnits(grid, touched);
}

} // namespace

KernelUnits contractionUnits(const Op &op) {
  if (op.kind() == OpKind::KernelGemm)
    return ofTiles(op);
  switch (attrsOf<ConvAttrs>(op).algorithm) {
  case ConvAlgorithm::Direct:
    return ofTiles(op);
  case ConvAlgorithm::Depthwise:
    return ofDepthwise(op);
  case ConvAlgorithm::Winograd4:
  case ConvAlgorithm::Winograd2:
    return ofWinograd(op);
  }
  ICE("an algorithm without units");
}

/// A unit is a panel.
KernelUnits packUnits(const Op &op) {
  PackLoops loops = packLoops(op);
  const Value &packed = *op.result();
  Units grid;
  Touched from{op.operand(0), {}}, to{&packed, {}};
  for (size_t i = 0; i < loops.batches.size(); i++) {
    auto axis = static_cast<int64_t>(grid.add(loops.batches[i].extent));
    from.axes.push_back({loops.batches[i].extent, loops.batches[i].strides[0], axis});
    to.axes.push_back({loops.batches[i].extent, packed.layout->strides[i], axis});
  }
  auto axis = static_cast<int64_t>(grid.add(loops.columns.extent, kPanel));
  from.axes.push_back({loops.columns.extent, loops.columns.strides[0], axis});
  for (const NestAxis &depth : loops.depths)
    from.axes.push_back({depth.extent, depth.strides[0]});
  for (auto dim = std::ssize(loops.batches); dim < packed.type.rank(); dim++)
    to.axes.push_back({packed.type.dim(dim), packed.layout->strides[dim]});
  to.axes[loops.batches.size()].axis = axis;
  to.axes[loops.batches.size()].divisor = kPanel;
  return {grid, {from}, {to}};
}

} // namespace cameo
