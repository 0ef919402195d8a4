// Regions: loops, branches, calls, and the team ops, which are calls of the runtime.
#include "codegen/FuncEmitter.h"

#include "codegen/Spills.h"
#include "ir/Fault.h"
#include "runtime/abi.h"

namespace cameo {

llvm::BasicBlock *FuncEmitter::newBlock(const char *name) {
  return llvm::BasicBlock::Create(b_.getContext(), name, function_);
}

FuncEmitter::Values FuncEmitter::emitRegion(Block &block) {
  for (const std::unique_ptr<Op> &op : block.ops())
    emitOp(*op);
  Op *yield = block.terminator();
  ICE_UNLESS(yield && yield->kind() == OpKind::LoopYield, "a region does not end in yield");
  return operands(*yield);
}

// Loops are emitted in the form that keeps accumulators in registers:
// tested at the bottom behind a guard, carried values as phis, and never unrolled or vectorised.
static void keepAsIs(llvm::Instruction *backEdge) {
  llvm::LLVMContext &context = backEdge->getContext();
  auto option = [&](const char *name, llvm::ArrayRef<llvm::Metadata *> more) {
    llvm::SmallVector<llvm::Metadata *> parts = {llvm::MDString::get(context, name)};
    parts.append(more.begin(), more.end());
    return llvm::MDNode::get(context, parts);
  };
  llvm::Metadata *no = llvm::ConstantAsMetadata::get(llvm::ConstantInt::getFalse(context));
  llvm::MDNode *loop =
      llvm::MDNode::getDistinct(context, {nullptr, option("llvm.loop.unroll.disable", {}),
                                          option("llvm.loop.vectorize.enable", {no})});
  loop->replaceOperandWith(0, loop);
  backEdge->setMetadata(llvm::LLVMContext::MD_loop, loop);
}

/// Whether a loop adds products itself, not in loops inside.
static bool hasProducts(Block &body) {
  return llvm::any_of(body.ops(), [](const std::unique_ptr<Op> &op) {
    return op->kind() == OpKind::ScalarMad || op->kind() == OpKind::VectorDot ||
           op->kind() == OpKind::VectorMatrixDot;
  });
}

void FuncEmitter::emitFor(Op &op) {
  Values args = operands(op);
  llvm::Value *lower = args[0], *upper = args[1], *step = args[2];
  Values init(args.begin() + 3, args.end());
  llvm::BasicBlock *before = b_.GetInsertBlock();
  llvm::BasicBlock *loop = newBlock("for"), *after = newBlock("for.end");
  b_.CreateCondBr(b_.CreateICmpSLT(lower, upper), loop, after);

  b_.SetInsertPoint(loop);
  Block &body = op.region();
  std::vector<llvm::PHINode *> phis = {b_.CreatePHI(b_.indexType(), 2)};
  for (llvm::Value *value : init)
    phis.push_back(b_.CreatePHI(value->getType(), 2));
  for (size_t i = 0; i < phis.size(); i++) {
    phis[i]->addIncoming(i ? init[i - 1] : lower, before);
    values_[body.arg(i)] = phis[i];
  }
  Values yielded = emitRegion(body);
  llvm::BasicBlock *last = b_.GetInsertBlock();
  llvm::Value *next = b_.CreateAdd(phis[0], step);
  llvm::BranchInst *branch = b_.CreateCondBr(b_.CreateICmpSLT(next, upper), loop, after);
  keepAsIs(branch);
  if (hasProducts(body))
    branch->setMetadata(kProductsLoop, llvm::MDNode::get(b_.getContext(), {}));
  phis[0]->addIncoming(next, last);
  for (size_t i = 0; i < init.size(); i++)
    phis[i + 1]->addIncoming(yielded[i], last);

  b_.SetInsertPoint(after);
  for (size_t i = 0; i < init.size(); i++) {
    llvm::PHINode *result = b_.CreatePHI(init[i]->getType(), 2);
    result->addIncoming(init[i], before);
    result->addIncoming(yielded[i], last);
    setResult(op, result, i);
  }
}

void FuncEmitter::emitWhile(Op &op) {
  Values init = operands(op);
  llvm::BasicBlock *before = b_.GetInsertBlock();
  llvm::BasicBlock *test = newBlock("while"), *body = newBlock("while.body");
  llvm::BasicBlock *after = newBlock("while.end");
  b_.CreateBr(test);
  b_.SetInsertPoint(test);
  std::vector<llvm::PHINode *> phis;
  for (size_t i = 0; i < init.size(); i++) {
    phis.push_back(b_.CreatePHI(init[i]->getType(), 2));
    phis[i]->addIncoming(init[i], before);
    values_[op.region(0).arg(i)] = phis[i];
  }
  Values tested = emitRegion(op.region(0));
  b_.CreateCondBr(tested[0], body, after);
  b_.SetInsertPoint(body);
  for (size_t i = 0; i < init.size(); i++)
    values_[op.region(1).arg(i)] = tested[i + 1];
  Values yielded = emitRegion(op.region(1));
  for (size_t i = 0; i < init.size(); i++)
    phis[i]->addIncoming(yielded[i], b_.GetInsertBlock());
  keepAsIs(b_.CreateBr(test));
  b_.SetInsertPoint(after);
  for (size_t i = 0; i < init.size(); i++)
    setResult(op, tested[i + 1], i);
}

void FuncEmitter::emitIf(Op &op) {
  llvm::BasicBlock *branches[2] = {newBlock("if.then"), newBlock("if.else")};
  llvm::BasicBlock *after = newBlock("if.end"), *ends[2];
  b_.CreateCondBr(operand(op, 0), branches[0], branches[1]);
  Values yielded[2];
  for (int i = 0; i < 2; i++) {
    b_.SetInsertPoint(branches[i]);
    if (i < op.numRegions())
      yielded[i] = emitRegion(op.region(i));
    ends[i] = b_.GetInsertBlock();
    b_.CreateBr(after);
  }
  b_.SetInsertPoint(after);
  for (int64_t r = 0; r < op.numResults(); r++) {
    llvm::PHINode *result = b_.CreatePHI(yielded[0][r]->getType(), 2);
    result->addIncoming(yielded[0][r], ends[0]);
    result->addIncoming(yielded[1][r], ends[1]);
    setResult(op, result, r);
  }
}

void FuncEmitter::emitCall(Op &op) {
  const EmittedFunc &callee = funcs_.at(op.attrs.getString("callee"));
  Values args = operands(op);
  if (callee.frame)
    args.push_back(frame_);
  if (callee.thread)
    args.insert(args.end(), {thread_, threads_});
  ICE_UNLESS(args.size() == callee.function->arg_size(),
             "wrong number of arguments for '" + op.attrs.getString("callee") + "'");
  llvm::CallInst *call = b_.CreateCall(callee.function, args);
  if (op.numResults() == 1)
    setResult(op, call);
  for (int64_t i = 0; op.numResults() > 1 && i < op.numResults(); i++)
    setResult(op, b_.CreateExtractValue(call, i), i);
}

// While the runtime gives this thread units, `body` does them. None when the run is to end: what a
// kernel left unfinished is never read, as all threads see the same behind the next barrier.
void FuncEmitter::emitSection(llvm::Value *units,
                              const std::function<void(llvm::Value *, llvm::Value *)> &body) {
  llvm::Type *i64 = b_.getInt64Ty(), *type = b_.indexType();
  llvm::BasicBlock &entry = b_.GetInsertBlock()->getParent()->getEntryBlock();
  llvm::IRBuilder<> atEntry(&entry, entry.begin());
  llvm::Value *range = atEntry.CreateAlloca(llvm::ArrayType::get(i64, 2));
  llvm::BasicBlock *claim = newBlock("claim"), *claimed = newBlock("claimed"),
                   *run = newBlock("units"), *after = newBlock("section.end");
  b_.CreateBr(claim);
  b_.SetInsertPoint(claim);
  llvm::FunctionCallee function = b_.module().getOrInsertFunction(
      "cameo_rt_claim", b_.getInt32Ty(), b_.getPtrTy(), b_.getInt32Ty(), i64, b_.getPtrTy());
  llvm::Value *any = b_.CreateCall(function, {frame_, thread_, b_.CreateSExt(units, i64), range});
  b_.CreateCondBr(b_.CreateICmpNE(any, b_.getInt32(0)), claimed, after);
  b_.SetInsertPoint(claimed);
  auto bound = [&](unsigned i) {
    llvm::Value *slot = b_.CreateConstInBoundsGEP1_32(i64, range, i);
    return b_.CreateTrunc(b_.CreateLoad(i64, slot), type);
  };
  llvm::Value *begin = bound(0), *end = bound(1);
  b_.CreateCondBr(hasFailed(), claim, run);
  b_.SetInsertPoint(run);
  body(begin, end);
  b_.CreateBr(claim);
  b_.SetInsertPoint(after);
}

void FuncEmitter::emitParallel(Op &op) {
  emitSection(operand(op, 0), [&](llvm::Value *begin, llvm::Value *end) {
    values_[op.region().arg(0)] = begin;
    values_[op.region().arg(1)] = end;
    emitRegion(op.region());
  });
}

// One unit.
void FuncEmitter::emitSingle(Op &op) {
  emitSection(b_.integer(b_.indexType(), 1),
              [&](llvm::Value *, llvm::Value *) { emitRegion(op.region()); });
}

void FuncEmitter::emitTeam(Op &op) {
  ICE_UNLESS(self_.kind == "main", "a team is started by a team");
  const EmittedFunc &team = funcs_.at(op.attrs.getString("callee"));
  ICE_UNLESS(team.kind == "team", "'" + op.attrs.getString("callee") + "' is not a team function");
  llvm::Type *i64 = b_.getInt64Ty();
  llvm::Value *work = op.numOperands() > 0 ? b_.CreateSExt(operand(op, 0), i64)
                                           : llvm::ConstantInt::get(i64, INT64_MAX);
  b_.CreateCall(b_.module().getOrInsertFunction("cameo_rt_team", b_.getVoidTy(), b_.getPtrTy(),
                                                b_.getPtrTy(), i64),
                {frame_, team.function, work});
}

// The counter that user code may read: the time stamp counter, the generic timer. 0 elsewhere.
void FuncEmitter::emitClock(Op &op) {
  llvm::Type *i64 = b_.getInt64Ty();
  auto read = [&](const char *instruction) {
    llvm::FunctionType *type = llvm::FunctionType::get(i64, false);
    return b_.CreateCall(type, llvm::InlineAsm::get(type, instruction, "=r", true));
  };
  switch (b_.target().arch) {
  case Arch::X86_64:
    return setResult(op, b_.CreateIntrinsic(i64, llvm::Intrinsic::readcyclecounter, {}));
  case Arch::AArch64:
    return setResult(op, read("mrs $0, cntvct_el0"));
  case Arch::RiscV64:
    return setResult(op, read("rdtime $0"));
  default:
    return setResult(op, b_.getInt64(0));
  }
}

void FuncEmitter::emitFail(Op &op) {
  llvm::Type *i64 = b_.getInt64Ty();
  llvm::Value *node = op.operand(2) ? b_.CreateTrunc(operand(op, 2), b_.getInt32Ty())
                                    : b_.getInt32(op.attrs.getInt("node", -1));
  Values args = {b_.getInt32(faultOf(op.attrs)), node};
  for (int64_t i = 0; i < 2; i++) {
    llvm::Value *value = operand(op, i);
    args.push_back(value ? b_.CreateSExtOrTrunc(value, i64) : b_.getInt64(0));
  }
  if (self_.kind == "sizes")
    return failInSizes(args);
  ICE_UNLESS(self_.kind != "workspace", "fail in the workspace function");
  args.insert(args.begin(), frame_);
  llvm::Type *i32 = b_.getInt32Ty();
  b_.CreateCall(b_.module().getOrInsertFunction("cameo_rt_fail", b_.getVoidTy(), b_.getPtrTy(), i32,
                                                i32, i64, i64),
                args);
}

void FuncEmitter::emitReserve(Op &op) {
  llvm::Type *i32 = b_.getInt32Ty(), *i64 = b_.getInt64Ty();
  b_.CreateCall(b_.module().getOrInsertFunction("cameo_rt_reserve", b_.getVoidTy(), b_.getPtrTy(),
                                                i32, i64, i32),
                {frame_, b_.getInt32(op.attrs.getInt("index")), b_.CreateSExt(operand(op, 0), i64),
                 b_.getInt32(op.attrs.getInt("keep"))});
}

void FuncEmitter::emitCallSite(Op &op) {
  b_.CreateCall(b_.module().getOrInsertFunction("cameo_rt_call", b_.getVoidTy(), b_.getPtrTy(),
                                                b_.getInt32Ty()),
                {frame_, b_.getInt32(op.attrs.getInt("index"))});
}

// Another thread may have written it, cameo_cancel among them.
llvm::Value *FuncEmitter::hasFailed() {
  llvm::Value *slot =
      b_.CreateStructGEP(frameType(b_.getContext()), frame_, static_cast<int>(FrameField::Failed));
  llvm::LoadInst *failed = b_.CreateLoad(b_.getInt32Ty(), slot);
  failed->setAtomic(llvm::AtomicOrdering::Monotonic);
  return b_.CreateICmpNE(failed, b_.getInt32(0));
}

void FuncEmitter::leaveIf(llvm::Value *condition) {
  ICE_UNLESS(self_.kind == "main", "only main may return early");
  llvm::BasicBlock *leave = newBlock("leave"), *after = newBlock("leave.end");
  b_.CreateCondBr(condition, leave, after);
  b_.SetInsertPoint(leave);
  b_.CreateRetVoid();
  b_.SetInsertPoint(after);
}

void FuncEmitter::emitIterate(Op &op) {
  llvm::Type *i32 = b_.getInt32Ty();
  llvm::Value *ends =
      b_.CreateCall(b_.module().getOrInsertFunction("cameo_rt_iterate", i32, b_.getPtrTy(), i32),
                    {frame_, b_.getInt32(op.attrs.getInt("node"))});
  leaveIf(b_.CreateICmpNE(ends, b_.getInt32(0)));
}

// The first fault is kept: the runtime has filled in that some size is bad, which gives way. The
// function's own return value says that there is a fault.
void FuncEmitter::failInSizes(const Values &args) {
  llvm::StructType *type = llvm::StructType::get(
      b_.getContext(), {b_.getInt32Ty(), b_.getInt32Ty(), b_.getInt64Ty(), b_.getInt64Ty()});
  llvm::BasicBlock *first = newBlock("fail"), *after = newBlock("fail.end");
  llvm::Value *code = b_.CreateLoad(b_.getInt32Ty(), fault_);
  b_.CreateCondBr(b_.CreateICmpEQ(code, b_.getInt32(CAMEO_FAULT_SIZES)), first, after);
  b_.SetInsertPoint(first);
  for (unsigned i = 0; i < args.size(); i++)
    b_.CreateStore(args[i], b_.CreateStructGEP(type, fault_, i));
  b_.CreateBr(after);
  b_.SetInsertPoint(after);
}

void FuncEmitter::emitControl(Op &op) {
  switch (op.kind()) {
  case OpKind::LoopFor:
    return emitFor(op);
  case OpKind::LoopWhile:
    return emitWhile(op);
  case OpKind::LoopIf:
    return emitIf(op);
  case OpKind::LoopYield:
    return; // emitRegion takes its operands
  case OpKind::LoopCall:
    return emitCall(op);
  case OpKind::LoopReturn:
    return emitReturn(op);
  default:
    ICE("not an op of control flow");
  }
}

void FuncEmitter::emitTeamOp(Op &op) {
  switch (op.kind()) {
  case OpKind::TeamRun:
    return emitTeam(op);
  case OpKind::TeamParallel:
    return emitParallel(op);
  case OpKind::TeamSingle:
    return emitSingle(op);
  case OpKind::TeamThread:
    return setResult(op, b_.CreateSExt(thread_, b_.indexType()));
  case OpKind::TeamThreads:
    return setResult(op, b_.CreateSExt(threads_, b_.indexType()));
  case OpKind::TeamBarrier:
    b_.CreateCall(b_.module().getOrInsertFunction("cameo_rt_barrier", b_.getVoidTy(), b_.getPtrTy(),
                                                  b_.getInt32Ty()),
                  {frame_, thread_});
    return;
  case OpKind::TeamClock:
    return emitClock(op);
  case OpKind::TeamFail:
    return emitFail(op);
  default:
    ICE("not an op of teams");
  }
}

} // namespace cameo
