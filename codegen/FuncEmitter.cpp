// Arguments, results and straight-line ops; see FuncEmitter.h.
#include "codegen/FuncEmitter.h"

#include "ir/OpSpec.h"

namespace cameo {

void FuncEmitter::emit(Func &func) {
  function_ = self_.function;
  b_.SetInsertPoint(newBlock("entry"));
  bindArguments(func);
  for (const std::unique_ptr<Op> &op : func.body.ops())
    emitOp(*op);
  if (!b_.GetInsertBlock()->getTerminator())
    b_.CreateRetVoid();
}

void FuncEmitter::bindArguments(Func &func) {
  llvm::Function::arg_iterator next = function_->arg_begin();
  llvm::Value *one = b_.getInt32(1);
  thread_ = b_.getInt32(0);
  threads_ = one;
  if (self_.kind == "sizes" || self_.kind == "workspace") {
    llvm::Value *dims = next++;
    bool sizes = self_.kind == "sizes";
    llvm::Value *second = next++;
    frame_ = fakeFrame(dims, sizes ? one : second);
    (sizes ? fault_ : threads_) = second;
    if (!sizes && func.body.numArgs() == 1)
      values_[func.body.arg(0)] = b_.CreateSExt(second, b_.indexType());
    return;
  }
  bool isTeam = self_.kind == "team";
  if (!isTeam && self_.kind != "main")
    for (const std::unique_ptr<Value> &arg : func.body.args())
      values_[arg.get()] = next++;
  if (next != function_->arg_end() && next->getType()->isPointerTy())
    frame_ = next++;
  if (next != function_->arg_end()) {
    thread_ = next++;
    threads_ = next++;
  }
}

// Sizes and workspace functions get the table of sizes alone; this makes it look like a frame, so
// that frame ops are the same everywhere. Optimisation removes it.
llvm::Value *FuncEmitter::fakeFrame(llvm::Value *dims, llvm::Value *threads) {
  llvm::StructType *type = frameType(b_.getContext());
  llvm::Value *frame = b_.CreateAlloca(type);
  b_.CreateStore(llvm::Constant::getNullValue(type), frame);
  b_.CreateStore(dims, b_.CreateStructGEP(type, frame, static_cast<int>(FrameField::Dims)));
  b_.CreateStore(threads, b_.CreateStructGEP(type, frame, static_cast<int>(FrameField::Threads)));
  return frame;
}

void FuncEmitter::emitReturn(Op &op) {
  Values results = operands(op);
  llvm::Type *type = function_->getReturnType();
  if (type->isVoidTy()) {
    b_.CreateRetVoid();
  } else if (results.size() == 1) {
    b_.CreateRet(b_.CreateIntCast(results[0], type, true));
  } else {
    llvm::Value *all = llvm::PoisonValue::get(type);
    for (size_t i = 0; i < results.size(); i++)
      all = b_.CreateInsertValue(all, results[i], i);
    b_.CreateRet(all);
  }
}

llvm::Value *FuncEmitter::operand(Op &op, int64_t i) {
  Value *value = op.operand(i);
  if (!value)
    return nullptr;
  auto found = values_.find(value);
  ICE_UNLESS(found != values_.end(), "an operand of " + std::string(spec(op.kind()).name) +
                                         " is not defined before its use");
  return found->second;
}

FuncEmitter::Values FuncEmitter::operands(Op &op) {
  Values values;
  for (int64_t i = 0; i < op.numOperands(); i++)
    values.push_back(operand(op, i));
  return values;
}

// Ops whose kind, operands and result type say it all.
void FuncEmitter::emitScalar(Op &op) {
  const Type &type = op.result()->type;
  if (op.kind() == OpKind::ScalarConst) {
    const Attr *value = op.attrs.find("value");
    ICE_UNLESS(value, "const without a value");
    return setResult(op, b_.constant(type, *value));
  }
  Values args = operands(op);
  DType dtype = b_.dtype(op.operand(0)->type);
  switch (op.kind()) {
  case OpKind::ScalarMad:
    return setResult(op, b_.mad(dtype, args[0], args[1], args[2]));
  case OpKind::ScalarCmp:
    return setResult(op, b_.compare(op.attrs.getString("pred"), dtype, args[0], args[1]));
  case OpKind::ScalarSelect:
    return setResult(op, b_.CreateSelect(args[0], args[1], args[2]));
  case OpKind::ScalarCast:
    if (op.attrs.has("flush"))
      return setResult(op, b_.flushingBfloat(args[0]));
    return setResult(op, type.isIndex() ? b_.castToIndex(args[0], dtype)
                                        : b_.cast(args[0], dtype, b_.dtype(type)));
  case OpKind::ScalarBitcast:
    return setResult(op, b_.CreateBitCast(args[0], b_.type(type)));
  case OpKind::ScalarLookup:
    return setResult(op,
                     b_.lookup(std::get<std::vector<int64_t>>(*op.attrs.find("table")), args[0]));
  case OpKind::ScalarNearest:
    return setResult(op, b_.nearest(args[0]));
  case OpKind::IndexCheckedAdd:
  case OpKind::IndexCheckedMul:
    return emitChecked(op);
  default:
    return setResult(op, args.size() == 2 ? b_.binary(op.kind(), dtype, args[0], args[1])
                                          : b_.unary(op.kind(), dtype, args[0]));
  }
}

// In i32 lanes, or i8 when there are more than 16 of them: the count is clamped first.
llvm::Value *FuncEmitter::laneMask(Op &op) {
  int64_t lanes = op.result()->type.lanes();
  llvm::Type *index = b_.indexType();
  llvm::Value *count =
      b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, operand(op, 0), b_.integer(index, 0));
  count = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, count, b_.integer(index, lanes));
  llvm::Type *lane = lanes > 16 && lanes < 256 ? b_.getInt8Ty() : b_.getInt32Ty();
  llvm::Type *vector = llvm::FixedVectorType::get(lane, lanes);
  return b_.CreateICmpULT(b_.CreateStepVector(vector),
                          b_.CreateVectorSplat(lanes, b_.CreateTrunc(count, lane)));
}

