// Brings kernels together that the calling thread's work keeps apart. A detector has, say, ninety
// classes one behind the other, each with a function in C that picks elements and kernels that go
// on from there: ninety times a team would start for little work. In the new order work comes in
// turns: what the calling thread can do, then the kernels that follow from it. Kernels of later
// turns are in the order of steps, within one of which none needs another, so that threads share
// them.
//
// Ops move within a stretch of a block without control flow, and only if that makes fewer turns.
#include "lowering/Passes.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/KernelSpan.h"
#include "lowering/build/Shapes.h"

#include <algorithm>
#include <map>
#include <set>

namespace cameo {
namespace {

/// Where an op goes. What the calling thread does in a turn is step 0, kernels have later ones.
struct Place {
  int64_t turn = 0, step = 0;
  auto operator<=>(const Place &) const = default;
};

/// Checks of sizes are its work, too.
bool isOnCaller(const Op &op) { return isBetweenTeams(op) || op.kind() == OpKind::KernelGuard; }

void addSymbols(const Dims &dims, std::set<std::string> &symbols) {
  for (const Dim &dim : dims)
    dim.collectSymbols(symbols);
}

void addSymbols(const Func &func, const Value *value, std::set<std::string> &symbols) {
  if (!value)
    return;
  if (value->type.isTensor() && value->type.isRanked())
    addSymbols(value->type.shape(), symbols);
  if (!value->layout)
    return;
  addSymbols({value->layout->offset, func.buffers[value->layout->buffer].size}, symbols);
  addSymbols(value->layout->strides, symbols);
}

/// All symbols whose values an op needs, or defines.
std::set<std::string> symbolsOf(const Func &func, const Op &op) {
  std::vector<std::string> defined = definedSymbols(op);
  std::set<std::string> symbols(defined.begin(), defined.end());
  for (const Value *operand : op.operands())
    addSymbols(func, operand, symbols);
  for (const std::unique_ptr<Value> &result : op.results())
    addSymbols(func, result.get(), symbols);
  for (const auto &[name, value] : op.attrs)
    if (const Dims *dims = std::get_if<Dims>(&value))
      addSymbols(*dims, symbols);
  for (int64_t i = 0; i < op.numRegions(); i++)
    for (const std::unique_ptr<Op> &inner : op.region(i).ops())
      symbols.merge(symbolsOf(func, *inner));
  return symbols;
}

/// The places of the ops of a stretch, each behind what it needs.
class Places {
public:
  Places(const Func &func, const std::set<std::string> &redefined)
      : func_(func), redefined_(redefined) {}

  void add(const Op &op);
  const Place &of(const Op *op) const { return places_.at(op); }

private:
  /// Where an op goes for the sake of what is at `before`.
  static Place behind(const Op &op, Place before);
  static Place notBefore(const Op &op, Place before);

