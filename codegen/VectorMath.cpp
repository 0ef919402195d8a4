// Chooses and declares the functions of VectorMath.h.
#include "codegen/VectorMath.h"

#include "codegen/Functions.h"
#include "codegen/VectorMathImpl.h"

namespace cameo {
namespace {

struct Row {
  OpKind kind;
  const char *name;
  MathEmitter emit32;   // f32
  const char *scalar64; // the runtime's function, nullptr when emitted by emit64
  bool inlined;         // short enough to be inlined at every use
};
const Row kRows[] = {
    {OpKind::ScalarExp, "exp", emitExp, "cameo_exp", true},
    {OpKind::ScalarLog, "log", emitLog, "cameo_log", true},
    {OpKind::ScalarSin, "sin", emitSin, "cameo_sin", false},
    {OpKind::ScalarCos, "cos", emitCos, "cameo_cos", false},
    {OpKind::ScalarTan, "tan", emitTan, "cameo_tan", false},
    {OpKind::ScalarAsin, "asin", emitAsin, "cameo_asin", false},
    {OpKind::ScalarAcos, "acos", emitAcos, "cameo_acos", false},
    {OpKind::ScalarAtan, "atan", emitAtan, "cameo_atan", false},
    {OpKind::ScalarSinh, "sinh", emitSinh, "cameo_sinh", false},
    {OpKind::ScalarCosh, "cosh", emitCosh, "cameo_cosh", false},
    {OpKind::ScalarTanh, "tanh", emitTanh, "cameo_tanh", true},
    {OpKind::ScalarAsinh, "asinh", emitAsinh, "cameo_asinh", false},
    {OpKind::ScalarAcosh, "acosh", emitAcosh, "cameo_acosh", false},
    {OpKind::ScalarAtanh, "atanh", emitAtanh, "cameo_atanh", false},
    {OpKind::ScalarErf, "erf", emitErf, "cameo_erf", true},
    {OpKind::ScalarPow, "pow", emitPow, "cameo_pow", false},
    {OpKind::ScalarSigmoid, "sigmoid", emitSigmoid, nullptr, true},
};

// 1/(1+exp(-a)) with an exponential that cannot overflow.
llvm::Value *wideSigmoid(OpBuilder &b, llvm::Value *a) {
  llvm::Value *one = b.number(a->getType(), 1);
  llvm::Value *e = b.callPerLane("cameo_exp", {b.CreateFNeg(b.fabs(a))});
  llvm::Value *negative = b.CreateFCmpOLT(a, b.number(a->getType(), 0));
  return b.CreateFDiv(b.CreateSelect(negative, e, one), b.CreateFAdd(one, e));
}

llvm::Function *define(OpBuilder &b, const Row &row, llvm::ArrayRef<llvm::Value *> args,
                       const std::string &name) {
  llvm::Type *type = args[0]->getType();
  llvm::SmallVector<llvm::Type *> types(args.size(), type);
  auto *function = llvm::Function::Create(llvm::FunctionType::get(type, types, false),
                                          llvm::Function::InternalLinkage, name, b.module());
  setTargetAttributes(*function, b.target());
  markGenerated(*function, b.target());
  function->setDoesNotAccessMemory();
  function->addFnAttr(llvm::Attribute::WillReturn);
  function->addFnAttr(row.inlined ? llvm::Attribute::AlwaysInline : llvm::Attribute::NoInline);
  llvm::IRBuilderBase::InsertPointGuard guard(b);
  b.SetInsertPoint(llvm::BasicBlock::Create(b.getContext(), "", function));
  llvm::SmallVector<llvm::Value *> params;
  for (llvm::Argument &arg : function->args())
    params.push_back(&arg);
  b.CreateRet(row.emit32(b, params));
  return function;
}

} // namespace

llvm::Value *vectorMath(OpBuilder &b, OpKind kind, llvm::ArrayRef<llvm::Value *> args) {
  auto *row = std::find_if(std::begin(kRows), std::end(kRows),
                           [&](const Row &candidate) { return kind == candidate.kind; });
  ICE_UNLESS(row != std::end(kRows), "not an elementary function");
  llvm::Type *type = args[0]->getType();
  if (type->getScalarType()->isDoubleTy())
    return row->scalar64 ? b.callPerLane(row->scalar64, args) : wideSigmoid(b, args[0]);
  ICE_UNLESS(type->getScalarType()->isFloatTy(), "an elementary function of integers");
  std::string name = "math." + std::string(row->name);
  if (type->isVectorTy())
    name += "." + std::to_string(OpBuilder::lanes(type));
  llvm::Function *function = b.module().getFunction(name);
  return b.CreateCall(function ? function : define(b, *row, args, name), args);
}

} // namespace cameo
