// Has the run check what operators require of sizes and inference could not decide
// (ir/infer/Requirement.h): a `guard` before each such op, or at the head of its block where all
// that the sizes depend on are the inputs. Kernels then rely on sizes that fit, and no pass may
// drop a guard.
//
// The pass runs before the first one that rewrites ops, as what an op requires goes with it, and
// again once constants are folded, when shapes that were symbols are known.
#include "ir/OpSpec.h"
#include "ir/infer/Requirement.h"
#include "ir/kernel/RunTime.h"
#include "lowering/Passes.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/LoopBuilder.h"
#include "lowering/build/Shapes.h"

#include <algorithm>
#include <set>

namespace cameo {
namespace {

std::string keyOf(const GuardAttrs &guard) {
  std::string relation(wordOf(guard.relation));
  return relation + " " + guard.sizes[0].str() + " " + guard.sizes[1].str();
}

void collectSymbols(const Type &type, std::set<std::string> &symbols) {
  if (type.isRanked())
    for (const Dim &dim : type.shape())
      dim.collectSymbols(symbols);
}

struct Guards {
  Func &func;
  Builder b;
  std::vector<std::string> bound; // symbols of the inputs
  std::set<std::string> symbols;  // in any type
  std::set<std::string> holding;  // what guards check in the blocks around the current op
  bool changed = false;

  explicit Guards(Module &module) : func(module.main()), b(module), bound(boundSymbols(func)) {
    collect(func.body);
  }

  void collect(Block &block);
  bool areInputs(const Dims &sizes) const;
  void add(Op &op, const Requirement &requirement);
  Result<void> addTo(Block &block);
};

void Guards::collect(Block &block) {
  for (const std::unique_ptr<Value> &arg : block.args())
    collectSymbols(arg->type, symbols);
  for (const std::unique_ptr<Op> &op : block.ops()) {
    for (const std::unique_ptr<Value> &result : op->results())
      collectSymbols(result->type, symbols);
    for (int64_t i = 0; isControlFlow(*op) && i < op->numRegions(); i++)
      collect(op->region(i));
  }
}

bool Guards::areInputs(const Dims &sizes) const {
  return std::all_of(sizes.begin(), sizes.end(),
                     [&](const Dim &size) { return missingSymbols(size, bound).empty(); });
}

/// What follows the guards at a block's head, so that those of earlier ops come first.
Op *afterGuards(Block &block) {
  auto isOther = [](const std::unique_ptr<Op> &op) { return op->kind() != OpKind::KernelGuard; };
  return std::find_if(block.ops().begin(), block.ops().end(), isOther)->get();
}

void Guards::add(Op &op, const Requirement &requirement) {
  GuardAttrs guard{requirement.relation, {requirement.a, requirement.b}, requirement.text};
  if (!holding.insert(keyOf(guard)).second)
    return;
  b.before(areInputs(guard.sizes) ? afterGuards(*op.block()) : &op);
  b.loc = op.loc;
  b.create(OpKind::KernelGuard, {}, {}, dictOf(guard));
  changed = true;
}

Result<void> Guards::addTo(Block &block) {
  std::set<std::string> outside = holding;
  std::vector<Op *> ops;
  for (const std::unique_ptr<Op> &op : block.ops())
    ops.push_back(op.get());
  for (Op *op : ops) {
    if (op->kind() == OpKind::KernelGuard) {
      GuardAttrs guard = attrsOf<GuardAttrs>(*op);
      std::set<std::string> used;
      for (const Dim &size : guard.sizes)
        size.collectSymbols(used);
      // Sizes that have become known since leave no symbol; what needed them says so again.
      if (std::includes(symbols.begin(), symbols.end(), used.begin(), used.end())) {
        holding.insert(keyOf(guard));
        continue;
      }
      op->erase();
      changed = true;
      continue;
    }
    if (spec(op->kind()).level != Level::Graph)
      continue;
    for (const Requirement &requirement : TRY(requirementsOf(*op)))
      add(*op, requirement);
    for (int64_t i = 0; isControlFlow(*op) && i < op->numRegions(); i++)
      TRY(addTo(op->region(i)));
  }
  holding = std::move(outside);
  return {};
}

} // namespace

Result<bool> guardSizes(Module &module, PassContext &) {
  Guards guards(module);
  TRY(guards.addTo(module.main().body));
  return guards.changed;
}

} // namespace cameo
