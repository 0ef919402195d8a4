// Scan and SequenceMap as Loops that take their slices and elements themselves.
#include "lowering/decompose/Decompose.h"
#include "lowering/decompose/Loops.h"

#include "ir/infer/Infer.h"
#include "ir/kernel/RunTime.h"

namespace cameo {
namespace {

/// An entry of an attribute with one number a scanned tensor; 0 where it is absent.
int64_t entryOf(const Op &op, const char *name, int64_t i) {
  std::vector<int64_t> entries = op.attrs.getInts(name);
  return entries.empty() ? 0 : entries[i];
}

/// This iteration's slice of a scanned input.
Value *sliceOf(Rewriter &b, const Op &scan, int64_t k, Value *x, Value *iteration, Value *trips) {
  AttrDict attrs;
  attrs.set("axis", *normalizeAxis(entryOf(scan, "scan_input_axes", k), x->type.rank()));
  bool reverse = entryOf(scan, "scan_input_directions", k);
  return b.graphValue(OpKind::Gather, {x, iterationFrom(b, iteration, trips, reverse)},
                      std::move(attrs));
}

int64_t outputAxis(const Op &scan, int64_t k, const Type &type) {
  return *normalizeAxis(entryOf(scan, "scan_output_axes", k), type.rank());
}

/// A stacked result with its axis and direction as the Scan says.
Value *arranged(Rewriter &b, const Op &scan, int64_t k, Value *stacked) {
  if (entryOf(scan, "scan_output_directions", k))
    stacked = reversedFirst(b, stacked);
  int64_t rank = stacked->type.rank(), axis = outputAxis(scan, k, stacked->type);
  if (axis == 0)
    return stacked;
  std::vector<int64_t> perm;
  for (int64_t i = 1; i < rank; i++)
    perm.push_back(i);
  perm.insert(perm.begin() + axis, 0);
  AttrDict attrs;
  attrs.set("perm", perm);
  return b.graphValue(OpKind::Transpose, {stacked}, std::move(attrs));
}

bool areRankedTensors(const std::vector<Value *> &values) {
  return std::all_of(values.begin(), values.end(), [](const Value *value) {
    return value->type.isTensor() && value->type.isRanked();
  });
}

/// ONNX has a Scan's states keep their shape. What came in and what goes on need not have provably
/// the same: the run checks.
void requireSameShape(Rewriter &b, const Value &before, const Value &after) {
  for (int64_t d = 0; d < before.type.rank(); d++) {
    const Dim &size = before.type.dim(d), &next = after.type.dim(d);
    if (size == next)
      continue;
    GuardAttrs guard{Relation::Equal,
                     {next, size},
                     "a state: expected dim " + std::to_string(d) +
                         " to stay %b as before the iteration, got %a"};
    b.create(OpKind::KernelGuard, {}, {}, dictOf(guard));
  }
}

/// An empty sequence of the type of a SequenceMap's result.
Value *emptyLike(Rewriter &b, const Type &type) {
  AttrDict attrs;
  attrs.set("dtype", type.element().dtype());
  Value *empty = b.graphValue(OpKind::SequenceEmpty, {}, std::move(attrs));
  empty->type = type;
  return empty;
}

} // namespace

Value *decomposeSequenceMap(Rewriter &b, Op &op) {
  Value *trips = b.graphValue(OpKind::SequenceLength, {op.operand(0)});
  std::vector<Value *> results, longer;
  for (const std::unique_ptr<Value> &result : op.results())
    results.push_back(emptyLike(b, result->type));
  Op *loop = beginLoop(b, trips, results, {});
  Block &from = op.region(), &to = loop->region();
  for (int64_t i = 0; i < from.numArgs(); i++) {
    Value *operand = op.operand(i);
    bool isSequence = operand->type.kind() == Type::Kind::Sequence;
    Value *element = isSequence ? b.graphValue(OpKind::SequenceAt, {operand, to.arg(0)}) : operand;
    if (isSequence)
      element->type = from.arg(i)->type;
    from.arg(i)->replaceAllUsesWith(element);
  }
  Op *yield = from.terminator();
  for (int64_t i = 0; i < yield->numOperands(); i++) {
    longer.push_back(b.graphValue(OpKind::SequenceInsert, {to.arg(i + 2), yield->operand(i)}));
    longer.back()->type = op.result(i)->type;
  }
  endLoop(b, loop, longer);
  while (from.ops().size() > 1)
    from.ops().front()->moveBefore(longer.front()->definingOp());
  for (int64_t i = op.numResults(); i-- > 1;)
    op.result(i)->replaceAllUsesWith(loop->result(i));
  return loop->result(0);
}

Value *decomposeScan(Rewriter &b, Op &op) {
  int64_t numStates = op.numOperands() - op.attrs.getInt("num_scan_inputs");
  std::vector<Value *> results, states;
  for (const std::unique_ptr<Value> &result : op.results())
    results.push_back(result.get());
  if (!areRankedTensors(results) || !areRankedTensors(op.operands()) || results.empty())
    return nullptr;
  Value *first = op.operand(numStates);
  Value *trips =
      axisSize(b, first, *normalizeAxis(entryOf(op, "scan_input_axes", 0), first->type.rank()));
  for (int64_t i = 0; i < numStates; i++)
    states.push_back(op.operand(i));
  std::vector<Type> stacked;
  for (int64_t i = numStates; i < op.numResults(); i++)
    stacked.push_back(
        stackedFirst(op.result(i)->type, outputAxis(op, i - numStates, op.result(i)->type)));
  Op *loop = beginLoop(b, trips, states, stacked);
  Block &from = op.region(), &to = loop->region();
  for (int64_t i = 0; i < numStates; i++) {
    // A state that changes size has other sizes inside and after than at first.
    to.arg(i + 2)->type = from.arg(i)->type;
    loop->result(i)->type = op.result(i)->type;
  }
  for (int64_t i = 0; i < from.numArgs(); i++) {
    bool isState = i < numStates;
    from.arg(i)->replaceAllUsesWith(
        isState ? to.arg(i + 2) : sliceOf(b, op, i - numStates, op.operand(i), to.arg(0), trips));
  }
  endLoop(b, loop, from.terminator()->operands());
  while (from.ops().size() > 1)
    from.ops().front()->moveBefore(to.terminator());
  b.before(to.terminator());
  for (int64_t i = 0; i < numStates; i++)
    requireSameShape(b, *to.arg(i + 2), *to.terminator()->operand(i + 1));
  b.after(loop);
  for (int64_t i = op.numResults(); i-- > 1;) {
    Value *value =
        i < numStates ? loop->result(i) : arranged(b, op, i - numStates, loop->result(i));
    value->name = op.result(i)->name;
    op.result(i)->replaceAllUsesWith(value);
  }
  return numStates > 0 ? loop->result(0) : arranged(b, op, 0, loop->result(0));
}

} // namespace cameo