void FuncEmitter::emitDot(Op &op) {
  llvm::Value *sum = operand(op, 0), *a = operand(op, 1), *b = operand(op, 2);
  if (op.result()->type.dtype() == DType::F32)
    return setResult(op, b_.dotPairs(sum, a, b));
  bool aSigned = isSignedInt(op.operand(1)->type.dtype());
  bool bSigned = isSignedInt(op.operand(2)->type.dtype());
  bool isMatrix = op.kind() == OpKind::VectorMatrixDot;
  setResult(op, isMatrix ? b_.matrixDot(sum, aSigned, a, bSigned, b)
                         : b_.dot(sum, aSigned, a, bSigned, b));
}

void FuncEmitter::emitVector(Op &op) {
  switch (op.kind()) {
  case OpKind::VectorSplat:
    return setResult(op, b_.CreateVectorSplat(op.result()->type.lanes(), operand(op, 0)));
  case OpKind::VectorMask:
    return setResult(op, laneMask(op));
  case OpKind::VectorIota:
    return setResult(op, b_.CreateStepVector(b_.type(op.result()->type)));
  case OpKind::VectorReduce:
    return setResult(
        op, b_.reduce(op.attrs.getString("op"), op.operand(0)->type.dtype(), operand(op, 0)));
  case OpKind::VectorDot:
  case OpKind::VectorMatrixDot:
    return emitDot(op);
  case OpKind::VectorShuffle: {
    std::vector<int64_t> lanes = op.attrs.getInts("lanes");
    return setResult(op,
                     b_.CreateShuffleVector(operand(op, 0), operand(op, 1),
                                            llvm::SmallVector<int>(lanes.begin(), lanes.end())));
  }
  default:
    ICE("not an op on vectors");
  }
}

void FuncEmitter::emitChecked(Op &op) {
  llvm::Intrinsic::ID id = op.kind() == OpKind::IndexCheckedAdd
                               ? llvm::Intrinsic::sadd_with_overflow
                               : llvm::Intrinsic::smul_with_overflow;
  llvm::Value *both = b_.CreateBinaryIntrinsic(id, operand(op, 0), operand(op, 1));
  setResult(op, b_.CreateExtractValue(both, 0), 0);
  setResult(op, b_.CreateExtractValue(both, 1), 1);
}

void FuncEmitter::emitOp(Op &op) {
  switch (spec(op.kind()).family) {
  case Family::Scalar:
    return emitScalar(op);
  case Family::Vector:
    return emitVector(op);
  case Family::Memory:
    return emitMemory(op);
  case Family::Tile:
    return emitTile(op);
  case Family::Control:
    return emitControl(op);
  case Family::Frame:
    return emitFrame(op);
  case Family::Team:
    return emitTeamOp(op);
  default:
    ICE("op '" + std::string(spec(op.kind()).name) + "' has no place at the loop level");
  }
}

} // namespace cameo
