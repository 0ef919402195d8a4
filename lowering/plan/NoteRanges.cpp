// Lets the kernel that writes a tensor note its range, where the run quantizes the tensor with a
// scale for that range: the least and the largest element then cost no pass over memory. Runs when
// plans say how many units a kernel has, as each notes its own range.
//
// Turn this: %y = gemm(...);  %a = reduce(%y) {combiner = "min"}
//            %low = reduce(%a) {combiner = "min"} ... ^(%least) { min %least, 0 }
// Into this: %y, %h, %l = gemm(...)
//            %low = reduce(%l) {combiner = "max"} ... ^(%bits) { bitcast ... }
// Only if: 0 is in the range (bits of floats of both signs are in no order), and all elements are
// those of one kernel, in whatever order.
#include "ir/kernel/KernelSpec.h"
#include "ir/kernel/Range.h"
#include "ir/kernel/Reduce.h"
#include "lowering/Passes.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/LoopBuilder.h"
#include "lowering/plan/KernelUnits.h"
#include "lowering/plan/VerifyPlans.h"

#include <algorithm>

namespace cameo {
namespace {

bool yieldsArgument(Block &region) {
  const Op *yield = region.terminator();
  return yield->numOperands() == 1 && yield->operand(0) == region.arg(0);
}

bool isExtreme(const Op &op, Combiner combiner) {
  return op.kind() == OpKind::KernelReduce && attrsOf<ReduceAttrs>(op).combiner == combiner &&
         op.operand(0)->type.dtype() == DType::F32 && yieldsArgument(op.region(0));
}

/// Whether an op's elements are all of its operand's, in another order, or the extremes of some.
bool keepsExtremes(const Op &op, Combiner combiner) {
  if (op.kind() == OpKind::KernelReduce)
    return isExtreme(op, combiner) && op.numOperands() == 1 && yieldsArgument(op.region(1));
  return op.kind() == OpKind::KernelReshape || op.kind() == OpKind::KernelTranspose ||
         op.kind() == OpKind::KernelCopy;
}

/// The kernel that writes the elements of which a reduction takes the extreme.
Op *writerOf(const Op &reduce, Combiner combiner) {
  Op *op = reduce.operand(0)->definingOp();
  while (op && keepsExtremes(*op, combiner))
    op = op->operand(0)->definingOp();
  bool canNote = op && op->block() == reduce.block() && isPlanned(*op) &&
                 (canNoteRange(*op) || notesRange(*op));
  return canNote ? op : nullptr;
}

/// Whether the epilogue takes the extreme of what was reduced and 0 before all else.
bool includesZero(const Op &reduce, Combiner combiner) {
  std::vector<Op *> users = reduce.region(1).arg(0)->users();
  OpKind kind = combiner == Combiner::Max ? OpKind::ScalarMax : OpKind::ScalarMin;
  return users.size() == 1 && users[0]->kind() == kind &&
         std::any_of(users[0]->operands().begin(), users[0]->operands().end(), [](Value *operand) {
           Op *constant = operand->definingOp();
           return constant && constant->kind() == OpKind::ScalarConst &&
                  constant->attrs.getFloat("value") == 0;
         });
}

struct Noter {
  Module &module;
  Func &func = module.main();

  void addList(Op &kernel, DType dtype, const Dim &units, const std::string &suffix) {
    Value *list = kernel.addResult(Type::tensor(dtype, {units}));
    list->name = kernel.result()->name + suffix;
    list->layout = Layout{std::ssize(func.buffers), Dim(0), {Dim(1)}};
    func.buffers.push_back({Buffer::Space::Arena, list->name, dtype, units, -1, Dim(0)});
  }

  /// The reduction takes the largest bits instead, which its epilogue makes a float.
  void read(Op &reduce, Value *list, Combiner combiner) {
    Block &epilogue = reduce.region(1);
    Value *bits = epilogue.arg(0);
    Op *extreme = bits->users()[0];
    reduce.setOperand(0, list);
    reduce.attrs = dictOf(ReduceAttrs{{0}, Combiner::Max});
    reduce.region(0).arg(0)->type = bits->type = Type::scalar(list->type.dtype());
    LoopBuilder b(module);
    b.before(epilogue.ops().front().get());
    Type element = Type::scalar(DType::F32), word = Type::scalar(DType::I32);
    Value *number = b.bitcast(bits, element);
    if (combiner == Combiner::Min) {
      Value *isNegative = b.cmp("lt", b.bitcast(bits, word), b.constantInt(word, 0));
      number = b.select(isNegative, number, b.constant(element, 0));
    }
    for (int64_t i = 0; i < extreme->numOperands(); i++)
      if (extreme->operand(i) == bits)
        extreme->setOperand(i, number);
  }

  bool rewrite(Op &reduce) {
    for (Combiner combiner : {Combiner::Min, Combiner::Max}) {
      if (!isExtreme(reduce, combiner) || reduce.result()->type.rank() != 0 ||
          !includesZero(reduce, combiner))
        continue;
      Op *kernel = writerOf(reduce, combiner), *before = reduce.operand(0)->definingOp();
      if (!kernel)
        continue;
      if (!notesRange(*kernel)) {
        Dim units = unitsOf(*kernel).grid.count();
        addList(*kernel, DType::I32, units, ".high");
        addList(*kernel, DType::U32, units, ".low");
      }
      read(reduce, kernel->result(combiner == Combiner::Max ? kHigh : kLow), combiner);
      while (before != kernel && before->result()->users().empty()) {
        Op *next = before->operand(0)->definingOp();
        before->setOperands({});
        before->erase();
        before = next;
      }
      return true;
    }
    return false;
  }
};

} // namespace

Result<bool> noteRanges(Module &module, PassContext &) {
  bool changed = false;
  Noter noter{module};
  for (Op *op : opsOf(module.main()))
    if (op->kind() == OpKind::KernelReduce)
      changed = noter.rewrite(*op) || changed;
  return changed;
}

} // namespace cameo
