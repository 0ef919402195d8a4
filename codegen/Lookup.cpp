// The `lookup` op: an element of a table of 256 bytes. Where the target has permutations of bytes
// across a register, the table is in four of them; elsewhere it is read from memory, lane by lane.
#include "codegen/OpBuilder.h"

#include <llvm/IR/IntrinsicsX86.h>
#include <numeric>

namespace cameo {
namespace {

// Bytes of a register of VPERMI2B, and the bytes of the two that one instruction reads.
constexpr int64_t kRegister = 64, kPair = 128;

llvm::SmallVector<int> lanesFrom(int64_t first, int64_t count) {
  llvm::SmallVector<int> lanes(count);
  std::iota(lanes.begin(), lanes.end(), static_cast<int>(first));
  return lanes;
}

} // namespace

/// `at` has up to 64 lanes. The upper bit of an index chooses between the two halves of the table.
llvm::Value *OpBuilder::lookupInRegisters(llvm::ArrayRef<uint8_t> table, llvm::Value *at) {
  int64_t count = lanes(at->getType());
  llvm::SmallVector<int> widening(kRegister, -1);
  std::iota(widening.begin(), widening.begin() + count, 0);
  llvm::Value *wide = CreateShuffleVector(at, widening);
  auto quarter = [&](int64_t first) {
    return llvm::ConstantDataVector::get(getContext(), table.slice(first, kRegister));
  };
  auto half = [&](int64_t first) {
    return CreateIntrinsic(llvm::Intrinsic::x86_avx512_vpermi2var_qi_512, {},
                           {quarter(first), wide, quarter(first + kRegister)});
  };
  llvm::Value *isUpper = CreateICmpSLT(wide, integer(wide->getType(), 0));
  llvm::Value *found = CreateSelect(isUpper, half(kPair), half(0));
  return CreateShuffleVector(found, lanesFrom(0, count));
}

llvm::Value *OpBuilder::lookup(llvm::ArrayRef<int64_t> table, llvm::Value *at) {
  llvm::SmallVector<uint8_t> bytes(table.begin(), table.end());
  int64_t count = lanes(at->getType());
  if (at->getType()->isVectorTy() && target_.hasByteTables && count <= kRegister)
    return lookupInRegisters(bytes, at);
  llvm::Constant *values = llvm::ConstantDataArray::get(getContext(), bytes);
  auto *memory = new llvm::GlobalVariable(module_, values->getType(), /*isConstant=*/true,
                                          llvm::GlobalValue::PrivateLinkage, values, "table");
  memory->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
  auto element = [&](llvm::Value *index) {
    llvm::Value *address = CreateGEP(getInt8Ty(), memory, CreateZExt(index, indexType()));
    return CreateLoad(getInt8Ty(), address);
  };
  if (!at->getType()->isVectorTy())
    return element(at);
  llvm::Value *result = llvm::PoisonValue::get(at->getType());
  for (int64_t lane = 0; lane < count; lane++)
    result = CreateInsertElement(result, element(CreateExtractElement(at, lane)), lane);
  return result;
}

} // namespace cameo
