// See RankGroup.h.
#include "lowering/ranks/RankGroup.h"

#include "ir/OpSpec.h"
#include "ir/infer/Infer.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/simplify/FoldConstants.h"

#include <algorithm>
#include <fmt/format.h>

namespace cameo {
namespace {

// Combinations of the ranks of all that an op depends on: two values of any rank, and no more.
constexpr size_t kMaxCombinations = 100;

/// A copy of the op at the end of a block, with operands as `values` says and types yet to be
/// inferred.
Op *cloneOp(const Op &op, Block &block, std::unordered_map<const Value *, Value *> &values) {
  auto now = [&](Value *value) {
    auto found = values.find(value);
    return found == values.end() ? value : found->second;
  };
  std::vector<Value *> operands;
  for (Value *operand : op.operands())
    operands.push_back(now(operand));
  Op *copy = Op::insert(Op::make(op.kind(), std::move(operands), std::vector<Type>(op.numResults()),
                                 op.attrs, op.numRegions(), op.loc),
                        block, block.ops().end());
  for (int64_t i = 0; i < op.numResults(); i++) {
    copy->result(i)->name = op.result(i)->name;
    values[op.result(i)] = copy->result(i);
  }
  for (int64_t i = 0; i < op.numRegions(); i++) {
    for (const std::unique_ptr<Value> &arg : op.region(i).args())
      values[arg.get()] = copy->region(i).addArg(Type(), arg->name);
    for (const std::unique_ptr<Op> &inner : op.region(i).ops())
      cloneOp(*inner, copy->region(i), values);
  }
  return copy;
}

int64_t numOps(const Op &op) {
  int64_t count = 1;
  for (int64_t i = 0; i < op.numRegions(); i++)
    for (const std::unique_ptr<Op> &inner : op.region(i).ops())
      count += numOps(*inner);
  return count;
}

/// `1`, `1 or 2`, `0 to 8`.
std::string listed(const std::vector<int64_t> &numbers) {
  bool isRange = numbers.size() > 2 && numbers.back() - numbers.front() + 1 == std::ssize(numbers);
  if (isRange)
    return fmt::format("{} to {}", numbers.front(), numbers.back());
  std::string text = std::to_string(numbers.front());
  for (size_t i = 1; i < numbers.size(); i++)
    text += (i + 1 == numbers.size() ? " or " : ", ") + std::to_string(numbers[i]);
  return text;
}

std::string expectedText(const RankRoot &root, const std::vector<int64_t> &choices) {
  if (root.axis < 0)
    return "rank " + listed(choices);
  return fmt::format("a size of {} in dim {}", listed(choices), root.axis);
}

} // namespace

RankGroup::RankGroup(Module &module, RegionTypes &types, Op &first, std::vector<RankRoot> roots)
    : module_(module), types_(types), first_(first), roots_(std::move(roots)) {}

Result<RankGroup> RankGroup::begin(Module &module, RegionTypes &types, Op &first,
                                   std::vector<RankRoot> roots) {
  RankGroup group(module, types, first, std::move(roots));
  std::vector<std::vector<int64_t>> all = {{}};
  for (const RankRoot &root : group.roots_) {
    std::vector<std::vector<int64_t>> longer;
    std::vector<int64_t> choices = choicesOf(root);
    if (all.size() * choices.size() > kMaxCombinations)
      return unsupported(fmt::format(
          "node '{}' ({}): {} values of unknown rank have more than {} combinations of ranks: "
          "expected declared shapes, or --shape for inputs",
          first.loc.str(), spec(first.kind()).name, group.roots_.size(), kMaxCombinations));
    for (const std::vector<int64_t> &begun : all)
      for (int64_t choice : choices) {
        longer.push_back(begun);
        longer.back().push_back(choice);
      }
    all = std::move(longer);
  }
  group.holder_ = Op::make(OpKind::If, {}, {}, {}, static_cast<int64_t>(all.size()), first.loc);
  for (size_t i = 0; i < all.size(); i++) {
    Combination combination;
    combination.choices = std::move(all[i]);
    combination.block = &group.holder_->region(static_cast<int64_t>(i));
    group.combinations_.push_back(std::move(combination));
    Combination &added = group.combinations_.back();
    // A size that cannot be the choice ends the combination before it begins.
    added.isAlive = static_cast<bool>(group.expectChoices(added));
  }
  return group;
}

/// Begins a combination with the roots as they are in it.
Result<void> RankGroup::expectChoices(Combination &combination) {
  Builder b(module_, *combination.block);
  b.loc = first_.loc;
  for (size_t i = 0; i < roots_.size(); i++) {
    const auto &[value, axis] = roots_[i];
    std::vector<int64_t> shape(axis < 0 ? combination.choices[i] : value->type.rank(), -1);
    if (axis >= 0)
      shape[axis] = combination.choices[i];
    AttrDict attrs;
    attrs.set("shape", std::move(shape));
    attrs.set("expected", std::string());
    Op *expect = TRY(b.graph(OpKind::Expect, {value}, std::move(attrs)));
    combination.expects.push_back(expect);
    combination.values[value] = expect->result();
  }
  return {};
}

RankGroup::Combinations RankGroup::alive() {
  Combinations alive;
  for (Combination &combination : combinations_)
    if (combination.isAlive)
      alive.push_back(&combination);
  return alive;
}

bool RankGroup::isRoot(const Value &value) const {
  return std::any_of(roots_.begin(), roots_.end(),
                     [&](const RankRoot &root) { return root.axis < 0 && root.value == &value; });
}

bool RankGroup::wants(const Op &op) {
  bool isSimple = spec(op.kind()).level == Level::Graph && op.kind() != OpKind::Box &&
                  op.kind() != OpKind::Custom &&
                  std::all_of(op.results().begin(), op.results().end(),
                              [](const auto &result) { return result->type.isTensor(); });
  if (!isSimple)
    return false;
  std::vector<RankRoot> own = rankRootsOf(op);
  std::erase_if(own, [&](const RankRoot &root) { return results_.contains(root.value); });
  bool depends = !own.empty();
  for (const RankRoot &root : own)
    if (std::find(roots_.begin(), roots_.end(), root) == roots_.end())
      return false;
  for (const Value *operand : op.operands()) {
    if (!operand)
      continue;
    depends = depends || differing_.contains(operand) || isRoot(*operand);
    for (const Combination *combination : alive()) {
      auto now = combination->values.find(operand);
      if (isUnranked(now == combination->values.end() ? operand : now->second))
        return false;
    }
  }
  return depends && (!isControlFlow(op) || isDecided(op));
}

/// Whether there is nothing left to decide for the run: which branch an If takes, above all.
bool RankGroup::isDecided(const Op &op) {
  if (op.kind() != OpKind::If)
    return op.kind() == OpKind::Scan;
  Combinations all = alive();
  return std::all_of(all.begin(), all.end(), [&](const Combination *combination) {
    auto condition = combination->values.find(op.operand(0));
    return condition != combination->values.end() && knownCondition(condition->second);
  });
}

Result<void> RankGroup::add(Op &op) {
  std::optional<Error> error;
  for (Combination *combination : alive())
    if (Result<void> copied = copy(*combination, op); !copied) {
      combination->isAlive = false;
      error = error ? error : copied.error();
      limiting_ = limiting_ ? limiting_ : &op;
    }
  if (alive().empty())
    return error ? *error : badInput("node '" + op.loc.str() + "': no size is possible");
  ops_.push_back(&op);
  members_.insert(&op);
  for (const std::unique_ptr<Value> &result : op.results()) {
    results_.insert(result.get());
    if (differs(*result)) {
      differing_.insert(result.get());
      pending.insert(result->users().begin(), result->users().end());
    }
  }
  return {};
}

/// What is left of a combination after an error is never used.
Result<void> RankGroup::copy(Combination &combination, const Op &op) {
  if (op.kind() == OpKind::If) {
    auto condition = combination.values.find(op.operand(0));
    if (condition != combination.values.end())
      if (std::optional<bool> known = knownCondition(condition->second))
        return copyBranch(combination, op, op.region(*known ? 0 : 1));
  }
  numCopies += numOps(op);
  Op *copied = cloneOp(op, *combination.block, combination.values);
  TRY(op.numRegions() ? types_.inferAgain(*copied) : inferOp(module_, *copied));
  for (int64_t i = 0; op.kind() == OpKind::Scan && i < copied->numResults(); i++)
    if (isUnranked(copied->result(i)))
      return unsupported(
          fmt::format("node '{}' (Scan): the rank of output {} changes in iterations, "
                      "or is not known: expected a declared shape of what the body "
                      "yields for it",
                      op.loc.str(), i));
  return {};
}

Result<void> RankGroup::copyBranch(Combination &combination, const Op &op, Block &branch) {
  for (const std::unique_ptr<Op> &inner : branch.ops())
    if (inner.get() != branch.terminator())
      TRY(copy(combination, *inner));
  for (int64_t i = 0; i < op.numResults(); i++) {
    Value *value = branch.terminator()->operand(i);
    auto now = combination.values.find(value);
    combination.values[op.result(i)] = now == combination.values.end() ? value : now->second;
  }
  return {};
}

/// Whether the value has known ranks which are not the same in all combinations, or contents that
/// are not: what follows from them may be another rank. A value of unknown rank leaves in a box.
bool RankGroup::differs(const Value &value) {
  Combinations all = alive();
  const Value &first = *all.front()->values.at(&value);
  bool differs = false;
  for (const Combination *combination : all) {
    const Value &other = *combination->values.at(&value);
    if (isUnranked(&other))
      return false;
    differs = differs || other.type.rank() != first.type.rank() || other.known != first.known;
  }
  return differs;
}

/// Numbers that all combinations agree on: they decide what follows.
ConstRef RankGroup::commonConstant(const Value &value) {
  Combinations all = alive();
  const Value *first = all.front()->values.at(&value);
  bool isCommon = std::all_of(all.begin(), all.end(), [&](const Combination *combination) {
    return combination->values.at(&value)->known == first->known;
  });
  return isCommon ? knownConstant(first) : nullptr;
}

bool RankGroup::isOutside(Op *op) const {
  for (; op; op = op->block()->parentOp())
    if (members_.contains(op))
      return false;
  return true;
}

std::vector<Value *> RankGroup::outlets() const {
  std::vector<Value *> outlets;
  for (Op *op : ops_)
    for (const std::unique_ptr<Value> &result : op->results())
      if (std::any_of(result->users().begin(), result->users().end(),
                      [&](Op *user) { return isOutside(user); }))
        outlets.push_back(result.get());
  return outlets;
}

/// Values that are not of one rank in all combinations leave in boxes.
void RankGroup::box(const std::vector<Value *> &outlets) {
  Combinations all = alive();
  for (Value *outlet : outlets) {
    const Type &first = all.front()->values.at(outlet)->type;
    bool isOne = std::all_of(all.begin(), all.end(), [&](const Combination *combination) {
      const Type &type = combination->values.at(outlet)->type;
      return type.isRanked() && type.rank() == first.rank();
    });
    for (Combination *combination : all) {
      Value *&value = combination->values.at(outlet);
      if (isOne || isUnranked(value))
        continue;
      Builder b(module_, *combination->block);
      b.loc = first_.loc;
      value = b.graphValue(OpKind::Box, {value});
    }
  }
}

Result<std::vector<Value *>> RankGroup::finish(Op &where) {
  std::vector<Value *> left = outlets(), changed, constants;
  Builder b(module_);
  b.before(&where);
  for (const Value *outlet : left) {
    ConstRef same = commonConstant(*outlet);
    constants.push_back(same ? b.constant(same) : nullptr);
  }
  box(left);
  std::vector<Value *> results = TRY(emit(alive(), left, 0, where));
  for (size_t i = 0; i < left.size(); i++) {
    results[i] = constants[i] ? constants[i] : results[i];
    results[i]->name = left[i]->name;
    if (constants[i] || !(results[i]->type == left[i]->type))
      changed.push_back(results[i]);
    left[i]->replaceAllUsesWith(results[i]);
  }
  while (!ops_.empty()) {
    ops_.back()->erase();
    ops_.pop_back();
  }
  return changed;
}

/// The number that a root is in this run.
Value *RankGroup::numberOf(const RankRoot &root, Builder &b) const {
  if (root.axis < 0)
    return b.graphValue(OpKind::Rank, {root.value});
  AttrDict attrs;
  attrs.set("start", root.axis);
  attrs.set("end", root.axis + 1);
  return b.graphValue(OpKind::Shape, {root.value}, std::move(attrs));
}

/// Code before `where` for combinations that have the same choices for the roots before `level`;
/// what the outlets are there.
Result<std::vector<Value *>> RankGroup::emit(const Combinations &combinations,
                                             const std::vector<Value *> &outlets, size_t level,
                                             Op &where) {
  if (level == roots_.size()) {
    Combination &only = *combinations.front();
    while (!only.block->empty())
      only.block->ops().front()->moveBefore(&where);
    std::vector<Value *> results;
    for (Value *outlet : outlets)
      results.push_back(only.values.at(outlet));
    return results;
  }
  std::vector<int64_t> choices;
  for (const Combination *combination : combinations)
    if (choices.empty() || choices.back() != combination->choices[level])
      choices.push_back(combination->choices[level]);
  std::string expected = expectedText(roots_[level], choices);
  if (limiting_ && limiting_ != &first_)
    expected += fmt::format(", as node '{}' does", limiting_->loc.str());
  for (Combination *combination : combinations)
    combination->expects[level]->attrs.set("expected", expected);
  Builder b(module_);
  b.loc = first_.loc;
  b.before(&where);
  Value *number = choices.size() > 1 ? numberOf(roots_[level], b) : nullptr;
  return choose(combinations, outlets, level, number, where);
}

/// The same, choosing by `number`, the rank or branch of the level's root in this run. The choices
/// are halved at each step, so that regions nest only logarithmically deep. The innermost region
/// fails if the number is none of the choices.
Result<std::vector<Value *>> RankGroup::choose(const Combinations &combinations,
                                               const std::vector<Value *> &outlets, size_t level,
                                               Value *number, Op &where) {
  auto choiceOf = [&](const Combination *combination) { return combination->choices[level]; };
  int64_t least = choiceOf(combinations.front()),
          middle = choiceOf(combinations[combinations.size() / 2]);
  if (least == choiceOf(combinations.back()))
    return emit(combinations, outlets, level + 1, where);
  if (middle == least) // of many combinations with the least
    middle++;
  auto end = std::find_if(combinations.begin(), combinations.end(),
                          [&](const Combination *c) { return choiceOf(c) >= middle; });
  const Combinations halves[] = {{combinations.begin(), end}, {end, combinations.end()}};
  Builder b(module_);
  b.loc = first_.loc;
  b.before(&where);
  Value *limit = b.constant(makeConst(std::vector<int64_t>{middle}));
  Value *isLess = b.graphValue(OpKind::Less, {number, limit});
  Op *branch = b.create(OpKind::If, {isLess}, std::vector<Type>(outlets.size()), {}, 2);
  for (int64_t r : {0, 1}) {
    b.atEnd(branch->region(r));
    Op *yield = b.create(OpKind::LoopYield, {}, {});
    yield->setOperands(TRY(choose(halves[r], outlets, level, number, *yield)));
  }
  TRY(inferOp(module_, *branch));
  std::vector<Value *> results;
  for (const std::unique_ptr<Value> &result : branch->results())
    results.push_back(result.get());
  return results;
}

} // namespace cameo
