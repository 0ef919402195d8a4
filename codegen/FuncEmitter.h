// Walks one loop-level function into LLVM IR, an op to a few instructions. The contract of the ops
// is in ir/ops/Loop.def.
#pragma once

#include "codegen/Functions.h"

#include <unordered_map>

namespace cameo {

class FuncEmitter {
public:
  FuncEmitter(OpBuilder &builder, const EmittedFuncs &funcs, const EmittedFunc &self)
      : b_(builder), funcs_(funcs), self_(self) {}
  void emit(Func &func);

private:
  using Values = std::vector<llvm::Value *>;

  // FuncEmitter.cpp
  void bindArguments(Func &func);
  llvm::Value *fakeFrame(llvm::Value *dims, llvm::Value *threads);
  void emitReturn(Op &op);
  void emitOp(Op &op);
  void emitScalar(Op &op);
  void emitDot(Op &op);
  void emitVector(Op &op);
  void emitChecked(Op &op);
  llvm::Value *laneMask(Op &op);
  llvm::Value *operand(Op &op, int64_t i);
  Values operands(Op &op);
  void setResult(Op &op, llvm::Value *value, int64_t i = 0) { values_[op.result(i)] = value; }

  // ControlOps.cpp
  void emitControl(Op &op);
  void emitTeamOp(Op &op);
  llvm::BasicBlock *newBlock(const char *name);
  /// Emits the ops of a region and returns what its yield yields.
  Values emitRegion(Block &block);
  void emitFor(Op &op);
  void emitWhile(Op &op);
  void emitIf(Op &op);
  void emitCall(Op &op);
  void emitSection(llvm::Value *units,
                   const std::function<void(llvm::Value *, llvm::Value *)> &body);
  void emitParallel(Op &op);
  void emitSingle(Op &op);
  void emitTeam(Op &op);
  void emitClock(Op &op);
  void emitFail(Op &op);
  void emitReserve(Op &op);
  void emitCallSite(Op &op);
  void emitIterate(Op &op);
  /// Whether the run is to end, as an i1.
  llvm::Value *hasFailed();
  void leaveIf(llvm::Value *condition);
  void failInSizes(const Values &args);

  // MemoryOps.cpp
  void emitMemory(Op &op);
  void emitFrame(Op &op);
  void emitLoad(Op &op);
  void emitStore(Op &op);
  void emitGather(Op &op);
  void emitPrefetch(Op &op);
  void emitScratch(Op &op);
  llvm::Value *address(Op &op, int64_t pointer);

  // TileOps.cpp
  void emitTile(Op &op);
  llvm::Value *tileNumber(Op &op, const char *name);
  void emitTileConfigure(Op &op);
  void emitTileMove(Op &op, llvm::Intrinsic::ID id);
  void emitTileDot(Op &op);

  llvm::Value *gatherLane(llvm::Type *element, llvm::Value *pointer, llvm::Value *index,
                          int64_t lane);
  llvm::Value *fromMemory(DType dtype, llvm::Value *value);
  llvm::Value *toMemory(DType dtype, llvm::Value *value);
  llvm::Value *frameField(FrameField field);
  llvm::Value *dimAddress(Op &op);
  void emitBuffer(Op &op, FrameField field);
  void emitPort(Op &op, FrameField field);
  /// The address of a pointer in one of the frame's tables.
  llvm::Value *slotOf(Op &op, FrameField field);

  OpBuilder &b_;
  const EmittedFuncs &funcs_;
  const EmittedFunc &self_;
  std::unordered_map<const Value *, llvm::Value *> values_;
  llvm::Function *function_ = nullptr;
  llvm::Value *frame_ = nullptr;
  llvm::Value *thread_ = nullptr;
  llvm::Value *threads_ = nullptr;
  llvm::Value *fault_ = nullptr; // only of kind "sizes"
  int64_t scratchBytes_ = 0;
};

} // namespace cameo
