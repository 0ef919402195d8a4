// Gives every op operands of known ranks. Where only the run knows the rank of a value, the pass
// makes a branch for each rank that the value may have, with copies of the ops that depend on it,
// and the run chooses one. A branch ends where ranks no longer differ:
//
//   %z = Relu(%y)            %r = Rank(%y)
//   %s = ReduceMax(%z)       %s = If(Less(%r, 2)) ^ {
//                              %y1 = Expect(%y) {shape = [-1]}
//                              yield(ReduceMax(Relu(%y1)))
//                            } ^ {
//                              %y2 = Expect(%y) {shape = [-1, -1]}
//                              ...
//
// The pass leaves out ranks that an op cannot take. Often one rank remains and no branch is needed.
// Values that leave the branches with different ranks are boxed; so are those that the model's own
// branches and loops give and take. Groups of ops nest only where the model's regions nest, so the
// code grows with the number of ops and of ranks (docs/decisions/013-ranks-at-run-time.md).
#include "ir/OpSpec.h"
#include "ir/infer/Infer.h"
#include "lowering/Passes.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/ranks/RankGroup.h"
#include "lowering/ranks/StackSlices.h"

#include <algorithm>
#include <fmt/format.h>

namespace cameo {
namespace {

// Ops made in place of others; and how far a group looks for more ops.
constexpr int64_t kMaxCopies = 50'000, kMaxReach = 4'000;

using Values = std::unordered_set<const Value *>;

/// Whether the op or one in its regions reads one of the values.
bool reads(const Op &op, const Values &values) {
  for (const Value *operand : op.operands())
    if (values.contains(operand))
      return true;
  for (int64_t i = 0; i < op.numRegions(); i++)
    for (const std::unique_ptr<Op> &inner : op.region(i).ops())
      if (reads(*inner, values))
        return true;
  return false;
}

Op *ancestorIn(const Block &block, Op *op) {
  while (op && op->block() != &block)
    op = op->block()->parentOp();
  return op;
}

Error errorAt(const Op &op, const std::string &text) {
  return unsupported(fmt::format("node '{}' ({}): {}", op.loc.str(), spec(op.kind()).name, text));
}

class Dispatcher {
public:
  explicit Dispatcher(Module &module) : module_(module), types_(module) {}

  Result<void> dispatchBlock(Block &block);

private:
  Op *inlineBranch(Op &op);
  Result<void> inferAgain(Op &op);
  Result<Op *> dispatch(Op &first, std::vector<RankRoot> roots);
  Op *toScalar(Op &op, int64_t operand);
  Op *toScalars(Op &op);
  Result<Op *> dispatchRegions(Op &op);
  void box(Op &op, int64_t operand);
  void boxBoundaries(Op &op);
  Result<Op *> stackRanked(Op &op);

