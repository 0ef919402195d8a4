// Branches and loops whose values change size. They stay; what is added are `sizes` ops that say,
// where values cross the boundary, which size a symbol stands for now: that of the branch taken,
// that of the iteration to come. The layout pass then copies the values as always.
//
//   If:   both branches define the symbols of the results at their end.
//   Loop: symbols of carried values are defined before it and at the end of each iteration. Values
//   that
//         are yielded were computed under the old sizes, so they are moved out of the way (a copy
//         under symbols of its own) before the sizes change. Stacked results grow by a slice an
//         iteration.
#include "lowering/select/SelectControl.h"

#include "ir/Fault.h"
#include "lowering/build/Shapes.h"
#include "lowering/select/RunTimeShapes.h"
#include "runtime/abi.h"

#include <algorithm>
#include <set>

namespace cameo {
namespace {

/// Symbols to define, with the size each one gets.
struct Definitions {
  std::vector<std::string> symbols;
  Dims sizes;
};

/// Strings are boxed, but the sizes of a tensor of them are sizes like others.
bool isSized(const Type &type) { return type.isTensor() && type.isRanked(); }

/// Adds what of `type` is not defined, with the sizes of `value`.
Result<void> collect(const Selection &s, const Type &type, const Type &value,
                     const std::vector<std::string> &bound, Definitions &definitions) {
  if (!isSized(type))
    return {};
  if (!value.isRanked() || value.rank() != type.rank())
    return s.unsupportedBecause("a value whose rank changes is not supported");
  for (int64_t i = 0; i < type.rank(); i++) {
    if (missingSymbols(type.dim(i), bound).empty())
      continue;
    std::optional<std::string> symbol = type.dim(i).symbolName();
    if (!symbol)
      return s.unsupportedBecause("the size " + type.dim(i).str() + " is known only at run time");
    definitions.symbols.push_back(*symbol);
    definitions.sizes.push_back(value.dim(i));
  }
  return {};
}

/// A `sizes` op where the builder is; `write` may add checks.
void define(LoopBuilder &b, const Definitions &definitions, std::vector<Value *> operands = {},
            const std::function<std::vector<Value *>()> &more = nullptr) {
  if (definitions.symbols.empty())
    return;
  writeSizes(b, [&](SymbolValues &to) {
    to.symbols = definitions.symbols;
    to.operands = std::move(operands);
    if (more)
      to.values = more();
    for (size_t i = to.values.size(); i < definitions.sizes.size(); i++)
      to.values.push_back(sizeValue(b, definitions.sizes[i]));
  });
}

/// The same elements in memory of their own, under another shape of the same sizes.
Value *moved(LoopBuilder &b, Value *value, const Dims &shape) {
  Value *view = reshapeView(b, value, shape);
  Op *copy = b.create(OpKind::KernelPointwise, {view}, {view->type}, {}, 1);
  Value *element = copy->region().addArg(Type::scalar(view->type.dtype()));
  b.atEnd(copy->region());
  b.create(OpKind::LoopYield, {element}, {});
  b.after(copy);
  return copy->result();
}

struct LoopSelection {
  Selection &s;
  std::vector<std::string> &bound;
  LoopBuilder b;
  Block &body;
  Op *yield;
  int64_t numCarried;

  LoopSelection(Selection &s, std::vector<std::string> &bound)
      : s(s), bound(bound), b(s.module), body(s.op.region()), yield(body.terminator()),
        numCarried(body.numArgs() - 2) {
    b.loc = s.op.loc;
  }

