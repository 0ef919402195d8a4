// Memory, control flow, the frame of a run, teams, and ops in regions of kernels; see CoreRules.h.
#include "ir/CoreRules.h"

#include "ir/OpSpec.h"
#include "ir/TileRegisters.h"

#include <algorithm>
#include <fmt/format.h>

#include <fmt/format.h>

namespace cameo::rules {
namespace {

std::vector<Type> with(const Type &first, std::vector<Type> rest) {
  rest.insert(rest.begin(), first);
  return rest;
}

} // namespace

Result<void> CoreRules::cacheLevel() const {
  int64_t level = op_.attrs.getInt("level");
  if (level == 1 || level == 2)
    return {};
  return badInput(fmt::format("attribute 'level': expected 1 or 2, got {}", level));
}

Result<void> CoreRules::memory() {
  auto isPointer = [](const Type &type) {
    return type.isPointer() && type.dtype() != DType::String;
  };
  if (op_.kind() == OpKind::LoopScratch) {
    TRY(intAttr("count", 1));
    return outIsOne(isPointer, "a pointer");
  }
  int64_t p = op_.kind() == OpKind::LoopStore ? 1 : 0;
  TRY(inIsOne(p, isPointer, "a pointer"));
  if (op_.attrs.has("align"))
    TRY(intAttr("align", 1));
  if (op_.kind() == OpKind::LoopRetype)
    return outIsOne(isPointer, "a pointer");
  if (op_.kind() == OpKind::LoopGatherLoad) {
    TRY(outIsOne([](const Type &type) { return type.isVector(); }, "a vector"));
    if (in(1) != Type::vector(DType::I32, out().lanes()))
      TRY(inIs(1, Type::vector(DType::I64, out().lanes())));
    TRY(maskLike(2, out()));
    return outIs(0, Type::vector(in(0).dtype(), out().lanes()));
  }
  TRY(inIs(p + 1, Type::index()));
  if (op_.kind() == OpKind::LoopPrefetch)
    return cacheLevel();
  if (op_.kind() == OpKind::LoopOffset)
    return outIs(0, in(0));
  const Type &moved = p ? in(0) : out();
  Type expected =
      moved.isVector() ? Type::vector(in(p).dtype(), moved.lanes()) : Type::scalar(in(p).dtype());
  TRY(is(p ? operandName(0) : resultName(0), moved, expected));
  return maskLike(p + 2, moved);
}

/// The number of a tile register.
Result<void> CoreRules::tileAttr(const char *name) const {
  TRY(intAttr(name, 0));
  if (op_.attrs.getInt(name) < kTileRegisters)
    return {};
  return badInput(fmt::format("attribute '{}': there are {} tile registers, got number {}", name,
                              kTileRegisters, op_.attrs.getInt(name)));
}

/// A size of each tile register.
Result<void> CoreRules::tileSizes(const char *name, int64_t most) const {
  std::vector<int64_t> sizes = op_.attrs.getInts(name);
  bool fits = std::all_of(sizes.begin(), sizes.end(),
                          [&](int64_t size) { return size >= 0 && size <= most; });
  if (fits && std::ssize(sizes) == kTileRegisters)
    return {};
  return badInput(
      fmt::format("attribute '{}': expected {} numbers up to {}", name, kTileRegisters, most));
}

Result<void> CoreRules::tiles() {
  switch (op_.kind()) {
  case OpKind::TileConfigure:
    TRY(tileSizes("rows", kMostTileRows));
    return tileSizes("bytes", kMostTileBytes);
  case OpKind::TileZero:
    return tileAttr("tile");
  case OpKind::TileDot: {
    for (const char *name : {"sum", "a", "b"})
      TRY(tileAttr(name));
    for (const char *name : {"a_type", "b_type"})
      TRY(wordAttr(name, {"i8", "u8", "bf16"}));
    bool isFloat = op_.attrs.getString("a_type") == "bf16";
    if (isFloat == (op_.attrs.getString("b_type") == "bf16"))
      return {};
    return badInput("attributes 'a_type' and 'b_type': expected bytes or bf16 in both");
  }
  case OpKind::TileRelease:
    return {};
  default: // load and store
    TRY(tileAttr("tile"));
    TRY(inIsOne(0, [](const Type &type) { return type.isPointer(); }, "a pointer"));
    TRY(inIs(1, Type::index()));
    return inIs(2, Type::index());
  }
}

Result<void> CoreRules::forLoop() const {
  for (int64_t i = 0; i < 3; i++)
    TRY(inIs(i, Type::index()));
  std::vector<Type> carried = typesOf(op_.operands(), 3);
  TRY(regions(1, 1));
  TRY(region(0, with(Type::index(), carried), carried));
  return types("result", typesOf(op_.results()), carried);
}

Result<void> CoreRules::whileLoop() const {
  std::vector<Type> carried = typesOf(op_.operands());
  TRY(regions(2, 2));
  TRY(region(0, carried, with(Type::scalar(DType::Bool), carried)));
  TRY(region(1, carried, carried));
  return types("result", typesOf(op_.results()), carried);
}

/// The second region may be left out when there are no results.
Result<void> CoreRules::ifElse() const {
  TRY(inIs(0, Type::scalar(DType::Bool)));
  TRY(regions(op_.numResults() ? 2 : 1, 2));
  for (int64_t i = 0; i < op_.numRegions(); i++)
    TRY(region(i, {}, typesOf(op_.results())));
  return {};
}

Result<void> CoreRules::call(const std::vector<Type> &given) const {
  const Attr *attr = op_.attrs.find("callee");
  const std::string *name = attr ? std::get_if<std::string>(attr) : nullptr;
  const Func *callee = name ? module_.find(*name) : nullptr;
  if (!callee)
    return badInput(name ? "there is no function '@" + *name + "'"
                         : "expected a string attribute 'callee'");
  TRY(types("operand", given, typesOf(callee->body.args())));
  const Op *end = callee->body.terminator();
  return types("result", typesOf(op_.results()),
               end ? typesOf(end->operands()) : std::vector<Type>());
}

Result<void> CoreRules::control() {
  switch (op_.kind()) {
  case OpKind::LoopFor:
    return forLoop();
  case OpKind::LoopWhile:
    return whileLoop();
  case OpKind::LoopIf:
    return ifElse();
  case OpKind::LoopCall:
    return call(typesOf(op_.operands()));
  default: // yield and return: what they may carry is their parent's to say
    return {};
  }
}

Result<void> CoreRules::frame() {
  switch (op_.kind()) {
  case OpKind::FrameDim:
    TRY(intAttr("index", 0));
    return outIs(0, Type::index());
  case OpKind::FrameSetDim:
    TRY(intAttr("index", 0));
    return inIs(0, Type::index());
  case OpKind::FrameInput:
  case OpKind::FrameOutput:
    TRY(intAttr("index", 0));
    break;
  case OpKind::FrameReserve:
    TRY(intAttr("index", 0));
    TRY(intAttr("keep", 0));
    return inIs(0, Type::index());
  case OpKind::FrameCallSite:
    return intAttr("index", 0);
  case OpKind::FrameIterate:
    return intAttr("node", -1);
  case OpKind::FrameLeave:
    return {};
  case OpKind::FrameBox:
    TRY(intAttr("index", 0));
    [[fallthrough]];
  default: // arena, weights
    for (int64_t i = 0; i < op_.numOperands(); i++)
      TRY(inIs(i, Type::index()));
  }
  return outIsOne([](const Type &type) { return type.isPointer(); }, "a pointer");
}

Result<void> CoreRules::team() const {
  switch (op_.kind()) {
  case OpKind::TeamRun:
    if (op_.numOperands() > 0)
      TRY(inIs(0, Type::index()));
    return call({});
  case OpKind::TeamParallel:
    TRY(inIs(0, Type::index()));
    TRY(regions(1, 1));
    return region(0, {Type::index(), Type::index()}, {});
  case OpKind::TeamSingle:
    TRY(regions(1, 1));
    return region(0, {}, {});
  case OpKind::TeamThread:
  case OpKind::TeamThreads:
    return outIs(0, Type::index());
  case OpKind::TeamClock:
    return outIs(0, Type::scalar(DType::I64));
  case OpKind::TeamFail:
    TRY(faultAttr());
    for (int64_t i = 0; i < op_.numOperands(); i++)
      if (op_.operand(i))
        TRY(inIsOne(
            i, [](const Type &type) { return isInteger(type) && !type.isVector(); }, "an integer"));
    return {};
  default:
    return {};
  }
}

/// Ops that stand in the regions of kernel-level ops.
Result<void> CoreRules::inKernel() const {
  if (op_.kind() == OpKind::RegionCheckIndex) {
    TRY(inIsOne(
        0, [](const Type &type) { return isInteger(type) && !type.isVector(); }, "an integer"));
    TRY(inIs(1, Type::index()));
    return outIs(0, Type::index());
  }
  if (op_.kind() == OpKind::RegionSize) {
    const Attr *dim = op_.attrs.find("dim");
    const Dims *dims = dim ? std::get_if<Dims>(dim) : nullptr;
    if (!dims || dims->size() != 1)
      return badInput("expected one size as attribute 'dim'");
    return outIs(0, Type::index());
  }
  if (op_.kind() == OpKind::RegionRequire) {
    TRY(inIs(0, Type::scalar(DType::Bool)));
    return faultAttr();
  }
  const Op *kernel = op_.block()->parentOp();
  while (kernel && spec(kernel->kind()).level != Level::Kernel)
    kernel = kernel->block()->parentOp();
  if (!kernel)
    return badInput("expected it in a region of a kernel-level op");
  TRY(intAttr("operand", 0));
  int64_t number = op_.attrs.getInt("operand");
  const Value *read = kernel->operand(number);
  if (!read)
    return badInput("the kernel has no operand " + std::to_string(number));
  if (!read->type.isRanked() || read->type.rank() != op_.numOperands())
    return badInput("expected one index for each dim of " + read->type.str() + ", got " +
                    std::to_string(op_.numOperands()));
  for (int64_t i = 0; i < op_.numOperands(); i++)
    TRY(inIs(i, Type::index()));
  return outIs(0, Type::scalar(read->type.dtype()));
}

} // namespace cameo::rules