  Module &module_;
  RegionTypes types_;
  std::unordered_set<Op *> stale_; // operands have other types than when they were inferred
  int64_t numCopies_ = 0;
};

Result<void> Dispatcher::dispatchBlock(Block &block) {
  for (auto next = block.ops().begin(); next != block.ops().end();) {
    Op &op = **next;
    if (Op *made = toScalars(op)) {
      next = made->position();
      continue;
    }
    if (spec(op.kind()).level != Level::Graph) {
      ++next;
      continue;
    }
    if (op.kind() == OpKind::If && knownCondition(op.operand(0))) {
      next = inlineBranch(op)->position();
      continue;
    }
    if (stale_.erase(&op))
      TRY(inferAgain(op));
    std::vector<RankRoot> roots = rankRootsOf(op);
    if (!roots.empty()) {
      next = TRY(dispatch(op, std::move(roots)))->position();
      continue;
    }
    if (isControlFlow(op))
      next = TRY(dispatchRegions(op))->position();
    ++next;
  }
  return {};
}

/// The branch of an If that a rank, known by now, decides, in its place: the other may not even be
/// possible. The op to go on with.
Op *Dispatcher::inlineBranch(Op &op) {
  Block &branch = op.region(*knownCondition(op.operand(0)) ? 0 : 1);
  for (int64_t i = 0; i < op.numResults(); i++) {
    Value *value = branch.terminator()->operand(i);
    const std::vector<Op *> &users = op.result(i)->users();
    stale_.insert(users.begin(), users.end());
    op.result(i)->replaceAllUsesWith(value);
  }
  Op *first = nullptr;
  while (branch.ops().front().get() != branch.terminator()) {
    Op *moved = branch.ops().front().get();
    moved->moveBefore(&op);
    first = first ? first : moved;
  }
  first = first ? first : std::next(op.position())->get();
  op.erase();
  return first;
}

Result<void> Dispatcher::inferAgain(Op &op) {
  std::vector<std::pair<Type, std::optional<Dims>>> before;
  for (const std::unique_ptr<Value> &result : op.results())
    before.emplace_back(result->type, result->known);
  TRY(op.numRegions() ? types_.inferAgain(op) : inferOp(module_, op));
  for (int64_t i = 0; i < op.numResults(); i++)
    if (!(op.result(i)->type == before[i].first) || op.result(i)->known != before[i].second)
      stale_.insert(op.result(i)->users().begin(), op.result(i)->users().end());
  return {};
}

/// Makes branches of an op and of those behind it that follow from the same roots. The op to go on
/// with: the first that is new or has not been looked at.
Result<Op *> Dispatcher::dispatch(Op &first, std::vector<RankRoot> roots) {
  Block &block = *first.block();
  auto before =
      first.position() == block.ops().begin() ? block.ops().end() : std::prev(first.position());
  // Not by TRY: GCC 12 warns of a free, of nothing, in what it makes of that at -O2.
  Result<RankGroup> begun = RankGroup::begin(module_, types_, first, std::move(roots));
  if (!begun)
    return begun.error();
  RankGroup &group = *begun;
  TRY(group.add(first));
  // Ops outside the group that read its results have to come after it.
  std::vector<Op *> late, behind;
  Values ofLate;
  Op *last = &first;
  int64_t reach = 0;
  for (auto it = std::next(first.position()); it != block.ops().end(); ++it) {
    Op &op = **it;
    std::unordered_set<Op *> users;
    for (Op *user : group.pending)
      users.insert(ancestorIn(block, user));
    group.pending = std::move(users);
    if (group.pending.empty() || reach++ > kMaxReach || numCopies_ + group.numCopies > kMaxCopies)
      break;
    group.pending.erase(&op);
    bool isLate = reads(op, ofLate);
    if (!isLate && group.wants(op)) {
      TRY(group.add(op));
      last = &op;
      late.insert(late.end(), behind.begin(), behind.end());
      behind.clear();
    } else if (isLate || reads(op, group.results())) {
      behind.push_back(&op);
      for (const std::unique_ptr<Value> &result : op.results())
        ofLate.insert(result.get());
    }
  }
  numCopies_ += group.numCopies;
  if (numCopies_ > kMaxCopies)
    return errorAt(first, "code for each rank that values may have makes the model too large: "
                          "expected declared shapes, or --shape for inputs");
  Op *next = std::next(last->position())->get();
  for (Value *value : TRY(group.finish(*next)))
    stale_.insert(value->users().begin(), value->users().end());
  for (Op *op : late)
    op->moveBefore(next);
  return (before == block.ops().end() ? block.ops().begin() : std::next(before))->get();
}

/// Makes an operand a scalar that has to have one element: a condition, the number of iterations.
/// The op that does, nullptr where it is one.
Op *Dispatcher::toScalar(Op &op, int64_t operand) {
  if (!isUnranked(op.operand(operand)))
    return nullptr;
  Builder b(module_);
  b.loc = op.loc;
  b.before(&op);
  Value *shape = b.constant(makeConst(std::vector<int64_t>()));
  op.setOperand(operand, b.graphValue(OpKind::Reshape, {op.operand(operand), shape}));
  return op.operand(operand)->definingOp();
}

/// The same for all that have to be.
Op *Dispatcher::toScalars(Op &op) {
  const Op *parent = op.block()->parentOp();
  bool isCondition = op.kind() == OpKind::LoopYield && parent && parent->kind() == OpKind::Loop;
  int64_t count = op.kind() == OpKind::Loop ? 2 : op.kind() == OpKind::If || isCondition;
  Op *made = nullptr;
  for (int64_t i = 0; i < count && !made; i++)
    made = toScalar(op, i);
  return made;
}

/// What is inside an op, and the values that cross its boundaries. The op in its place then.
Result<Op *> Dispatcher::dispatchRegions(Op &op) {
  for (int64_t i = 0; i < op.numRegions(); i++)
    TRY(dispatchBlock(op.region(i)));
  std::vector<Type> before;
  for (const std::unique_ptr<Value> &result : op.results())
    before.push_back(result->type);
  TRY(inferOp(module_, op));
  for (int64_t i = 0; i < op.numResults(); i++)
    if (!(op.result(i)->type == before[i]))
      stale_.insert(op.result(i)->users().begin(), op.result(i)->users().end());
  Op *now = TRY(stackRanked(op));
  boxBoundaries(*now);
  return now;
}

/// Values that are stacked over iterations without a known rank.
Result<Op *> Dispatcher::stackRanked(Op &op) {
  Op *now = &op;
  for (int64_t i = 0; i < now->numResults(); i++) {
    bool isCarried = now->kind() == OpKind::Loop && i < now->region().numArgs() - 2;
    if (!isUnranked(now->result(i)) || isCarried || now->kind() == OpKind::If)
      continue;
    if (now->kind() != OpKind::Loop || now->result(i)->type.dtype() == DType::String)
      return errorAt(op, fmt::format("only the run knows the rank of output {} ('{}'): expected a "
                                     "declared shape of what the body yields for it",
                                     i, now->result(i)->name));
    now = stackInSequence(module_, *now, i);
  }
  return now;
}

void Dispatcher::box(Op &op, int64_t operand) {
  Value *value = op.operand(operand);
  if (isUnranked(value))
    return;
  Builder b(module_);
  b.loc = op.loc;
  b.before(&op);
  op.setOperand(operand, b.graphValue(OpKind::Box, {value}));
}

/// Values of unknown rank are boxed on all ways into them.
void Dispatcher::boxBoundaries(Op &op) {
  if (op.kind() == OpKind::If)
    for (int64_t i = 0; i < op.numResults(); i++)
      for (int64_t r = 0; isUnranked(op.result(i)) && r < op.numRegions(); r++)
        box(*op.region(r).terminator(), i);
  for (int64_t i = 2; op.kind() == OpKind::Loop && i < op.region().numArgs(); i++) {
    if (!isUnranked(op.region().arg(i)))
      continue;
    box(op, i);
    box(*op.region().terminator(), i - 1);
  }
}

} // namespace

Result<bool> dispatchRanks(Module &module, PassContext &context) {
  std::vector<Op *> ops = opsOf(module.main());
  auto hasUnranked = [](const auto &values) {
    return std::any_of(values.begin(), values.end(),
                       [](const auto &value) { return isUnranked(value.get()); });
  };
  bool isNeeded = hasUnranked(module.main().body.args()) ||
                  std::any_of(ops.begin(), ops.end(), [&](const Op *op) {
                    bool is = hasUnranked(op->results());
                    for (int64_t i = 0; i < op->numRegions(); i++)
                      is = is || hasUnranked(op->region(i).args());
                    return is;
                  });
  if (!isNeeded)
    return false;
  // What is dead must not end a run because of its rank.
  TRY(removeDeadOps(module, context));
  TRY(Dispatcher(module).dispatchBlock(module.main().body));
  return true;
}

} // namespace cameo
