// See VectorMath.h.
#include "codegen/VectorMath.h"

namespace cameo {

llvm::Value *vectorMath(OpBuilder &b, OpKind kind, llvm::ArrayRef<llvm::Value *> args) {
  static const std::pair<OpKind, const char *> names[] = {
      {OpKind::ScalarExp, "cameo_exp"},        {OpKind::ScalarLog, "cameo_log"},
      {OpKind::ScalarSin, "cameo_sin"},        {OpKind::ScalarCos, "cameo_cos"},
      {OpKind::ScalarTan, "cameo_tan"},        {OpKind::ScalarAsin, "cameo_asin"},
      {OpKind::ScalarAcos, "cameo_acos"},      {OpKind::ScalarAtan, "cameo_atan"},
      {OpKind::ScalarSinh, "cameo_sinh"},      {OpKind::ScalarCosh, "cameo_cosh"},
      {OpKind::ScalarTanh, "cameo_tanh"},      {OpKind::ScalarAsinh, "cameo_asinh"},
      {OpKind::ScalarAcosh, "cameo_acosh"},    {OpKind::ScalarAtanh, "cameo_atanh"},
      {OpKind::ScalarErf, "cameo_erf"},        {OpKind::ScalarPow, "cameo_pow"},
      {OpKind::ScalarSigmoid, "cameo_sigmoid"}};
  auto *row = std::find_if(std::begin(names), std::end(names),
                           [&](const auto &candidate) { return kind == candidate.first; });
  ICE_UNLESS(row != std::end(names), "not an elementary function");
  llvm::Type *type = args[0]->getType();
  llvm::SmallVector<llvm::Value *> wide;
  for (llvm::Value *arg : args)
    wide.push_back(b.CreateFPCast(arg, OpBuilder::like(b.getDoubleTy(), type)));
  return b.CreateFPCast(b.callPerLane(row->second, wide), type);
}

} // namespace cameo