  Result<void> defineCarried();
  Result<void> defineStacked();
  void moveYielded(bool all);
};

/// The sizes of the carried values: before the loop, of the next iteration's, and of the final
/// ones.
Result<void> LoopSelection::defineCarried() {
  Definitions first, next, then, last;
  for (int64_t i = 0; i < numCarried; i++) {
    const Type &type = body.arg(i + 2)->type;
    Definitions own;
    TRY(collect(s, type, s.op.operand(i + 2)->type, bound, first));
    TRY(collect(s, type, yield->operand(i + 1)->type, bound, own));
    for (size_t k = 0; k < own.symbols.size(); k++) {
      next.symbols.push_back(own.symbols[k] + ".next");
      next.sizes.push_back(own.sizes[k]);
      then.symbols.push_back(own.symbols[k]);
      then.sizes.push_back(Dim::symbol(next.symbols.back()));
    }
  }
  b.before(&s.op);
  define(b, first);
  bound.insert(bound.end(), first.symbols.begin(), first.symbols.end());
  bound.insert(bound.end(), next.symbols.begin(), next.symbols.end());
  for (int64_t i = 0; i < numCarried; i++)
    TRY(collect(s, s.op.result(i)->type, body.arg(i + 2)->type, bound, last));
  b.before(yield);
  define(b, next);
  moveYielded(!next.symbols.empty());
  define(b, then);
  b.after(&s.op);
  define(b, last);
  bound.insert(bound.end(), last.symbols.begin(), last.symbols.end());
  return {};
}

/// Copies what is yielded before sizes change: carried values under the symbols of the next sizes,
/// slices under those of the stacked result, as memory is made anew where a size is defined again.
void LoopSelection::moveYielded(bool all) {
  if (!all)
    return;
  for (int64_t i = 1; i < yield->numOperands(); i++) {
    Value *value = yield->operand(i);
    bool stays = i <= numCarried && value == body.arg(i + 1);
    if (!isSized(value->type) || isBoxed(value->type) || stays)
      continue;
    Dims shape = value->type.shape();
    if (i > numCarried) {
      const Dims &stacked = s.op.result(i - 1)->type.shape();
      shape.assign(stacked.begin() + 1, stacked.end());
    } else {
      for (int64_t d = 0; d < value->type.rank(); d++)
        if (std::optional<std::string> symbol = body.arg(i + 1)->type.dim(d).symbolName())
          if (std::find(bound.begin(), bound.end(), *symbol + ".next") != bound.end())
            shape[d] = Dim::symbol(*symbol + ".next");
    }
    yield->setOperand(i, moved(b, value, shape));
  }
}

/// A stacked result's first dim is the number of iterations so far, unless that of all is known,
/// its others those of a slice, which must not change.
Result<void> LoopSelection::defineStacked() {
  for (int64_t i = numCarried; i < s.op.numResults(); i++) {
    const Type &type = s.op.result(i)->type;
    const Type &slice = yield->operand(i + 1)->type;
    if (!isSized(type) || !slice.isRanked())
      continue;
    Dims grown = slice.shape();
    grown.insert(grown.begin(), Dim(0));
    Definitions definitions;
    TRY(collect(s, type, slice.withShape(grown), bound, definitions));
    if (definitions.symbols.empty())
      continue;
    bool isCounted = !missingSymbols(type.dim(0), bound).empty();
    Definitions none = definitions;
    none.sizes.assign(none.sizes.size(), Dim(0));
    b.before(&s.op);
    define(b, none);
    b.before(yield);
    Value *iteration = body.arg(0);
    define(b, definitions, {iteration}, [&]() -> std::vector<Value *> {
      Value *number = b.toIndex(elementAt(b, iteration->type, 0, {}));
      Value *isFirst = b.cmp("eq", number, b.index(0));
      for (size_t k = isCounted; k < definitions.symbols.size(); k++) {
        Value *now = sizeValue(b, definitions.sizes[k]);
        Value *before = sizeValue(b, Dim::symbol(definitions.symbols[k]));
        Value *same = b.binary(OpKind::ScalarOr, isFirst, b.cmp("eq", now, before));
        AttrDict attrs;
        attrs.set("code", faultWord(CAMEO_FAULT_DIMS_DIFFER));
        b.create(OpKind::RegionRequire, {same, now, before}, {}, std::move(attrs));
      }
      if (!isCounted)
        return {};
      return {b.add(number, b.index(1))};
    });
    bound.insert(bound.end(), definitions.symbols.begin(), definitions.symbols.end());
  }
  return {};
}

} // namespace

Result<void> selectIf(Selection &s, std::vector<std::string> &bound) {
  std::vector<std::string> symbols;
  for (int64_t r = 0; r < s.op.numRegions(); r++) {
    Op *yield = s.op.region(r).terminator();
    Definitions definitions;
    for (int64_t i = 0; i < s.op.numResults(); i++)
      TRY(collect(s, s.op.result(i)->type, yield->operand(i)->type, bound, definitions));
    LoopBuilder b(s.module);
    b.loc = s.op.loc;
    b.before(yield);
    define(b, definitions);
    symbols = definitions.symbols;
  }
  bound.insert(bound.end(), symbols.begin(), symbols.end());
  return {};
}

Result<void> selectLoop(Selection &s, std::vector<std::string> &bound) {
  LoopSelection loop(s, bound);
  TRY(loop.defineStacked());
  return loop.defineCarried();
}

} // namespace cameo
