// Loads, stores and scratch memory; see Machine.h.
#include "ir/eval/loop/Machine.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace cameo::eval {

Machine::Flow Machine::runMemory(const Step &step, Call &call) {
  switch (step.op->kind()) {
  case OpKind::LoopLoad:
    return load(step, call);
  case OpKind::LoopStore:
    return store(step, call);
  case OpKind::LoopGatherLoad:
    return gather(step, call);
  case OpKind::LoopOffset:
    setPointer(step, call, address(step, call, 0, integer(step, call, 1)));
    return Flow::Next;
  case OpKind::LoopPrefetch:
    return Flow::Next;
  case OpKind::LoopRetype:
    setPointer(step, call, pointer(step, call, 0));
    return Flow::Next;
  default:
    return scratch(step, call);
  }
}

/// An offset that overflows is as far out as any.
Pointer Machine::address(const Step &step, Call &call, size_t i, int64_t elements) {
  Pointer at = pointer(step, call, i);
  int64_t bytes = 0;
  int64_t element = dtypeBytes(step.op->operand(static_cast<int64_t>(i))->type.dtype());
  if (__builtin_mul_overflow(elements, element, &bytes) ||
      __builtin_add_overflow(at.offset, bytes, &at.offset))
    at.offset = INT64_MAX / 2;
  return at;
}

bool Machine::isActive(const Step &step, Call &call, size_t mask, int64_t lane) {
  return mask >= step.operands.size() || step.operands[mask].at < 0 ||
         integerAt(operand(step, call, mask), lane) != 0;
}

static std::string atElement(const Step &step, size_t pointer, int64_t element,
                             const std::string &wrong) {
  return fmt::format("at element {} of {}: {}", element,
                     step.op->operand(static_cast<int64_t>(pointer))->type.str(), wrong);
}

/// Of a bool in memory any bit counts.
static void normalise(const Lanes &lanes) {
  if (lanes.dtype == DType::Bool)
    for (int64_t i = 0; i < lanes.count; i++)
      lanes.data[i] = std::byte(lanes.data[i] != std::byte{0});
}

Machine::Flow Machine::load(const Step &step, Call &call) {
  Lanes to = result(step, call);
  int64_t first = integer(step, call, 1), size = dtypeBytes(to.dtype);
  Pointer from = address(step, call, 0, first);
  std::string wrong =
      memory.checkAlignment(from, std::max(step.op->attrs.getInt("align", 1), size));
  bool isWhole = step.operands.size() < 3 || step.operands[2].at < 0;
  if (wrong.empty() && isWhole)
    wrong = memory.load(from, {to.data, static_cast<size_t>(to.numBytes())});
  if (!isWhole)
    std::fill_n(to.data, to.numBytes(), std::byte{0});
  for (int64_t lane = 0; !isWhole && lane < to.count && wrong.empty(); lane++, from.offset += size)
    if (isActive(step, call, 2, lane))
      wrong = memory.load(from, {to.data + lane * size, static_cast<size_t>(size)});
  if (!wrong.empty())
    return fail(step, call, atElement(step, 0, first, wrong));
  normalise(to);
  return Flow::Next;
}

Machine::Flow Machine::store(const Step &step, Call &call) {
  Lanes from = operand(step, call, 0);
  int64_t first = integer(step, call, 2), size = dtypeBytes(from.dtype);
  if (where_ == Where::Team)
    return fail(step, call, "every thread of the team writes it");
  Pointer to = address(step, call, 1, first);
  std::string wrong = memory.checkAlignment(to, std::max(step.op->attrs.getInt("align", 1), size));
  for (int64_t lane = 0; lane < from.count && wrong.empty(); lane++, to.offset += size)
    if (isActive(step, call, 3, lane))
      wrong = memory.store(to, {from.data + lane * size, static_cast<size_t>(size)});
  return wrong.empty() ? Flow::Next : fail(step, call, atElement(step, 1, first, wrong));
}

Machine::Flow Machine::gather(const Step &step, Call &call) {
  Lanes to = result(step, call), index = operand(step, call, 1);
  int64_t size = dtypeBytes(to.dtype);
  std::fill_n(to.data, to.numBytes(), std::byte{0});
  for (int64_t lane = 0; lane < to.count; lane++) {
    if (!isActive(step, call, 2, lane))
      continue;
    int64_t element = integerAt(index, lane);
    Pointer from = address(step, call, 0, element);
    std::string wrong = memory.checkAlignment(from, size);
    if (wrong.empty())
      wrong = memory.load(from, {to.data + lane * size, static_cast<size_t>(size)});
    if (!wrong.empty())
      return fail(step, call, atElement(step, 0, element, wrong));
  }
  normalise(to);
  return Flow::Next;
}

/// Memory for the whole call: in a loop it is the same each time.
Machine::Flow Machine::scratch(const Step &step, Call &call) {
  Pointer known;
  std::memcpy(&known, call.bytes.data() + step.results[0].at, sizeof known);
  if (known.block != 0)
    return Flow::Next;
  int64_t bytes = step.op->attrs.getInt("count") * dtypeBytes(step.op->result()->type.dtype());
  call.scratch.push_back(memory.add(LoopMemory::Kind::Private, "scratch memory", bytes));
  setPointer(step, call, call.scratch.back());
  return Flow::Next;
}

} // namespace cameo::eval
