// Blocks, straight-line ops, loops, branches and calls; see Machine.h.
#include "ir/eval/loop/Machine.h"

#include "ir/Printer.h"

#include <array>
#include <cstring>
#include <fmt/format.h>

namespace cameo::eval {

constexpr int64_t kMostCalls = 100; // nested in each other

const FuncCode &Machine::codeFor(const std::string &name) {
  auto [entry, isNew] = codes_.try_emplace(name);
  if (isNew)
    entry->second = codeOf(*program_.module.find(name), target_);
  return entry->second;
}

std::optional<int64_t> Machine::call(const std::string &name, std::vector<int64_t> args) {
  const FuncCode &code = codeFor(name);
  Bytes values, results;
  for (int64_t arg : args) {
    const auto *bytes = reinterpret_cast<const std::byte *>(&arg);
    values.insert(values.end(), bytes, bytes + target_.indexBytes);
  }
  if (invoke(code, values, results) == Flow::Error)
    return std::nullopt;
  const std::vector<Value *> &returned = code.func->body.terminator()->operands();
  if (returned.empty())
    return 0;
  return integerAt({registerType(returned[0]->type, target_), 1, results.data()});
}

Machine::Machine(const Program &program, const Target &target, const LoopOptions &options)
    : program_(program), target_(target), options_(options), random_(options.seed) {
  if (options.observer)
    memory.onTouch = [observer = options.observer](const Pointer &at, int64_t bytes, bool isStore) {
      observer->touch(at, bytes, isStore);
    };
}

Machine::Flow Machine::fail(const Step &step, const Call &call, const std::string &message) {
  error = fmt::format("function '{}', {}: {}", call.code.func->name, printOp(*step.op), message);
  return Flow::Error;
}

Lanes Machine::operand(const Step &step, Call &call, size_t i) const {
  const Type &type = step.op->operand(static_cast<int64_t>(i))->type;
  return {registerType(type, target_), type.lanes(), call.bytes.data() + step.operands[i].at};
}

Lanes Machine::result(const Step &step, Call &call, size_t i) const {
  const Type &type = step.op->result(static_cast<int64_t>(i))->type;
  return {registerType(type, target_), type.lanes(), call.bytes.data() + step.results[i].at};
}

Pointer Machine::pointer(const Step &step, Call &call, size_t i) const {
  Pointer pointer;
  std::memcpy(&pointer, call.bytes.data() + step.operands[i].at, sizeof pointer);
  return pointer;
}

void Machine::setPointer(const Step &step, Call &call, const Pointer &pointer) const {
  std::memcpy(call.bytes.data() + step.results[0].at, &pointer, sizeof pointer);
}

Machine::Bytes Machine::collect(const std::vector<Slot> &slots, const Call &call, size_t first) {
  Bytes values;
  for (size_t i = first; i < slots.size(); i++) {
    const std::byte *from = call.bytes.data() + slots[i].at;
    values.insert(values.end(), from, from + slots[i].bytes);
  }
  return values;
}

void Machine::spread(const std::vector<Slot> &slots, Call &call, const Bytes &values,
                     size_t first) {
  const std::byte *from = values.data();
  for (size_t i = first; i < slots.size(); from += slots[i++].bytes)
    std::memcpy(call.bytes.data() + slots[i].at, from, slots[i].bytes);
}

Machine::Flow Machine::runBlock(const Code &code, Call &call) {
  for (const Step &step : code.steps)
    if (Flow flow = runStep(step, call); flow != Flow::Next)
      return flow;
  return Flow::Next;
}

Machine::Flow Machine::runStep(const Step &step, Call &call) {
  if (++steps_ > options_.workLimit)
    return fail(step, call, fmt::format("the run took more than {} ops", options_.workLimit));
  switch (step.op->kind()) {
  case OpKind::LoopYield:
  case OpKind::LoopReturn:
    return Flow::Next; // whoever runs the block takes the operands
  case OpKind::LoopFor:
    return runFor(step, call);
  case OpKind::LoopWhile:
    return runWhile(step, call);
  case OpKind::LoopIf:
    return runIf(step, call);
  case OpKind::LoopCall:
    return runCall(step, call);
  case OpKind::LoopLoad:
  case OpKind::LoopStore:
  case OpKind::LoopGatherLoad:
  case OpKind::LoopOffset:
  case OpKind::LoopRetype:
  case OpKind::LoopScratch:
  case OpKind::LoopPrefetch:
    return runMemory(step, call);
  case OpKind::TeamRun:
  case OpKind::TeamParallel:
  case OpKind::TeamBarrier:
  case OpKind::TeamSingle:
  case OpKind::TeamThread:
  case OpKind::TeamThreads:
  case OpKind::TeamClock:
  case OpKind::TeamFail:
    return runTeamOp(step, call);
  case OpKind::FrameInput:
  case OpKind::FrameOutput:
  case OpKind::FrameArena:
  case OpKind::FrameWeights:
  case OpKind::FrameBox:
  case OpKind::FrameDim:
  case OpKind::FrameSetDim:
  case OpKind::FrameReserve:
  case OpKind::FrameCallSite:
  case OpKind::FrameIterate:
  case OpKind::FrameLeave:
    return runFrame(step, call);
  default:
    return runLanes(step, call);
  }
}

Machine::Flow Machine::runLanes(const Step &step, Call &call) {
  std::array<Lanes, 3> operands;
  std::array<Lanes, 2> results;
  for (size_t i = 0; i < step.operands.size(); i++)
    operands[i] = operand(step, call, i);
  for (size_t i = 0; i < step.results.size(); i++)
    results[i] = result(step, call, i);
  evalLanes(*step.op, target_, std::span(operands).first(step.operands.size()),
            std::span(results).first(step.results.size()));
  return Flow::Next;
}

Machine::Flow Machine::runFor(const Step &step, Call &call) {
  const Code &body = step.regions[0];
  int64_t upper = integer(step, call, 1), by = integer(step, call, 2), next = 0;
  if (by <= 0)
    return fail(step, call, fmt::format("the step is {}", by));
  Bytes carried = collect(step.operands, call, 3);
  for (int64_t i = integer(step, call, 0); i < upper; i = next) {
    if (__builtin_add_overflow(upper, by, &next))
      return fail(step, call, "the bound and the step together overflow");
    next = i + by;
    std::memcpy(call.bytes.data() + body.args[0].at, &i, body.args[0].bytes);
    spread(body.args, call, carried, 1);
    if (Flow flow = runBlock(body, call); flow != Flow::Next)
      return flow;
    carried = collect(body.steps.back().operands, call);
  }
  spread(step.results, call, carried);
  return Flow::Next;
}

Machine::Flow Machine::runWhile(const Step &step, Call &call) {
  const Code &test = step.regions[0], &body = step.regions[1];
  Bytes carried = collect(step.operands, call);
  for (;;) {
    spread(test.args, call, carried);
    if (Flow flow = runBlock(test, call); flow != Flow::Next)
      return flow;
    const Step &tested = test.steps.back();
    carried = collect(tested.operands, call, 1);
    if (!integer(tested, call, 0))
      break;
    spread(body.args, call, carried);
    if (Flow flow = runBlock(body, call); flow != Flow::Next)
      return flow;
    carried = collect(body.steps.back().operands, call);
  }
  spread(step.results, call, carried);
  return Flow::Next;
}

Machine::Flow Machine::runIf(const Step &step, Call &call) {
  size_t taken = integer(step, call, 0) ? 0 : 1;
  if (taken >= step.regions.size())
    return Flow::Next;
  const Code &branch = step.regions[taken];
  if (Flow flow = runBlock(branch, call); flow != Flow::Next)
    return flow;
  spread(step.results, call, collect(branch.steps.back().operands, call));
  return Flow::Next;
}

Machine::Flow Machine::runCall(const Step &step, Call &call) {
  if (depth_ == kMostCalls)
    return fail(step, call, fmt::format("more than {} calls are nested", kMostCalls));
  Bytes results;
  Flow flow =
      invoke(codeFor(step.op->attrs.getString("callee")), collect(step.operands, call), results);
  spread(step.results, call, results);
  return flow;
}

Machine::Flow Machine::invoke(const FuncCode &code, const Bytes &args, Bytes &results) {
  Call call{code, Bytes(code.frameBytes)};
  spread(code.body.args, call, args);
  depth_++;
  Flow flow = runBlock(code.body, call);
  depth_--;
  results = collect(code.body.steps.back().operands, call);
  for (const Pointer &pointer : call.scratch)
    memory.release(pointer);
  return flow;
}

} // namespace cameo::eval
