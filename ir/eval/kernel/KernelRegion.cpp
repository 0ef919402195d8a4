// See KernelRegion.h.
#include "ir/eval/kernel/KernelRegion.h"

#include "ir/Fault.h"

#include <cstring>
#include <fmt/format.h>

namespace cameo::eval {

static constexpr int64_t kMostOps = 100'000'000; // in all runs of one region

KernelRegion::KernelRegion(KernelContext &context, int64_t region)
    : Executor(context.target, kMostOps), context_(context), block_(context.op.region(region)),
      code_(codeOf(block_, context.target)), call_{code_, Bytes(code_.frameBytes)} {}

Lanes KernelRegion::registerOf(const Value &value, const Slot &slot) {
  return {registerType(value.type, target_), 1, call_.bytes.data() + slot.at};
}

Lanes KernelRegion::yieldedRegister(int64_t i) {
  const Step &yield = code_.body.steps.back();
  return registerOf(*yield.op->operand(i), yield.operands[i]);
}

void KernelRegion::load(int64_t argument, const View &from, int64_t element) {
  context_.memory.load(from, element, call_.bytes.data() + code_.body.args[argument].at);
}

void KernelRegion::loadEpilogue(int64_t first, int64_t operand, const std::vector<int64_t> &index) {
  loadOperands(first, operand, std::ssize(context_.operands) - operand, context_.out().dims, index);
}

void KernelRegion::loadOperands(int64_t first, int64_t operand, int64_t count,
                                const std::vector<int64_t> &dims,
                                const std::vector<int64_t> &index) {
  for (int64_t i = std::ssize(epilogue_); i < count; i++)
    epilogue_.push_back(context_.in(operand + i).broadcastTo(dims));
  for (int64_t i = 0; i < count; i++)
    load(first + i, epilogue_[i], epilogue_[i].at(index));
}

void KernelRegion::run() {
  if (runBlock(code_.body, call_) == Flow::Error)
    context_.fail(error);
}

void KernelRegion::store(const View &to, int64_t element, int64_t i) {
  context_.memory.store(to, element, yieldedRegister(i).data);
}

KernelRegion::Flow KernelRegion::runOp(const Step &step, Call &call) {
  auto value = [&](size_t i) -> std::optional<int64_t> {
    bool isThere = i < step.operands.size() && step.operands[i].at >= 0;
    return isThere ? std::optional(integer(step, call, i)) : std::nullopt;
  };
  switch (step.op->kind()) {
  case OpKind::RegionAt:
    return at(step, call);
  case OpKind::RegionSize:
    storeInteger(result(step, call),
                 context_.size(std::get<Dims>(*step.op->attrs.find("dim")).front()));
    return Flow::Next;
  case OpKind::RegionCheckIndex:
    storeInteger(result(step, call), context_.checkedIndex(*value(0), *value(1)));
    return Flow::Next;
  case OpKind::RegionRequire:
    if (!*value(0))
      context_.report(faultOf(step.op->attrs), value(1), value(2));
    return Flow::Next;
  default:
    return runLanes(step, call);
  }
}

/// Whether a dim that no argument of the region goes through is empty.
bool KernelRegion::readsNothing(const Step &step, const View &operand) const {
  for (int64_t i = 0; i < operand.rank(); i++)
    if (operand.dims[i] == 0 && step.op->operand(i)->owner() != &block_)
      return true;
  return false;
}

KernelRegion::Flow KernelRegion::at(const Step &step, Call &call) {
  const View &from = context_.in(step.op->attrs.getInt("operand"));
  Lanes to = result(step, call);
  std::memset(to.data, 0, to.numBytes());
  if (readsNothing(step, from))
    return Flow::Next;
  int64_t element = 0;
  for (int64_t i = 0; i < from.rank(); i++) {
    int64_t index = integer(step, call, static_cast<size_t>(i));
    if (index < 0 || index >= from.dims[i])
      return fail(
          step, call,
          fmt::format("index {} of dim {} is outside of {}", index, i, dimsText(from.dims)));
    element += index * from.strides[i];
  }
  context_.memory.load(from, element, to.data);
  return Flow::Next;
}

} // namespace cameo::eval
