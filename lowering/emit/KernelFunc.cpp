// See KernelFunc.h.
#include "lowering/emit/KernelFunc.h"

#include "ir/Fault.h"
#include "ir/OpSpec.h"
#include "ir/Printer.h"
#include "lowering/build/ShareConstants.h"
#include "runtime/abi.h"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_map>

namespace cameo {

Value *KernelFunc::advance(Value *offset, Value *index, const Dim &stride) {
  return b.add(offset, b.mul(index, size(stride)));
}

Error KernelFunc::unsupportedBecause(const std::string &reason) const {
  return unsupported(fmt::format("node '{}' ({}): {}", op.loc.str(), spec(op.kind()).name, reason));
}

void KernelFunc::fail(int64_t code, const Loc &loc, Value *first, Value *second) {
  AttrDict attrs;
  attrs.set("code", faultWord(code));
  attrs.set("node", internNode(nodes, loc));
  b.create(OpKind::TeamFail, {first, second}, {}, std::move(attrs));
}

/// In 64 bits, as an index from data may not fit the target's.
Value *KernelFunc::checkIndex(Value *index, Value *size, const Loc &loc) {
  Value *given = b.cast(index, DType::I64), *extent = b.cast(size, DType::I64);
  Value *zero = b.constantInt(given->type, 0);
  Value *position = b.select(b.cmp("lt", given, zero), b.add(given, extent), given);
  Value *outside =
      b.binary(OpKind::ScalarOr, b.cmp("lt", position, zero), b.cmp("ge", position, extent));
  b.ifThen(outside, [&] { fail(CAMEO_FAULT_INDEX_RANGE, loc, given, extent); });
  return b.toIndex(b.select(outside, zero, position));
}

Value *KernelFunc::require(const Op &op, const std::vector<Value *> &operands) {
  b.ifThen(b.unary(OpKind::ScalarNot, operands[0]),
           [&] { fail(faultOf(op.attrs), op.loc, operands[1], operands[2]); });
  return nullptr;
}

Value *KernelFunc::threadMemory() {
  Value *arena = b.create(OpKind::FrameArena, {}, {Type::pointer(DType::U8)})->result();
  Value *thread = b.create(OpKind::TeamThread, {}, {Type::index()})->result();
  return b.offset(b.offset(arena, size(memory.begin)), b.mul(thread, size(memory.bytes)));
}

std::string KernelFunc::micro(const std::string &name,
                              const std::function<void(Func &, LoopBuilder &)> &write) {
  Func *func = b.module().addFunc("");
  func->attrs.set("kind", std::string("micro"));
  LoopBuilder inside(b.module(), func->body);
  write(*func, inside);
  shareConstants(func->body);
  std::string text = printFunc(*func);
  auto [entry, isNew] = micros.names.try_emplace(text, "");
  if (!isNew) {
    b.module().funcs.pop_back();
    return entry->second;
  }
  func->name = entry->second = fmt::format("{}_{}", name, micros.names.size());
  noteNode(*func, op);
  return func->name;
}

void noteNode(Func &func, const Op &op) {
  if (!op.loc.nodes.empty())
    func.attrs.set("node", op.loc.nodes.front());
}

namespace {

/// Copies a block's ops, nested regions included; the copies of what it yields. Lanes come from the
/// operands, so that only ops without regions become vectors: emitters that use vectors see to it.
std::vector<Value *> copyBlock(LoopBuilder &b, SizeTable &sizes, Block &block,
                               std::unordered_map<Value *, Value *> &map,
                               const ResolveFn &resolve) {
  std::vector<Value *> operands;
  for (const std::unique_ptr<Op> &op : block.ops()) {
    operands.clear();
    int64_t lanes = 1;
    for (Value *operand : op->operands()) {
      operands.push_back(operand ? map.at(operand) : nullptr);
      if (operand && operands.back()->type.isVector())
        lanes = operands.back()->type.lanes();
    }
    if (op->kind() == OpKind::LoopYield)
      return operands;
    if (op->kind() == OpKind::RegionSize) {
      map[op->result()] = sizes.value(b, op->attrs.getDims("dim")[0]);
      continue;
    }
    if (op->kind() == OpKind::RegionAt || op->kind() == OpKind::RegionCheckIndex) {
      map[op->result()] = resolve(*op, operands);
      continue;
    }
    if (op->kind() == OpKind::RegionRequire) {
      resolve(*op, operands);
      continue;
    }
    for (Value *&operand : operands)
      if (lanes > 1 && !operand->type.isVector())
        operand = b.splat(operand, lanes);
    std::vector<Type> types;
    for (const std::unique_ptr<Value> &result : op->results())
      types.push_back(lanes > 1 ? Type::vector(result->type.dtype(), lanes) : result->type);
    Op *clone = b.create(op->kind(), operands, types, op->attrs, op->numRegions());
    for (int64_t i = 0; i < op->numResults(); i++)
      map[op->result(i)] = clone->result(i);
    for (int64_t i = 0; i < op->numRegions(); i++) {
      Block &inside = clone->region(i);
      for (const std::unique_ptr<Value> &arg : op->region(i).args())
        map[arg.get()] = inside.addArg(arg->type);
      b.atEnd(inside);
      b.create(OpKind::LoopYield, copyBlock(b, sizes, op->region(i), map, resolve), {});
      b.after(clone);
    }
  }
  ICE("a region without yield");
}

} // namespace

std::vector<Value *> inlineRegion(LoopBuilder &b, SizeTable &sizes, Block &region,
                                  const std::vector<Value *> &args, const ResolveFn &resolve) {
  std::unordered_map<Value *, Value *> map;
  for (int64_t i = 0; i < region.numArgs(); i++)
    map[region.arg(i)] = args[i];
  return copyBlock(b, sizes, region, map, resolve);
}

/// What rows of ops without loops name; nobody calls it.
Result<Dim> noCode(KernelFunc &k) { return k.unsupportedBecause("it has no loops"); }

/// The same for ops that the calling thread does.
Result<Dim> onCaller(KernelFunc &k) { return k.unsupportedBecause("it has no loops"); }

EmitFn emitterFor(OpKind kind) {
  switch (kind) {
#define KERNEL_OP(kind, text, ins, outs, attrs, epilogue, storage, emitter)                        \
  case OpKind::kind:                                                                               \
    return emitter == noCode || emitter == onCaller ? nullptr : emitter;
#include "ir/ops/Ops.def"
  default:
    return nullptr;
  }
}

} // namespace cameo
