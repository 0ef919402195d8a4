// Loads, stores and what the frame holds. bool is a byte in memory, of which any bit counts.
#include "codegen/FuncEmitter.h"

namespace cameo {

constexpr int64_t kMaxScratch = 8 << 10;

// Operand `pointer` plus the one after it, in elements.
llvm::Value *FuncEmitter::address(Op &op, int64_t pointer) {
  DType dtype = op.operand(pointer)->type.dtype();
  return b_.CreateGEP(b_.memoryElement(dtype), operand(op, pointer), operand(op, pointer + 1));
}

llvm::Value *FuncEmitter::fromMemory(DType dtype, llvm::Value *value) {
  if (dtype != DType::Bool)
    return value;
  return b_.CreateICmpNE(value, b_.integer(value->getType(), 0));
}

llvm::Value *FuncEmitter::toMemory(DType dtype, llvm::Value *value) {
  if (dtype != DType::Bool)
    return value;
  return b_.CreateZExt(value, OpBuilder::like(b_.getInt8Ty(), value->getType()));
}

static llvm::Align alignOf(Op &op, DType dtype) {
  return llvm::Align(std::max(op.attrs.getInt("align", 1), dtypeBytes(dtype)));
}

void FuncEmitter::emitLoad(Op &op) {
  const Type &result = op.result()->type;
  DType dtype = op.operand(0)->type.dtype();
  llvm::Type *type = OpBuilder::like(b_.memoryElement(dtype), b_.type(result));
  llvm::Value *from = address(op, 0), *mask = operand(op, 2), *loaded;
  if (!mask) {
    loaded = b_.CreateAlignedLoad(type, from, alignOf(op, dtype));
  } else {
    ICE_UNLESS(result.isVector(), "masked load of a scalar");
    loaded = b_.CreateMaskedLoad(type, from, alignOf(op, dtype), mask,
                                 llvm::Constant::getNullValue(type));
  }
  setResult(op, fromMemory(dtype, loaded));
}

void FuncEmitter::emitStore(Op &op) {
  DType dtype = op.operand(1)->type.dtype();
  llvm::Value *value = toMemory(dtype, operand(op, 0));
  llvm::Value *to = address(op, 1), *mask = operand(op, 3);
  if (!mask) {
    b_.CreateAlignedStore(value, to, alignOf(op, dtype));
    return;
  }
  ICE_UNLESS(value->getType()->isVectorTy(), "masked store of a scalar");
  b_.CreateMaskedStore(value, to, alignOf(op, dtype), mask);
}

llvm::Value *FuncEmitter::gatherLane(llvm::Type *element, llvm::Value *pointer, llvm::Value *index,
                                     int64_t lane) {
  llvm::Value *offset = b_.CreateExtractElement(index, lane);
  return b_.CreateLoad(element, b_.CreateGEP(element, pointer, offset));
}

// Masked lanes and elements the hardware gathers go to LLVM's gather; the rest is quicker, and
// shorter than what LLVM makes of a gather, as loads of single lanes.
void FuncEmitter::emitGather(Op &op) {
  DType dtype = op.operand(0)->type.dtype();
  llvm::Type *element = b_.memoryElement(dtype);
  llvm::Type *type = OpBuilder::like(element, b_.type(op.result()->type));
  llvm::Value *pointer = operand(op, 0), *index = operand(op, 1), *mask = operand(op, 2);
  llvm::Value *loaded = llvm::PoisonValue::get(type);
  bool inHardware = b_.target().hasGather && dtypeBytes(dtype) >= 4;
  if (mask || inHardware) {
    if (!mask)
      mask = llvm::Constant::getAllOnesValue(OpBuilder::like(b_.getInt1Ty(), type));
    loaded = b_.CreateMaskedGather(type, b_.CreateGEP(element, pointer, index),
                                   llvm::Align(dtypeBytes(dtype)), mask,
                                   llvm::Constant::getNullValue(type));
  } else if (!type->isVectorTy()) {
    loaded = b_.CreateLoad(element, b_.CreateGEP(element, pointer, index));
  } else {
    for (int64_t lane = 0; lane < OpBuilder::lanes(type); lane++)
      loaded = b_.CreateInsertElement(loaded, gatherLane(element, pointer, index, lane), lane);
  }
  setResult(op, fromMemory(dtype, loaded));
}

// The address may be anywhere, so its computation may not rely on being inside of an object.
void FuncEmitter::emitPrefetch(Op &op) {
  llvm::Type *element = b_.memoryElement(op.operand(0)->type.dtype());
  llvm::Value *at = b_.CreateGEP(element, operand(op, 0), operand(op, 1));
  llvm::Value *read = b_.getInt32(0), *data = b_.getInt32(1);
  llvm::Value *locality = b_.getInt32(op.attrs.getInt("level") == 1 ? 3 : 2); // to L1, or to L2
  b_.CreateIntrinsic(llvm::Intrinsic::prefetch, {at->getType()}, {at, read, locality, data});
}

void FuncEmitter::emitScratch(Op &op) {
  DType dtype = op.result()->type.dtype();
  int64_t count = op.attrs.getInt("count");
  ICE_UNLESS(count > 0 && count <= kMaxScratch, "scratch of " + std::to_string(count));
  scratchBytes_ += count * dtypeBytes(dtype);
  ICE_UNLESS(scratchBytes_ <= kMaxScratch,
             "scratch of " + std::to_string(scratchBytes_) + " bytes in one function");
  llvm::BasicBlock &entry = function_->getEntryBlock();
  llvm::IRBuilder<> atEntry(&entry, entry.begin());
  llvm::AllocaInst *scratch =
      atEntry.CreateAlloca(llvm::ArrayType::get(b_.memoryElement(dtype), count));
  scratch->setAlignment(llvm::Align(64));
  setResult(op, scratch);
}

// The fields used here do not change during a run, so their loads may move.
llvm::Value *FuncEmitter::frameField(FrameField field) {
  ICE_UNLESS(frame_, "a frame op in a function without a frame");
  llvm::StructType *type = frameType(b_.getContext());
  int number = static_cast<int>(field);
  llvm::LoadInst *load =
      b_.CreateLoad(type->getElementType(number), b_.CreateStructGEP(type, frame_, number));
  if (!fault_ && self_.kind != "workspace")
    load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(b_.getContext(), {}));
  return load;
}

