// See Contraction.h.
#include "lowering/plan/Contraction.h"

#include "ir/TileRegisters.h"
#include "lowering/build/Views.h"
#include "lowering/plan/Packing.h"

#include <algorithm>

namespace cameo {

Dim Contraction::tapCount() const {
  Dim count(1);
  for (const TapLoop &tap : taps)
    count = count * Dim(tap.extent);
  return count;
}

Dim Contraction::rowCount() const {
  Dim count(1);
  for (const NestAxis &axis : rows)
    count = count * axis.extent;
  return count;
}

UnitAxis Contraction::tiledAxis() const {
  return cameo::tiledAxis(rows.back().extent, plan.tileRows, plan.unitTiles);
}

bool isContraction(const Op &op) {
  return op.kind() == OpKind::KernelConv || op.kind() == OpKind::KernelGemm;
}

ContractionPlan contractionPlanOf(const Op &op) {
  return op.kind() == OpKind::KernelConv ? attrsOf<ConvAttrs>(op).plan
                                         : attrsOf<GemmAttrs>(op).plan;
}

Dim firstTap(const Op &conv) {
  Dims pads = attrsOf<ConvAttrs>(conv).padsBegin;
  Dim offset(0);
  for (size_t i = 0; i < pads.size(); i++)
    offset = offset - pads[i] * conv.operand(0)->layout->strides[i + 2];
  return offset;
}

PackLoops packLoops(const Op &pack) {
  const Value &w = *pack.operand(0);
  const Dims &shape = w.type.shape(), &strides = w.layout->strides;
  PackAttrs attrs = attrsOf<PackAttrs>(pack);
  PackLoops loops;
  size_t rank = shape.size();
  if (attrs.form == PackForm::Gemm) {
    for (size_t i = 0; i + 2 < rank; i++)
      loops.batches.push_back({shape[i], {strides[i]}});
    loops.depths.push_back({shape[rank - 2], {strides[rank - 2]}});
    loops.columns = {shape[rank - 1], {strides[rank - 1]}};
    return loops;
  }
  Dim group(attrs.group);
  loops.columns = {*Dim::exactDiv(shape[0], group), {strides[0]}};
  loops.batches.push_back({group, {loops.columns.extent * strides[0]}});
  for (size_t i = 2; i < rank; i++)
    loops.depths.push_back({shape[i], {strides[i]}});
  loops.depths.push_back({shape[1], {strides[1]}});
  return loops;
}

std::vector<NestAxis> outputAxes(const Op &conv) {
  const Value &x = *conv.operand(0), &y = *conv.result();
  std::vector<int64_t> strides = attrsOf<ConvAttrs>(conv).strides;
  std::vector<NestAxis> axes;
  for (int64_t dim = 0; dim < y.type.rank(); dim++) {
    if (dim == 1)
      continue;
    Dim step = dim == 0 ? Dim(1) : Dim(strides[dim - 2]);
    NestAxis axis{y.type.dim(dim), {x.layout->strides[dim] * step, Dim(0), y.layout->strides[dim]}};
    for (int64_t e = 2; e < conv.numOperands(); e++)
      axis.strides.push_back(broadcastStrides(*conv.operand(e), y.type.shape())[dim]);
    axes.push_back(std::move(axis));
  }
  return axes;
}

size_t loopedTaps(const ConvAttrs &conv) {
  constexpr int64_t most = 64;
  size_t dims = conv.kernel.size();
  if (dims < 2 || conv.kernel[dims - 1] > most / conv.kernel[dims - 2])
    return conv.kernel[dims - 1] > most ? dims : dims - 1;
  return dims - 2;
}

namespace {

// A constant axis from which on tiles along it are preferred to tiles along a symbol.
constexpr int64_t kLongAxis = 8;
// From this many rows on a constant factor is tiled alone: its tiles are then nearly full.
constexpr int64_t kManyRows = 32;

/// Steps over so many elements of x at each tap.
void setDepth(Contraction &c, const Value &x, const Dim &elements, int64_t interleave) {
  c.interleave = c.advance = interleave;
  c.depth = Dim::ceilDiv(elements, Dim(interleave));
  if (isFloat(x.type.dtype()) && interleave > 1)
    c.rest = elements.value() % interleave;
}

/// The loops over the window. Taps that are next to each other in memory are one longer depth: a
/// tap is whole steps, or one step that overlaps the next tap, whose elements meet weights of zero.
void addTaps(Contraction &c, const ConvAttrs &attrs, const Value &x, const Dim &channels) {
  for (size_t i = 0; i < attrs.kernel.size(); i++) {
    Dim stride = Dim(attrs.dilations[i]) * x.layout->strides[i + 2];
    bool adjacent = i + 1 == attrs.kernel.size() && stride == channels && channels.isConst();
    bool wholeSteps = adjacent && channels.value() % c.interleave == 0;
    bool overlap = adjacent && c.rest == 0 && channels.value() < c.interleave;
    if (wholeSteps || overlap) {
      c.depth = c.depth * Dim(attrs.kernel[i]);
      if (!wholeSteps)
        c.advance = channels.value();
    } else if (attrs.kernel[i] > 1) {
      c.taps.push_back({attrs.kernel[i], stride});
    }
  }
}

Contraction ofConv(const Op &op) {
  ConvAttrs attrs = attrsOf<ConvAttrs>(op);
  ICE_UNLESS(attrs.inputs.weights == WeightForm::Packed, "weights that are not packed");
  const Value &x = *op.operand(0), &y = *op.result(), &w = *op.operand(1);
  const Dims &packed = w.type.shape(); // group, panels, taps * channels, 16
  Dim outputs = Dim(*Dim::exactDiv(y.type.dim(1), Dim(attrs.group)));
  Dim channels = *Dim::exactDiv(x.type.dim(1), Dim(attrs.group));
  Contraction c;
  c.plan = attrs.plan;
  c.columns = outputs;
  c.pieces = attrs.pieces;
  setDepth(c, x, channels, attrs.interleave);
  NestAxis groups{Dim(attrs.group),
                  {channels * x.layout->strides[1], packed[1] * packed[2] * packed[3],
                   outputs * y.layout->strides[1]}};
  for (int64_t e = 2; e < op.numOperands(); e++) {
    Dim along = broadcastStrides(*op.operand(e), y.type.shape())[1];
    groups.strides.push_back(outputs * along);
    c.columnOperands.push_back(!(along == Dim(0)));
  }
  c.rows = outputAxes(op);
  c.rows.insert(c.rows.begin() + (c.plan.images > 0), groups);
  addTaps(c, attrs, x, channels);
  return c;
}

Contraction ofGemm(const Op &op) {
  GemmAttrs attrs = attrsOf<GemmAttrs>(op);
  ICE_UNLESS(attrs.inputs.weights == WeightForm::Packed, "weights that are not packed");
  const Value &a = *op.operand(0), &packed = *op.operand(1), &y = *op.result();
  const Dims &shape = y.type.shape();
  int64_t rank = y.type.rank();
  Contraction c;
  c.plan = attrs.plan;
  c.columns = y.type.dim(rank - 1);
  c.pieces = attrs.pieces;
  setDepth(c, a, a.type.dim(a.type.rank() - 1), attrs.interleave);
  std::vector<std::vector<Dim>> operands = operandStrides(op, 2);
  for (const std::vector<Dim> &strides : operands)
    c.columnOperands.push_back(!(strides.back() == Dim(0)));
  // Batches broadcast as MatMul's do; a's are those before its last two dims, the weights' those
  // before panels, depth and 16.
  int64_t weightBatches = packed.type.rank() - 3;
  for (int64_t dim = 0; dim < rank - 1; dim++) {
    int64_t inA = dim - (rank - a.type.rank()), inWeights = dim - (rank - 2 - weightBatches);
    NestAxis axis{
        shape[dim],
        {inA < 0 ? Dim(0) : broadcastStride(a, inA, shape[dim]),
         inWeights < 0 || dim == rank - 2 ? Dim(0) : broadcastStride(packed, inWeights, shape[dim]),
         y.layout->strides[dim]}};
    for (const std::vector<Dim> &operand : operands)
      axis.strides.push_back(operand[dim]);
    c.rows.push_back(std::move(axis));
  }
  return c;
}

/// Moves a constant axis last, to be tiled, where the last one is a symbol: that is mostly a batch
/// of a few.
void tileConstantAxis(std::vector<NestAxis> &rows) {
  if (rows.back().extent.isConst())
    return;
  auto longest = rows.end();
  for (auto axis = rows.begin(); axis != rows.end(); axis++) {
    bool tileable = axis->extent.isConst() && axis->strides[Contraction::Weights] == Dim(0);
    if (tileable && axis->extent.value() >= kLongAxis &&
        (longest == rows.end() || longest->extent.value() < axis->extent.value()))
      longest = axis;
  }
  if (longest != rows.end())
    std::iter_swap(longest, rows.end() - 1);
}

/// Splits the last axis, 197*batch, into its constant factor and the rest if the factor is long
/// enough to fill its tiles: tiles of an extent that is known are of even heights, where those of
/// one that is not end in a rest of a few rows.
void splitConstantFactor(std::vector<NestAxis> &rows) {
  NestAxis &last = rows.back();
  if (last.extent.isConst() || !last.extent.expr() || last.extent.expr()->terms.size() != 1)
    return;
  Dim factor(last.extent.expr()->terms[0].coefficient);
  std::optional<Dim> rest = Dim::exactDiv(last.extent, factor);
  if (!rest || factor.value() < kManyRows)
    return;
  NestAxis inner{factor, last.strides};
  last.extent = *rest;
  for (Dim &stride : last.strides)
    stride = stride * factor;
  rows.push_back(std::move(inner));
}

} // namespace

Contraction contractionOf(const Op &op) {
  Contraction c = op.kind() == OpKind::KernelConv ? ofConv(op) : ofGemm(op);
  mergeContiguous(c.rows, c.plan.images > 0);
  tileConstantAxis(c.rows);
  splitConstantFactor(c.rows);
  // A tile's rows share their weights: an axis that changes them (a batch, a group) is never tiled.
  if (!(c.rows.back().strides[Contraction::Weights] == Dim(0)))
    c.rows.push_back({Dim(1), std::vector<Dim>(c.rows.back().strides.size(), Dim(0))});
  return c;
}

int64_t stepsForTileRegisters(const Op &op, const Contraction &c) {
  int64_t bytes = c.interleave * dtypeBytes(op.operand(1)->type.dtype());
  bool areWhole = c.interleave > 1 && c.advance == c.interleave && c.rest == 0;
  return areWhole && bytes == kTileStepBytes && c.depth.isConst() ? c.depth.value() : 0;
}

bool mayJoinSteps(const Op &op) {
  Op *pack = op.operand(1)->definingOp();
  if (!pack || pack->kind() != OpKind::KernelPack || op.attrs.getInt("interleave") != 2 ||
      op.operand(0)->type.dtype() != DType::I8 || op.operand(1)->type.dtype() != DType::I8)
    return false;
  Op *constant = constantBehind(pack->operand(0));
  if (!constant)
    return false;
  std::byte least{attrsOf<PackAttrs>(*pack).flipSign ? uint8_t{0} : uint8_t{0x80}};
  const auto &bytes = constant->attrs.getConst("value")->bytes;
  return std::find(bytes.begin(), bytes.end(), least) == bytes.end();
}

bool Contraction::sharesPanels(size_t row) const {
  return rows[row].extent.isConst() && rows[row].strides[Contraction::Weights] == Dim(0);
}

bool Contraction::hasLines() const {
  size_t line = rows.size() - 2;
  return rows.size() > (plan.images > 0 ? 2 : 1) && sharesPanels(line) &&
         rows[line].extent.value() > 1;
}

int64_t fetchAhead(const Op &op, const ContractionPlan &plan) {
  Contraction c = contractionOf(op);
  c.plan = plan;
  int64_t width = plan.tilePanels * kPanel, step = width * c.interleave * c.pieces;
  if (c.columns.isConst() && c.columns.value() <= width)
    return 0;
  EvenTiles tiles = evenTiles(c.rows.back().extent, plan.tileRows);
  int64_t sharers = plan.unitTiles;
  if (plan.outer == LoopOrder::Panels && tiles.count > 0) {
    sharers = tiles.count;
    for (size_t row = 0; row + 1 < c.rows.size() && sharers < step; row++)
      if (c.sharesPanels(row))
        sharers *=
            std::clamp<int64_t>(ceilDiv(c.rows[row].extent.value(), c.linesOf(row)), 1, step);
  }
  int64_t elements = ceilDiv(step, sharers);
  int64_t bytes = elements * plan.inputLanes * dtypeBytes(op.operand(1)->type.dtype());
  return bytes <= kCacheLineBytes ? elements : 0;
}

} // namespace cameo
