// Gives every tensor a buffer and strides. Runs after fusion, when the kernels are known; from here
// on a view costs nothing and everything else is a kernel.
//
// Convolutions and pools want channels innermost and write them so; kernels that take any strides
// follow their largest operand; the rest is row-major. A value read by a padded convolution gets a
// halo, filled once a run, so that kernels have no edge code. Where strides cannot express what a
// kernel needs (or a view means), a `copy` is inserted.
//
// Concatenation is a placement: operands are written straight into slices of the result's buffer. A
// value lives in one concat, the last one that takes it; in DenseNet's chains every shorter concat
// is then a prefix of the longest and costs nothing. Elsewhere operands are copied (Concats.cpp).
// What enters and leaves branches and loops is row-major (Boundaries.cpp).
#include "lowering/layout/LayoutState.h"

#include "ir/kernel/Attention.h"
#include "ir/kernel/Contraction.h"
#include "ir/kernel/Elements.h"
#include "ir/kernel/KernelSpec.h"
#include "ir/kernel/ViewOps.h"
#include "lowering/Passes.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/Shapes.h"
#include "lowering/plan/Packing.h"
#include "lowering/plan/VerifyPlans.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>

namespace cameo {

Order rowMajor(int64_t rank) {
  Order order(rank);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

/// Row-major but for one dim, whose elements are next to each other.
static Order innermost(int64_t rank, int64_t dim) {
  Order order = rowMajor(rank);
  std::rotate(order.begin() + dim, order.begin() + dim + 1, order.end());
  return order;
}

Order channelsLast(int64_t rank) { return rank < 3 ? rowMajor(rank) : innermost(rank, 1); }

/// Extra elements after each row of channels (or columns) whose size in bytes is a multiple of 2
/// KiB: without them rows fall into the same L1 sets and a GEMM over them runs at 70-75 % of peak
/// (measured on Zen 4).
static constexpr int64_t kLeadingDimPadding = 16;
bool wantsPadding(const Type &type, const Dim &extent) {
  if (!extent.isConst() || type.rank() < 2)
    return false;
  Dim rows = Dim(1);
  for (const Dim &dim : type.shape())
    rows = rows * dim;
  int64_t bytes = extent.value() * dtypeBytes(type.dtype());
  return bytes > 0 && bytes % 2048 == 0 && !(rows == extent);
}

/// Whether only the caller reads the value: it is dense there.
static bool isReturnedOnly(const Value &value) {
  return std::all_of(value.users().begin(), value.users().end(),
                     [](const Op *user) { return user->kind() == OpKind::LoopReturn; });
}

bool isKernel(Op *op) {
  return op && !isKernelView(op->kind()) && op->kind() != OpKind::Constant &&
         op->kind() != OpKind::Loop;
}

Storage storageOf(const Op &op) {
  const KernelSpec *row = kernelSpec(op.kind());
  return row ? row->storage : Storage::Follow;
}

namespace {

/// The axis along which the kernel's elements must be next to each other, or -1: columns of a
/// contraction, channels of a pool, the row of a row operator.
int64_t vectorAxis(Op &op) {
  switch (storageOf(op)) {
  case Storage::ChannelsLast:
    return 1;
  case Storage::Rows:
    return op.result()->type.rank() - 1;
  default:
    return -1;
  }
}

} // namespace

LayoutState::LayoutState(Module &module)
    : module(module), func(module.main()), b(module), bound(boundSymbols(func)) {}

bool LayoutState::isSizedByRun(const Dim &size) const {
  return !missingSymbols(size, bound).empty();
}

bool LayoutState::isSizedByRun(const Dims &shape) const {
  return std::any_of(shape.begin(), shape.end(), [&](const Dim &dim) { return isSizedByRun(dim); });
}

void LayoutState::run() {
  collectHalos();
  planConcats();
  for (int64_t i = 0; i < func.body.numArgs(); i++) {
    Value *arg = func.body.arg(i);
    Buffer buffer{Buffer::Space::Input,       arg->name, arg->type.dtype(),
                  product(arg->type.shape()), i,         Dim(0)};
    arg->layout = Layout{newBuffer(buffer), Dim(0), rowMajorStrides(arg->type.shape())};
    orders[arg] = rowMajor(arg->type.rank());
  }
  visitBlock(func.body);
}

void LayoutState::visitBlock(Block &block) {
  // Copies that are inserted on the way have their layouts already.
  std::vector<Op *> ops;
  for (const std::unique_ptr<Op> &op : block.ops())
    ops.push_back(op.get());
  for (Op *op : ops)
    visit(*op);
}

void LayoutState::collectHalos() {
  for (Op *op : opsOf(func)) {
    if (op->kind() != OpKind::KernelConv)
      continue;
    Halo halo = haloOf(*op);
    if (halo.empty())
      continue;
    auto [entry, isNew] = needed.try_emplace(op->operand(0), halo);
    if (!isNew)
      entry->second.enlarge(halo);
  }
}

int64_t LayoutState::newBuffer(Buffer buffer) {
  func.buffers.push_back(std::move(buffer));
  return static_cast<int64_t>(func.buffers.size()) - 1;
}

/// Gives a value its layout: a slice of its concat's buffer, or a buffer of its own where there is
/// no concat, or its order is another than the kernel writes.
void LayoutState::place(Value *value, const Order &order) {
  // The wholes that have no place yet come first, the outermost first. Chains of them are too long
  // to recurse.
  std::vector<Value *> unplaced = {value};
  for (auto part = placements.find(value); part != placements.end();
       part = placements.find(unplaced.back())) {
    Op &concat = *part->second.first;
    if (concat.result()->layout)
      break;
    needHaloOfParts(concat);
    unplaced.push_back(concat.result());
  }
  for (; !unplaced.empty(); unplaced.pop_back())
    placePart(unplaced.back(), order);
}

/// The halo of the whole serves every part.
void LayoutState::needHaloOfParts(Op &concat) {
  Halo halo = noHalo(concat.result()->type.rank());
  for (Value *part : concat.operands())
    if (needed.count(part))
      halo.enlarge(needed[part]);
  if (halo.empty())
    return;
  halo.lo[attrsOf<ConcatAttrs>(concat).axis] = 0;
  auto [entry, isNew] = needed.try_emplace(concat.result(), halo);
  if (!isNew)
    entry->second.enlarge(halo);
}

/// The same for a value whose whole, if there is one, has its place.
void LayoutState::placePart(Value *value, const Order &order) {
  auto placement = placements.find(value);
  if (placement == placements.end())
    return allocate(value, order);
  auto [concat, start] = placement->second;
  Value *whole = concat->result();
  int64_t vectors = vectorAxis(*value->definingOp());
  if (vectors >= 0 && !isUnitStride(*whole, vectors)) {
    placements.erase(placement); // the kernel cannot write there; the concat will copy
    return allocate(value, order);
  }
  int64_t axis = attrsOf<ConcatAttrs>(*concat).axis;
  value->layout =
      Layout{whole->layout->buffer, whole->layout->offset + start * whole->layout->strides[axis],
             whole->layout->strides};
  orders[value] = orders[whole];
  // Along the axis itself a part's border is its neighbour, so only the other dims' halo is there.
  Halo halo = present.count(whole) ? present[whole] : noHalo(value->type.rank());
  halo.lo[axis] = 0;
  halo.hi[axis] = Dim(0);
  present[value] = halo;
}

void LayoutState::allocate(Value *value, const Order &order) {
  if (isBoxed(value->type)) {
    Buffer buffer{Buffer::Space::Box, value->name, DType::U8, Dim(1), -1, Dim(0)};
    value->layout = Layout{newBuffer(buffer), Dim(0), rowMajorStrides(value->type.shape())};
    orders[value] = order;
    return;
  }
  const Dims &shape = value->type.shape();
  Halo halo = needed.count(value) ? needed[value] : noHalo(value->type.rank());
  Layout layout;
  layout.strides = Dims(shape.size(), Dim(1));
  Dim step(1);
  for (size_t k = order.size(); k-- > 0;) {
    int64_t dim = order[k];
    layout.strides[dim] = step;
    layout.offset = layout.offset + Dim(halo.lo[dim]) * step;
    Dim extent = shape[dim] + Dim(halo.lo[dim]) + halo.hi[dim];
    step = step * extent;
    if (k + 1 == order.size() && wantsPadding(value->type, extent) && !isReturnedOnly(*value))
      step = step + Dim(kLeadingDimPadding);
  }
  layout.buffer =
      newBuffer({Buffer::Space::Arena, value->name, value->type.dtype(), step, -1, Dim(0)});
  value->layout = layout;
  orders[value] = order;
  present[value] = halo;
}

/// A copy of `value` in another order, with a halo if one is asked for, made before `before`.
Value *LayoutState::copyOf(Value *value, const Order &order, const Halo *halo, Op *before) {
  b.before(before);
  b.loc = before->loc;
  Op *copy = b.create(OpKind::KernelCopy, {value}, {value->type});
  copy->result()->name = value->name;
  if (halo)
    needed[copy->result()] = *halo;
  place(copy->result(), order);
  fillHalo(copy->result(), copy);
  return copy->result();
}

/// Fills what there is of the halo that readers need. That may be less, and still all that some
/// reader needs: a part of a concat has no border along its axis.
void LayoutState::fillHalo(Value *value, Op *after) {
  if (!needed.count(value) || !present.count(value))
    return;
  Halo halo = needed[value].within(present[value]);
  // A fill that the run computes may come later than the value: its reader asks for it.
  if (halo.empty() || halo.fillFrom || !filled.insert(value).second)
    return;
  b.after(after);
  b.loc = after->loc;
  writeFill(value, halo);
}

void LayoutState::writeFill(Value *value, const Halo &halo) {
  std::vector<Value *> operands = {value};
  if (halo.fillFrom)
    operands.push_back(halo.fillFrom);
  b.create(OpKind::KernelFillHalo, std::move(operands), {},
           dictOf(FillHaloAttrs{halo.lo, halo.hi, halo.fill}));
}

/// Copies epilogue operands that vary along the vector axis without being contiguous there. Where
/// only the run knows whether they vary or broadcast, the copy has the result's size.
void LayoutState::requireEpilogue(Op &op, int64_t firstOperand) {
  for (int64_t e = firstOperand; e < op.numOperands(); e++)
    requireAlong(op, e, op.result()->type.shape(), vectorAxis(op));
}

/// The same of one operand, which broadcasts to `shape`, and one axis of that.
void LayoutState::requireAlong(Op &op, int64_t e, const Dims &shape, int64_t axis) {
  Value *operand = op.operand(e);
  const Dim &extent = shape[static_cast<size_t>(axis)];
  int64_t own = axis - (std::ssize(shape) - operand->type.rank());
  if (own < 0)
    return;
  const Dim &size = operand->type.dim(own);
  bool varies = size == extent || size == Dim(1);
  if (varies && isUnitStride(*operand, own))
    return;
  if (!varies) {
    Dims wide = operand->type.shape();
    wide[static_cast<size_t>(own)] = extent;
    b.before(&op);
    Op *view = b.create(OpKind::KernelBroadcast, {operand}, {operand->type.withShape(wide)});
    visitView(*view);
    operand = view->result();
  }
  op.setOperand(e, copyOf(operand, innermost(operand->type.rank(), own), nullptr, &op));
}

/// Whether a contraction that takes several elements a step may read past its operand's last one,
/// where callers' memory ends. In the arena something follows, and such elements meet weights of
/// zero.
bool LayoutState::readsPastEnd(Op &op) {
  Value *x = op.operand(0);
  int64_t interleave = 1;
  Dim depth;
  if (op.kind() == OpKind::KernelConv) {
    ConvAttrs conv = attrsOf<ConvAttrs>(op);
    interleave = conv.interleave;
    depth = *Dim::exactDiv(x->type.dim(1), Dim(conv.group));
  } else if (op.kind() == OpKind::KernelGemm) {
    interleave = attrsOf<GemmAttrs>(op).interleave;
    depth = x->type.dim(x->type.rank() - 1);
  }
  if (interleave == 1 || isFloat(x->type.dtype()))
    return false;
  if (depth.isConst() && depth.value() % interleave == 0)
    return false;
  const Buffer &buffer = func.buffers[x->layout->buffer];
  keptInArena.insert(x->layout->buffer);
  return buffer.space == Buffer::Space::Input || buffer.space == Buffer::Space::Output;
}

/// Sees to the halo that a padded convolution reads, and to what it is full of.
void LayoutState::requireHalo(Op &conv) {
  Value *x = conv.operand(0);
  Halo halo = haloOf(conv);
  bool covered = halo.empty() || (present.count(x) && present[x].covers(halo));
  if (!isUnitStride(*x, 1) || !covered || readsPastEnd(conv))
    conv.setOperand(0,
                    copyOf(x, channelsLast(x->type.rank()), halo.empty() ? nullptr : &halo, &conv));
  if (halo.fillFrom && !halo.empty() && filled.insert(conv.operand(0)).second) {
    b.before(&conv);
    b.loc = conv.loc;
    writeFill(conv.operand(0), needed[conv.operand(0)].within(present[conv.operand(0)]));
  }
}

/// Inserts copies of operands whose layout the kernel cannot take.
void LayoutState::requireOperands(Op &op) {
  int64_t axis = vectorAxis(op);
  if (axis < 0)
    return;
  Value *x = op.operand(0);
  int64_t rank = x->type.rank();
  bool channels = storageOf(op) == Storage::ChannelsLast;
  if (op.kind() == OpKind::KernelConv)
    requireHalo(op);
  else if (!isUnitStride(*x, channels ? 1 : rank - 1) || readsPastEnd(op))
    op.setOperand(0, copyOf(x, channels ? channelsLast(rank) : rowMajor(rank), nullptr, &op));
  int64_t first = firstEpilogueOperand(op);
  for (int64_t e = kFirstScoreOperand; op.kind() == OpKind::KernelAttention && e < first; e++)
    requireAlong(op, e, scoreShape(op), axis);
  if (epilogueOf(op))
    requireEpilogue(op, first);
}

/// Whether a `generate` makes what the caller alone gets, row-major, reads lines along the last dim
/// as they are, and has more elements than its operand.
static bool isWrittenForCaller(const Op &op) {
  if (op.kind() != OpKind::KernelGenerate || op.numOperands() == 0)
    return false;
  const Value &x = *op.operand(0), &y = *op.result();
  Dim before = product(x.type.shape()), after = product(y.type.shape());
  if (!before.isConst() || !after.isConst() || before.value() >= after.value() ||
      x.type.rank() != y.type.rank() || !isReturnedOnly(y))
    return false;
  const auto &body = op.region().ops();
  return std::all_of(body.begin(), body.end(), [&](const std::unique_ptr<Op> &inner) {
    bool isRead = inner->kind() == OpKind::RegionAt && inner->attrs.getInt("operand") == 0;
    return inner->numRegions() == 0 &&
           (!isRead || inner->operand(x.type.rank() - 1) == op.region().arg(x.type.rank() - 1));
  });
}

void LayoutState::visitView(Op &op) {
  Value *x = op.operand(0), *y = op.result();
  std::optional<Layout> layout = viewLayout(op);
  if (!layout) {
    x = copyOf(x, rowMajor(x->type.rank()), nullptr, &op);
    op.setOperand(0, x);
    layout = viewLayout(op);
    // Padding of the leading dim may still stand in the way; dense elements never do.
    if (!layout) {
      x->layout->strides = rowMajorStrides(x->type.shape());
      layout = viewLayout(op);
    }
  }
  y->layout = *layout;
  orders[y] = viewOrder(op, orders[x]);
  if (op.kind() == OpKind::KernelSlice && present.count(x))
    present[y] = sliceHalo(op, present[x]);
  fillHalo(y, &op);
}

void LayoutState::visit(Op &op) {
  switch (op.kind()) {
  case OpKind::Constant: {
    Value *value = op.result();
    Buffer buffer{Buffer::Space::Weight,        value->name, value->type.dtype(),
                  product(value->type.shape()), -1,          Dim(0)};
    value->layout = Layout{newBuffer(buffer), Dim(0), rowMajorStrides(value->type.shape())};
    orders[value] = rowMajor(value->type.rank());
    return;
  }
  case OpKind::KernelConcat:
    return visitConcat(op);
  case OpKind::KernelCall:
    return visitCall(op);
  case OpKind::If:
    return visitIf(op);
  case OpKind::Loop:
    return visitLoop(op);
  case OpKind::LoopYield:
    return; // what is yielded is placed by the op around
  case OpKind::LoopReturn:
    return placeReturn(op);
  default:
    break;
  }
  if (isKernelView(op.kind()))
    return visitView(op);
  if (storageOf(op) == Storage::InPlace) {
    Value *x = op.operand(0), *y = op.result();
    y->layout = x->layout;
    orders[y] = orders[x];
    return;
  }
  requireOperands(op);
  // The smaller side is copied.
  if (Value *x = op.numOperands() ? op.operand(0) : nullptr;
      isWrittenForCaller(op) && orders[x] != rowMajor(x->type.rank()))
    op.setOperand(0, copyOf(x, rowMajor(x->type.rank()), nullptr, &op));
  for (const std::unique_ptr<Value> &result : op.results()) {
    place(result.get(), naturalOrder(op, result.get()));
    fillHalo(result.get(), &op);
  }
  if (op.kind() == OpKind::KernelPack && isConstantPack(op)) {
    Buffer &buffer = func.buffers[op.result()->layout->buffer];
    buffer.space = Buffer::Space::Weight;
    buffer.size = product(op.result()->type.shape());
    op.result()->layout->strides = rowMajorStrides(op.result()->type.shape());
  }
}

namespace {

bool overflows(const Layout &layout) {
  return layout.offset.isOverflow() ||
         std::any_of(layout.strides.begin(), layout.strides.end(),
                     [](const Dim &stride) { return stride.isOverflow(); });
}

/// What text may lack that an importer and the passes before always give.
Result<void> checkForms(Func &func) {
  if (std::ssize(func.resultNames) != func.body.terminator()->numOperands())
    return badInput(fmt::format("function '@{}': expected names for its results, as in "
                                "`results(\"y\")`",
                                func.name));
  for (const Op *op : opsOf(func))
    TRY(weightsArePacked(*op));
  return {};
}

/// Halos and dense strides can be too large where the tensors themselves are not.
Result<void> checkLayouts(Func &func) {
  for (Op *op : opsOf(func))
    for (const std::unique_ptr<Value> &result : op->results())
      if (result->layout &&
          (overflows(*result->layout) || func.buffers[result->layout->buffer].size.isOverflow()))
        return unsupported(fmt::format("node '{}': the place in memory of {} overflows 64 bits",
                                       op->loc.str(), result->type.str()));
  return {};
}

} // namespace

Result<bool> assignLayouts(Module &module, PassContext &) {
  TRY(checkForms(module.main()));
  LayoutState(module).run();
  TRY(checkLayouts(module.main()));
  return true;
}

} // namespace cameo
