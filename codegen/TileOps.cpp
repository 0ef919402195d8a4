// Tile registers: the instructions of Intel AMX (Intel SDM), by the intrinsics that name registers.
// LLVM allocates no others as long as nothing uses its type of tiles.
#include "codegen/FuncEmitter.h"
#include "ir/TileRegisters.h"

#include <array>
#include <llvm/IR/IntrinsicsX86.h>

namespace cameo {
namespace {

/// What LDTILECFG reads: palette 1; from byte 16 on the bytes of a row of each register, in 16
/// bits, from byte 48 on its rows.
std::array<uint8_t, 64> configuration(const Op &op) {
  std::vector<int64_t> rows = op.attrs.getInts("rows"), bytes = op.attrs.getInts("bytes");
  std::array<uint8_t, 64> config = {1};
  for (size_t t = 0; t < static_cast<size_t>(kTileRegisters); t++) {
    config[16 + 2 * t] = static_cast<uint8_t>(bytes[t]);
    config[48 + t] = static_cast<uint8_t>(rows[t]);
  }
  return config;
}

llvm::Intrinsic::ID tileDotOf(const std::string &a, const std::string &b) {
  if (a == "bf16")
    return llvm::Intrinsic::x86_tdpbf16ps;
  if (a == "i8")
    return b == "i8" ? llvm::Intrinsic::x86_tdpbssd : llvm::Intrinsic::x86_tdpbsud;
  return b == "i8" ? llvm::Intrinsic::x86_tdpbusd : llvm::Intrinsic::x86_tdpbuud;
}

} // namespace

// Intrinsics take the number of a register as an immediate.
llvm::Value *FuncEmitter::tileNumber(Op &op, const char *name) {
  return b_.getInt8(static_cast<uint8_t>(op.attrs.getInt(name)));
}

void FuncEmitter::emitTileConfigure(Op &op) {
  llvm::Constant *bytes =
      llvm::ConstantDataArray::get(b_.getContext(), llvm::ArrayRef(configuration(op)));
  auto *config = new llvm::GlobalVariable(*function_->getParent(), bytes->getType(), true,
                                          llvm::GlobalValue::PrivateLinkage, bytes, "tiles");
  config->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
  b_.CreateIntrinsic(llvm::Intrinsic::x86_ldtilecfg, {}, {config});
}

void FuncEmitter::emitTileMove(Op &op, llvm::Intrinsic::ID id) {
  int64_t element = dtypeBytes(op.operand(0)->type.dtype());
  llvm::Value *stride = b_.CreateMul(operand(op, 2), b_.integer(b_.indexType(), element));
  b_.CreateIntrinsic(id, {}, {tileNumber(op, "tile"), address(op, 0), stride});
}

void FuncEmitter::emitTileDot(Op &op) {
  b_.CreateIntrinsic(tileDotOf(op.attrs.getString("a_type"), op.attrs.getString("b_type")), {},
                     {tileNumber(op, "sum"), tileNumber(op, "a"), tileNumber(op, "b")});
}

void FuncEmitter::emitTile(Op &op) {
  ICE_UNLESS(b_.target().has("amx-tile"), "tile registers on a target without them");
  switch (op.kind()) {
  case OpKind::TileConfigure:
    return emitTileConfigure(op);
  case OpKind::TileZero:
    b_.CreateIntrinsic(llvm::Intrinsic::x86_tilezero, {}, {tileNumber(op, "tile")});
    return;
  case OpKind::TileLoad:
    return emitTileMove(op, llvm::Intrinsic::x86_tileloadd64);
  case OpKind::TileStore:
    return emitTileMove(op, llvm::Intrinsic::x86_tilestored64);
  case OpKind::TileDot:
    return emitTileDot(op);
  case OpKind::TileRelease:
    b_.CreateIntrinsic(llvm::Intrinsic::x86_tilerelease, {}, {});
    return;
  default:
    ICE("not an op on tile registers");
  }
}

} // namespace cameo
