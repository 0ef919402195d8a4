// The `dot` and `matrix_dot` ops: products of 8-bit integers, or 16, added to each 32-bit lane. One
// instruction where the target has it for these signs and this width, else widened products. The
// instructions: VPDPBUSD (Intel SDM, u8 x s8), SDOT, UDOT and USDOT (Arm ARM). And products of
// single bytes.
#include "codegen/OpBuilder.h"

#include <llvm/IR/IntrinsicsAArch64.h>
#include <llvm/IR/IntrinsicsX86.h>
#include <llvm/IR/PatternMatch.h>

namespace cameo {
namespace {

llvm::Intrinsic::ID vnniOf(int64_t lanes) {
  switch (lanes) {
  case 16:
    return llvm::Intrinsic::x86_avx512_vpdpbusd_512;
  case 8:
    return llvm::Intrinsic::x86_avx512_vpdpbusd_256;
  case 4:
    return llvm::Intrinsic::x86_avx512_vpdpbusd_128;
  default:
    return llvm::Intrinsic::not_intrinsic;
  }
}

llvm::Intrinsic::ID bf16DotOf(const Target &target, int64_t lanes) {
  bool arm = target.arch == Arch::AArch64;
  if (!target.hasBf16Dot || (arm && lanes != 4))
    return llvm::Intrinsic::not_intrinsic;
  if (arm)
    return llvm::Intrinsic::aarch64_neon_bfdot;
  switch (lanes) {
  case 16:
    return llvm::Intrinsic::x86_avx512bf16_dpbf16ps_512;
  case 8:
    return llvm::Intrinsic::x86_avx512bf16_dpbf16ps_256;
  case 4:
    return llvm::Intrinsic::x86_avx512bf16_dpbf16ps_128;
  default:
    return llvm::Intrinsic::not_intrinsic;
  }
}

/// The bytes that a vector of i32 is made of, as 16 bits, which hold either sign; or nullptr.
llvm::Value *halvesOf(OpBuilder &b, llvm::Value *words) {
  auto *cast = llvm::dyn_cast<llvm::CastInst>(words);
  bool isExtended = cast && (llvm::isa<llvm::SExtInst>(cast) || llvm::isa<llvm::ZExtInst>(cast));
  if (!isExtended || cast->getSrcTy()->getScalarSizeInBits() != 8)
    return nullptr;
  llvm::Type *halves = OpBuilder::like(b.getInt16Ty(), words->getType());
  return b.CreateIntCast(cast->getOperand(0), halves, llvm::isa<llvm::SExtInst>(cast));
}

} // namespace

// By SMULL (Arm ARM), four lanes at a time. From the extension to 32 bits LLVM would not find it
// where a factor has several uses. nullptr if there is none, or these are no bytes.
llvm::Value *OpBuilder::productOfBytes(llvm::Value *a, llvm::Value *b) {
  constexpr int64_t kLanes = 4;
  int64_t count = lanes(a->getType());
  if (target_.arch != Arch::AArch64 || a->getType() != type(Type::vector(DType::I32, count)) ||
      count % kLanes != 0)
    return nullptr;
  llvm::Value *x = halvesOf(*this, a), *y = halvesOf(*this, b);
  if (!x || !y)
    return nullptr;
  return inParts(kLanes, {x, y}, [&](llvm::ArrayRef<llvm::Value *> part) {
    return CreateIntrinsic(llvm::Intrinsic::aarch64_neon_smull,
                           {like(getInt32Ty(), part[0]->getType())}, part);
  });
}

// Of i16, by SADALP (Arm ARM). nullptr if there is none.
llvm::Value *OpBuilder::sumOfPairs(llvm::Value *sum, llvm::Value *a) {
  constexpr int64_t kLanes = 8;
  if (target_.arch != Arch::AArch64 || lanes(a->getType()) % kLanes != 0)
    return nullptr;
  llvm::Value *pairs = inParts(kLanes, {a}, [&](llvm::ArrayRef<llvm::Value *> part) {
    auto *words = llvm::FixedVectorType::get(getInt32Ty(), kLanes / 2);
    return CreateIntrinsic(llvm::Intrinsic::aarch64_neon_saddlp, {words, part[0]->getType()}, part);
  });
  return CreateAdd(sum, pairs);
}

// nullptr if there is none.
llvm::Value *OpBuilder::dotInstruction(llvm::Value *sum, bool aSigned, llvm::Value *a, bool bSigned,
                                       llvm::Value *b) {
  if (aSigned && !bSigned)
    return dotInstruction(sum, bSigned, b, aSigned, a);
  bool mixed = aSigned != bSigned;
  if (a->getType()->getScalarSizeInBits() == 16)
    return llvm::PatternMatch::match(b, llvm::PatternMatch::m_One()) ? sumOfPairs(sum, a) : nullptr;
  if (target_.dot == DotKind::Vnni) {
    llvm::Intrinsic::ID id = vnniOf(lanes(sum->getType()));
    if (!mixed || id == llvm::Intrinsic::not_intrinsic)
      return nullptr;
    // LLVM types the bytes as lanes of i32.
    llvm::Type *words = sum->getType();
    return CreateIntrinsic(id, {}, {sum, CreateBitCast(a, words), CreateBitCast(b, words)});
  }
  bool arm = target_.dot == DotKind::SDot || target_.dot == DotKind::I8mm;
  if (!arm || lanes(sum->getType()) != 4 || (mixed && target_.dot != DotKind::I8mm))
    return nullptr;
  llvm::Intrinsic::ID id = mixed     ? llvm::Intrinsic::aarch64_neon_usdot
                           : aSigned ? llvm::Intrinsic::aarch64_neon_sdot
                                     : llvm::Intrinsic::aarch64_neon_udot;
  // Only the last factor may be a lane of a vector, which that of the input is; USDOT has a form
  // for either.
  if (!mixed)
    std::swap(a, b);
  return CreateIntrinsic(id, {sum->getType(), a->getType()}, {sum, a, b});
}

llvm::Value *OpBuilder::dotByParts(llvm::Value *sum, bool aSigned, llvm::Value *a, bool bSigned,
                                   llvm::Value *b) {
  int64_t count = lanes(sum->getType()), products = lanes(a->getType()) / count;
  for (int64_t part = 0; part < products; part++) {
    llvm::SmallVector<int> every;
    for (int64_t lane = 0; lane < count; lane++)
      every.push_back(static_cast<int>(products * lane + part));
    llvm::Value *x = CreateIntCast(CreateShuffleVector(a, every), sum->getType(), aSigned);
    llvm::Value *y = CreateIntCast(CreateShuffleVector(b, every), sum->getType(), bSigned);
    sum = CreateAdd(sum, CreateMul(x, y));
  }
  return sum;
}

llvm::Value *OpBuilder::dot(llvm::Value *sum, bool aSigned, llvm::Value *a, bool bSigned,
                            llvm::Value *b) {
  llvm::Value *result = dotInstruction(sum, aSigned, a, bSigned, b);
  return result ? result : dotByParts(sum, aSigned, a, bSigned, b);
}

// By SMMLA, UMMLA or USMMLA (Arm ARM), the last of which has unsigned rows and signed columns; else
// a `dot` of each half of the rows and columns with each other.
llvm::Value *OpBuilder::matrixDot(llvm::Value *sum, bool aSigned, llvm::Value *a, bool bSigned,
                                  llvm::Value *b) {
  if (target_.dot == DotKind::I8mm && !(aSigned && !bSigned)) {
    llvm::Intrinsic::ID id = aSigned != bSigned ? llvm::Intrinsic::aarch64_neon_usmmla
                             : aSigned          ? llvm::Intrinsic::aarch64_neon_smmla
                                                : llvm::Intrinsic::aarch64_neon_ummla;
    return CreateIntrinsic(id, {sum->getType(), a->getType()}, {sum, a, b});
  }
  constexpr int kWord = 4, kDepth = 8;
  for (int half = 0; half < kDepth; half += kWord) {
    llvm::SmallVector<int> rows, columns;
    for (int lane = 0; lane < kWord; lane++)
      for (int k = half; k < half + kWord; k++) {
        rows.push_back(lane / 2 * kDepth + k);
        columns.push_back(lane % 2 * kDepth + k);
      }
    sum = dot(sum, aSigned, CreateShuffleVector(a, rows), bSigned, CreateShuffleVector(b, columns));
  }
  return sum;
}

llvm::Value *OpBuilder::dotPairs(llvm::Value *sum, llvm::Value *a, llvm::Value *b) {
  int64_t count = lanes(sum->getType());
  llvm::Intrinsic::ID id = bf16DotOf(target_, count);
  if (id != llvm::Intrinsic::not_intrinsic) {
    llvm::Type *pairs = like(getBFloatTy(), a->getType());
    a = CreateBitCast(a, pairs), b = CreateBitCast(b, pairs);
    if (target_.arch == Arch::AArch64)
      return CreateIntrinsic(id, {sum->getType(), pairs}, {sum, b, a});
    return CreateIntrinsic(id, {}, {sum, a, b});
  }
  for (int part = 0; part < 2; part++) {
    llvm::SmallVector<int> every;
    for (int64_t lane = 0; lane < count; lane++)
      every.push_back(static_cast<int>(2 * lane + part));
    llvm::Value *x = cast(CreateShuffleVector(a, every), DType::BF16, DType::F32);
    llvm::Value *y = cast(CreateShuffleVector(b, every), DType::BF16, DType::F32);
    sum = mad(x, y, sum);
  }
  return sum;
}

} // namespace cameo
