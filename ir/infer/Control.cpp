// Rules of ops with regions. The regions are inferred before: the types of their arguments hold for
// every iteration (the importer widens carried values that change). What a region yields becomes
// the op's results; sizes that only mean something inside get a fresh symbol outside.
#include "ir/infer/Checks.h"

#include <algorithm>
#include <set>

namespace cameo {
namespace {

using Symbols = std::set<std::string>;

void collect(const Type &type, Symbols &symbols) {
  if (type.isRanked())
    for (const Dim &dim : type.shape())
      dim.collectSymbols(symbols);
}

/// Whether the value is defined inside one of the op's regions.
bool isInside(const Op &op, const Value &value) {
  Block *block = value.owner() ? value.owner() : value.definingOp()->block();
  while (block && block->parentOp() && block->parentOp() != &op)
    block = block->parentOp()->block();
  return block && block->parentOp() == &op;
}

void collectCaptured(const Op &op, Block &region, Symbols &symbols) {
  for (const std::unique_ptr<Op> &inner : region.ops()) {
    for (const Value *operand : inner->operands())
      if (operand && !isInside(op, *operand))
        collect(operand->type, symbols);
    for (int64_t i = 0; i < inner->numRegions(); i++)
      collectCaptured(op, inner->region(i), symbols);
  }
}

/// Symbols that mean the same inside the op's regions and outside: those of its operands and of the
/// values its regions capture.
Symbols outerSymbols(const Op &op) {
  Symbols symbols;
  for (const Value *operand : op.operands())
    if (operand)
      collect(operand->type, symbols);
  for (int64_t i = 0; i < op.numRegions(); i++)
    collectCaptured(op, op.region(i), symbols);
  return symbols;
}

/// A type seen inside, as it looks outside.
Type leave(InferContext &ctx, const Type &type, const Symbols &outer) {
  if (!type.isRanked())
    return type;
  Dims shape = type.shape();
  for (Dim &dim : shape) {
    Symbols used;
    dim.collectSymbols(used);
    if (!std::includes(outer.begin(), outer.end(), used.begin(), used.end()))
      dim = ctx.freshDim();
  }
  return type.withShape(std::move(shape));
}

/// What holds for values of either type; nothing if there is no such type.
std::optional<Type> join(InferContext &ctx, const Type &a, const Type &b) {
  if (a == b)
    return a;
  if (a.kind() != b.kind())
    return std::nullopt;
  if (!a.isTensor()) {
    std::optional<Type> element = join(ctx, a.element(), b.element());
    if (!element)
      return std::nullopt;
    return a.kind() == Type::Kind::Sequence ? Type::sequence(*element) : Type::optional(*element);
  }
  if (a.dtype() != b.dtype())
    return std::nullopt;
  if (!a.isRanked() || !b.isRanked() || a.rank() != b.rank())
    return Type::unranked(a.dtype());
  Dims shape = a.shape();
  for (size_t i = 0; i < shape.size(); i++)
    if (!(shape[i] == b.shape()[i]))
      shape[i] = ctx.freshDim();
  return a.withShape(std::move(shape));
}

Result<Op *> yieldOf(const InferContext &ctx, int64_t region, int64_t count) {
  Op *yield = ctx.op.region(region).terminator();
  if (!yield || yield->kind() != OpKind::LoopYield || yield->numOperands() != count)
    return ctx.error("expected " + std::to_string(count) + " outputs of its subgraph, got " +
                     std::to_string(yield ? yield->numOperands() : 0));
  for (const Value *value : yield->operands())
    ICE_UNLESS(value, "a region yields nothing");
  return yield;
}

Result<void> expectArguments(const InferContext &ctx, int64_t region, int64_t count) {
  if (ctx.op.region(region).numArgs() == count)
    return {};
  return ctx.error("expected " + std::to_string(count) + " inputs of its subgraph, got " +
                   std::to_string(ctx.op.region(region).numArgs()));
}

/// A carried value after any number of iterations, none included.
Result<Type> carriedType(InferContext &ctx, int64_t operand, const Value &argument,
                         const Symbols &outer) {
  if (!ctx.has(operand))
    return ctx.error("input " + std::to_string(operand) + " is missing");
  const Type &initial = ctx.in(operand);
  std::optional<Type> type = join(ctx, initial, leave(ctx, argument.type, outer));
  if (!type)
    return ctx.error(ctx.name(operand) + ": expected " + argument.type.str() +
                     " as in the subgraph, got " + initial.str());
  return *type;
}

/// One iteration's tensors stacked along a new axis.
Result<Type> stackedType(InferContext &ctx, const Value &slice, const Dim &count, int64_t axis,
                         const Symbols &outer) {
  if (!slice.type.isTensor())
    return ctx.error("expected a tensor to stack, got " + slice.type.str());
  if (!slice.type.isRanked())
    return slice.type;
  Type type = leave(ctx, slice.type, outer);
  Dims shape = type.shape();
  int64_t at = TRY(checkedAxis(ctx, axis, type.rank() + 1, "attribute 'scan_output_axes'"));
  shape.insert(shape.begin() + at, count);
  return type.withShape(std::move(shape));
}

/// How often a Loop iterates, if no condition can end it early.
std::optional<Dim> tripCount(const InferContext &ctx, const Op &yield) {
  const Value *condition = yield.operand(0);
  while (condition->definingOp() && condition->definingOp()->kind() == OpKind::Identity)
    condition = condition->definingOp()->operand(0);
  auto isTrue = [](const std::optional<Dims> &known) {
    return known && known->size() == 1 && known->front() == Dim(1);
  };
  bool passed = condition == ctx.op.region().arg(1) || isTrue(condition->known);
  bool started = !ctx.has(1) || isTrue(ctx.known(1));
  std::optional<Dims> limit = ctx.known(0);
  if (!passed || !started || !limit || limit->size() != 1)
    return std::nullopt;
  const Dim &count = limit->front();
  return count.isConst() ? Dim(std::max<int64_t>(count.value(), 0)) : count;
}

} // namespace

Result<void> inferIf(InferContext &ctx) {
  if (ctx.in(0).isRanked())
    TRY(expectScalar(ctx, 0));
  int64_t count = ctx.op.numResults();
  Op *then = TRY(yieldOf(ctx, 0, count)), *otherwise = TRY(yieldOf(ctx, 1, count));
  for (int64_t region : {0, 1})
    TRY(expectArguments(ctx, region, 0));
  Symbols outer = outerSymbols(ctx.op);
  for (int64_t i = 0; i < count; i++) {
    const Type &a = then->operand(i)->type, &b = otherwise->operand(i)->type;
    std::optional<Type> type = join(ctx, leave(ctx, a, outer), leave(ctx, b, outer));
    if (!type)
      return ctx.error("output " + std::to_string(i) + " is " + a.str() + " in one branch and " +
                       b.str() + " in the other");
    ctx.out(i, *type);
  }
  return {};
}

/// Arguments: trip number, condition, carried. Yields: condition, carried, tensors to stack.
Result<void> inferLoop(InferContext &ctx) {
  for (int64_t i : {0, 1})
    if (ctx.has(i) && ctx.in(i).isRanked())
      TRY(expectScalar(ctx, i));
  Block &body = ctx.op.region();
  int64_t carried = std::max<int64_t>(ctx.op.numOperands() - 2, 0);
  if (ctx.op.numResults() < carried)
    return ctx.error("expected at least " + std::to_string(carried) +
                     " outputs, one a carried value, got " + std::to_string(ctx.op.numResults()));
  TRY(expectArguments(ctx, 0, carried + 2));
  Op *yield = TRY(yieldOf(ctx, 0, ctx.op.numResults() + 1));
  Symbols outer = outerSymbols(ctx.op);
  for (int64_t i = 0; i < carried; i++)
    ctx.out(i, TRY(carriedType(ctx, i + 2, *body.arg(i + 2), outer)));
  std::optional<Dim> trips = tripCount(ctx, *yield);
  Dim count = trips || ctx.op.numResults() == carried ? trips.value_or(Dim(0)) : ctx.freshDim();
  for (int64_t i = carried; i < ctx.op.numResults(); i++)
    ctx.out(i, TRY(stackedType(ctx, *yield->operand(i + 1), count, 0, outer)));
  return {};
}

/// Arguments and yields: carried states, then slices of the scanned tensors.
Result<void> inferScan(InferContext &ctx) {
  int64_t scanned = ctx.op.attrs.getInt("num_scan_inputs");
  if (scanned < 1 || scanned > ctx.op.numOperands())
    return ctx.error("attribute 'num_scan_inputs': expected 1 to " +
                     std::to_string(ctx.op.numOperands()) + ", got " + std::to_string(scanned));
  int64_t states = ctx.op.numOperands() - scanned, stacked = ctx.op.numResults() - states;
  if (stacked < 0)
    return ctx.error("expected at least " + std::to_string(states) + " outputs, one a state, got " +
                     std::to_string(ctx.op.numResults()));
  std::vector<int64_t> inAxes = TRY(listAttr(ctx, "scan_input_axes", scanned, 0, INT64_MIN)),
                       outAxes = TRY(listAttr(ctx, "scan_output_axes", stacked, 0, INT64_MIN));
  TRY(listAttr(ctx, "scan_input_directions", scanned, 0, 0));
  TRY(listAttr(ctx, "scan_output_directions", stacked, 0, 0));
  TRY(expectArguments(ctx, 0, ctx.op.numOperands()));
  Op *yield = TRY(yieldOf(ctx, 0, ctx.op.numResults()));
  std::optional<Dim> length;
  for (int64_t i = 0; i < scanned; i++) {
    if (!ctx.has(states + i) || !ctx.in(states + i).isRanked())
      continue;
    const Type &type = ctx.in(states + i);
    int64_t axis = TRY(checkedAxis(ctx, inAxes[i], type.rank(), "attribute 'scan_input_axes'"));
    if (length)
      TRY(expectDim(ctx, states + i, axis, *length, "as long as the scanned inputs before"));
    length = moreKnown(type.dim(axis), length.value_or(type.dim(axis)));
  }
  Dim count = length ? *length : ctx.freshDim();
  Symbols outer = outerSymbols(ctx.op);
  for (int64_t i = 0; i < states; i++)
    ctx.out(i, TRY(carriedType(ctx, i, *ctx.op.region().arg(i), outer)));
  for (int64_t i = 0; i < stacked; i++)
    ctx.out(states + i,
            TRY(stackedType(ctx, *yield->operand(states + i), count, outAxes[i], outer)));
  return {};
}

/// The body takes an element of each sequence and the other inputs whole, and yields elements of
/// the results.
Result<void> inferSequenceMap(InferContext &ctx) {
  Op *yield = TRY(yieldOf(ctx, 0, ctx.op.numResults()));
  TRY(expectArguments(ctx, 0, ctx.op.numOperands()));
  Symbols outer;
  for (int64_t i = 0; i < ctx.op.numResults(); i++) {
    const Type &type = yield->operand(i)->type;
    if (!type.isTensor())
      return ctx.error("expected its subgraph to yield tensors, got " + type.str());
    ctx.out(i, Type::sequence(leave(ctx, type, outer)));
  }
  return {};
}

} // namespace cameo
