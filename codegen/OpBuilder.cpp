// Types and constants; see OpBuilder.h.
#include "codegen/OpBuilder.h"

#include "ir/Half.h"

#include <llvm/Analysis/VectorUtils.h>

namespace cameo {

llvm::Type *OpBuilder::element(DType dtype) {
  switch (dtype) {
  case DType::F32:
    return getFloatTy();
  case DType::F64:
    return getDoubleTy();
  case DType::Bool:
    return getInt1Ty();
  case DType::String:
    ICE("strings have no loop-level type");
  default:
    return getIntNTy(8 * dtypeBytes(dtype));
  }
}

llvm::Type *OpBuilder::memoryElement(DType dtype) {
  return dtype == DType::Bool ? getInt8Ty() : element(dtype);
}

llvm::Type *OpBuilder::type(const Type &type) {
  switch (type.kind()) {
  case Type::Kind::Scalar:
    return element(type.dtype());
  case Type::Kind::Vector:
    return llvm::FixedVectorType::get(element(type.dtype()), type.lanes());
  case Type::Kind::Index:
    return indexType();
  case Type::Kind::Pointer:
    return getPtrTy();
  default:
    ICE("no loop-level type: " + type.str());
  }
}

DType OpBuilder::dtype(const Type &type) const {
  if (type.isIndex())
    return target_.indexBytes == 8 ? DType::I64 : DType::I32;
  return type.dtype();
}

llvm::Type *OpBuilder::like(llvm::Type *elementType, llvm::Type *shape) {
  if (!shape->isVectorTy())
    return elementType;
  return llvm::FixedVectorType::get(elementType, lanes(shape));
}

int64_t OpBuilder::lanes(llvm::Type *type) {
  auto *vector = llvm::dyn_cast<llvm::FixedVectorType>(type);
  return vector ? vector->getNumElements() : 1;
}

llvm::Constant *OpBuilder::number(llvm::Type *type, double value) {
  return llvm::ConstantFP::get(type, value);
}

llvm::Constant *OpBuilder::integer(llvm::Type *type, int64_t value) {
  return llvm::ConstantInt::get(type, value, /*isSigned=*/true);
}

llvm::Constant *OpBuilder::constant(const Type &type, const Attr &value) {
  DType dtype = this->dtype(type);
  llvm::Type *llvmType = this->type(type);
  const int64_t *whole = std::get_if<int64_t>(&value);
  const double *real = std::get_if<double>(&value);
  ICE_UNLESS(whole || real, "const without a number");
  if (!isFloat(dtype)) {
    int64_t number = whole ? *whole : static_cast<int64_t>(*real);
    return integer(llvmType, dtype == DType::Bool ? number != 0 : number);
  }
  double number = real ? *real : static_cast<double>(*whole);
  if (isStorageOnly(dtype)) {
    uint16_t bits = 0;
    storeDouble(dtype, reinterpret_cast<std::byte *>(&bits), number);
    return integer(llvmType, bits);
  }
  return this->number(llvmType, number);
}

llvm::Value *OpBuilder::inParts(int64_t most, llvm::ArrayRef<llvm::Value *> operands, Part body) {
  auto count = static_cast<unsigned>(lanes(operands[0]->getType()));
  if (count <= most)
    return body(operands);
  auto half = [&](unsigned first) {
    llvm::SmallVector<llvm::Value *> parts;
    for (llvm::Value *operand : operands)
      parts.push_back(
          CreateShuffleVector(operand, llvm::createSequentialMask(first, count / 2, 0)));
    return inParts(most, parts, body);
  };
  llvm::Value *low = half(0), *high = half(count / 2);
  auto joined = static_cast<unsigned>(2 * lanes(low->getType()));
  return CreateShuffleVector(low, high, llvm::createSequentialMask(0, joined, 0));
}

llvm::Value *OpBuilder::callPerLane(const char *name, llvm::ArrayRef<llvm::Value *> args) {
  llvm::Type *type = args[0]->getType();
  llvm::SmallVector<llvm::Type *> types(args.size(), type->getScalarType());
  llvm::FunctionCallee callee = module_.getOrInsertFunction(
      name, llvm::FunctionType::get(type->getScalarType(), types, false));
  if (!type->isVectorTy())
    return CreateCall(callee, args);
  llvm::Value *result = llvm::PoisonValue::get(type);
  for (int64_t lane = 0; lane < lanes(type); lane++) {
    llvm::SmallVector<llvm::Value *> scalars;
    for (llvm::Value *arg : args)
      scalars.push_back(CreateExtractElement(arg, lane));
    result = CreateInsertElement(result, CreateCall(callee, scalars), lane);
  }
  return result;
}

} // namespace cameo