llvm::Value *FuncEmitter::dimAddress(Op &op) {
  return b_.CreateConstGEP1_64(b_.getInt64Ty(), frameField(FrameField::Dims),
                               op.attrs.getInt("index"));
}

llvm::Value *FuncEmitter::slotOf(Op &op, FrameField field) {
  return b_.CreateConstGEP1_64(b_.getPtrTy(), frameField(field), op.attrs.getInt("index"));
}

void FuncEmitter::emitBuffer(Op &op, FrameField field) {
  llvm::Value *start = frameField(field), *begin = operand(op, 0);
  setResult(op, begin ? b_.CreateGEP(b_.getInt8Ty(), start, begin) : start);
}

void FuncEmitter::emitPort(Op &op, FrameField field) {
  llvm::LoadInst *load = b_.CreateLoad(b_.getPtrTy(), slotOf(op, field));
  load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(b_.getContext(), {}));
  setResult(op, load);
}

void FuncEmitter::emitMemory(Op &op) {
  switch (op.kind()) {
  case OpKind::LoopLoad:
    return emitLoad(op);
  case OpKind::LoopStore:
    return emitStore(op);
  case OpKind::LoopGatherLoad:
    return emitGather(op);
  case OpKind::LoopOffset:
    return setResult(op, address(op, 0));
  case OpKind::LoopPrefetch:
    return emitPrefetch(op);
  case OpKind::LoopRetype:
    return setResult(op, operand(op, 0));
  case OpKind::LoopScratch:
    return emitScratch(op);
  default:
    ICE("not an op on memory");
  }
}

void FuncEmitter::emitFrame(Op &op) {
  switch (op.kind()) {
  case OpKind::FrameInput:
    return emitPort(op, FrameField::Inputs);
  case OpKind::FrameOutput:
    return emitPort(op, FrameField::Outputs);
  case OpKind::FrameArena:
    return emitBuffer(op, FrameField::Workspace);
  case OpKind::FrameWeights:
    return emitBuffer(op, FrameField::Weights);
  case OpKind::FrameBox:
    return setResult(op, b_.CreateLoad(b_.getPtrTy(), slotOf(op, FrameField::Boxes)));
  case OpKind::FrameDim:
    return setResult(
        op, b_.CreateTrunc(b_.CreateLoad(b_.getInt64Ty(), dimAddress(op)), b_.indexType()));
  case OpKind::FrameSetDim:
    b_.CreateStore(b_.CreateSExt(operand(op, 0), b_.getInt64Ty()), dimAddress(op));
    return;
  case OpKind::FrameReserve:
    return emitReserve(op);
  case OpKind::FrameCallSite:
    return emitCallSite(op);
  case OpKind::FrameIterate:
    return emitIterate(op);
  case OpKind::FrameLeave:
    return leaveIf(hasFailed());
  default:
    ICE("not an op on the frame");
  }
}

} // namespace cameo