  const Func &func_;
  const std::set<std::string> &redefined_;
  std::map<const Op *, Place> places_;
  std::map<int64_t, Place> written_, read_; // the last place where a buffer is
  std::map<std::string, Place> symbols_;    // the last place where a symbol is defined or checked
  std::map<std::string, Place> used_;       // the last place that needs its value
};

Place Places::notBefore(const Op &op, Place before) {
  return isOnCaller(op) && before.step > 0 ? Place{before.turn + 1, 0} : before;
}

Place Places::behind(const Op &op, Place before) {
  if (hasLoops(op) && before.turn > 0)
    before.step++;
  return notBefore(op, before);
}

void Places::add(const Op &op) {
  Place place = {0, hasLoops(op) ? 1 : 0};
  auto raise = [&](const auto &places, const auto &key, auto move) {
    if (auto found = places.find(key); found != places.end())
      place = std::max(place, move(op, found->second));
  };
  std::set<std::string> symbols = symbolsOf(func_, op);
  for (const std::string &symbol : symbols)
    raise(symbols_, symbol, behind);
  std::vector<std::string> defined = definedSymbols(op);
  for (const std::string &symbol : defined) {
    raise(used_, symbol, behind); // a loop's body gives it its next value
    // A box gets its room where the last of its size's symbols is defined. That stays the one that
    // the body of a loop defines again, as the box may have to grow there.
    if (redefined_.count(symbol))
      for (const auto &[other, definition] : symbols_)
        place = std::max(place, behind(op, definition));
  }
  bool works = hasLoops(op) || isOnCaller(op); // what does not touches nothing
  std::set<int64_t> reads, writes;
  for (const Value *operand : op.operands()) {
    if (!operand)
      continue;
    raise(places_, operand->definingOp(), behind);
    if (works && operand->layout)
      reads.insert(operand->layout->buffer);
  }
  for (const std::unique_ptr<Value> &result : op.results())
    if (works && result->layout)
      writes.insert(result->layout->buffer);
  if (op.kind() == OpKind::KernelFillHalo)
    writes.merge(std::set(reads));
  for (int64_t buffer : reads)
    raise(written_, buffer, behind);
  for (int64_t buffer : writes) {
    raise(read_, buffer, behind);
    raise(written_, buffer, notBefore); // parts of a concatenation
  }
  auto note = [&](auto &places, const auto &keys) {
    for (const auto &key : keys)
      places[key] = std::max(places[key], place);
  };
  places_[&op] = place;
  note(read_, reads);
  note(written_, writes);
  note(used_, symbols);
  note(symbols_, defined);
  if (op.kind() != OpKind::KernelGuard)
    return;
  // What relies on a check of a size and an older one has the younger of them.
  std::erase_if(symbols,
                [&](const std::string &symbol) { return symbols_[symbol].turn < place.turn; });
  note(symbols_, symbols);
}

/// How often the calling thread goes on behind a kernel.
int64_t countTurns(const std::vector<Op *> &ops) {
  int64_t turns = 0;
  bool inTeam = false;
  for (const Op *op : ops) {
    turns += inTeam && isOnCaller(*op);
    inTeam = hasLoops(*op) || (inTeam && !isOnCaller(*op));
  }
  return turns;
}

/// Symbols that several ops define: one in front of a loop, and one in its body.
std::set<std::string> redefinedSymbols(Func &func) {
  std::set<std::string> defined, redefined;
  for (const Op *op : opsOf(func))
    for (const std::string &symbol : definedSymbols(*op))
      if (!defined.insert(symbol).second)
        redefined.insert(symbol);
  return redefined;
}

/// Orders ops that are in front of `end`.
bool orderStretch(const Func &func, const std::set<std::string> &redefined,
                  const std::vector<Op *> &ops, Op *end) {
  if (countTurns(ops) == 0)
    return false;
  Places places(func, redefined);
  for (const Op *op : ops)
    places.add(*op);
  std::vector<Op *> ordered = ops;
  std::stable_sort(ordered.begin(), ordered.end(),
                   [&](const Op *a, const Op *b) { return places.of(a) < places.of(b); });
  if (countTurns(ordered) >= countTurns(ops))
    return false;
  for (Op *op : ordered)
    op->moveBefore(end);
  return true;
}

bool orderBlock(const Func &func, const std::set<std::string> &redefined, Block &block) {
  bool changed = false;
  std::vector<Op *> stretch, all;
  for (const std::unique_ptr<Op> &op : block.ops())
    all.push_back(op.get());
  for (Op *op : all) {
    bool isEnd = op == block.terminator() || isControlFlow(*op);
    if (!isEnd) {
      stretch.push_back(op);
      continue;
    }
    changed |= orderStretch(func, redefined, stretch, op);
    stretch.clear();
    for (int64_t i = 0; isControlFlow(*op) && i < op->numRegions(); i++)
      changed |= orderBlock(func, redefined, op->region(i));
  }
  return changed;
}

} // namespace

Result<bool> orderKernels(Module &module, PassContext &) {
  Func &func = module.main();
  return orderBlock(func, redefinedSymbols(func), func.body);
}

} // namespace cameo
