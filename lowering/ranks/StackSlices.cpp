// See StackSlices.h.
#include "lowering/ranks/StackSlices.h"

#include "ir/Builder.h"

namespace cameo {
namespace {

/// The Loop with one more carried value, in place of stacked result `i`.
Op *withSequence(Module &module, Op &loop, int64_t i) {
  Builder b(module);
  b.loc = loop.loc;
  b.before(&loop);
  AttrDict attrs;
  attrs.set("dtype", loop.result(i)->type.dtype());
  Value *empty = b.graphValue(OpKind::SequenceEmpty, {}, std::move(attrs));
  Block &from = loop.region();
  int64_t numCarried = from.numArgs() - 2;
  std::vector<Value *> operands = loop.operands(), results, yielded;
  operands.resize(numCarried + 2);
  operands.push_back(empty);
  for (const std::unique_ptr<Value> &result : loop.results())
    results.push_back(result.get());
  results.erase(results.begin() + i);
  results.insert(results.begin() + numCarried, nullptr);
  std::vector<Type> types;
  for (const Value *result : results)
    types.push_back(result ? result->type : empty->type);
  Op *made = b.create(OpKind::Loop, std::move(operands), std::move(types), loop.attrs, 1);
  Block &to = made->region();
  for (const std::unique_ptr<Value> &arg : from.args())
    arg->replaceAllUsesWith(to.addArg(arg->type, arg->name));
  Value *sequence = to.addArg(empty->type);
  b.atEnd(to);
  Op *yield = b.create(OpKind::LoopYield, {}, {});
  Op *old = from.terminator();
  while (from.ops().front().get() != old)
    from.ops().front()->moveBefore(yield);
  b.before(yield);
  yielded = old->operands();
  Value *longer = b.graphValue(OpKind::SequenceInsert, {sequence, yielded[i + 1]});
  yielded.erase(yielded.begin() + i + 1);
  yielded.insert(yielded.begin() + numCarried + 1, longer);
  yield->setOperands(std::move(yielded));
  for (size_t k = 0; k < results.size(); k++)
    if (results[k]) {
      made->result(static_cast<int64_t>(k))->name = results[k]->name;
      results[k]->replaceAllUsesWith(made->result(static_cast<int64_t>(k)));
    }
  return made;
}

} // namespace

Op *stackInSequence(Module &module, Op &loop, int64_t i) {
  Op *made = withSequence(module, loop, i);
  Value *stacked = loop.result(i), *sequence = made->result(loop.region().numArgs() - 2);
  Builder b(module);
  b.loc = loop.loc;
  b.after(made);
  // Without slices there is no shape to go by.
  Value *count = b.graphValue(OpKind::SequenceLength, {sequence});
  Value *zero = b.constant(makeSplat(DType::I64, {}, 0));
  Value *isEmpty = b.graphValue(OpKind::Equal, {count, zero});
  Op *branch = b.create(OpKind::If, {isEmpty}, {stacked->type}, {}, 2);
  AttrDict attrs;
  attrs.set("axis", int64_t{0});
  attrs.set("new_axis", int64_t{1});
  b.atEnd(branch->region(0));
  Value *none = b.constant(makeConst(stacked->type.dtype(), {0}, {}));
  b.create(OpKind::LoopYield, {none}, {});
  b.atEnd(branch->region(1));
  Value *joined = b.graphValue(OpKind::ConcatFromSequence, {sequence}, std::move(attrs));
  b.create(OpKind::LoopYield, {joined}, {});
  branch->result()->name = stacked->name;
  stacked->replaceAllUsesWith(branch->result());
  loop.erase();
  return made;
}

} // namespace cameo
