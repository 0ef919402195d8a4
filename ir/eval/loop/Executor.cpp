// See Executor.h.
#include "ir/eval/loop/Executor.h"

#include "ir/Printer.h"

#include <array>
#include <cstring>
#include <fmt/format.h>

namespace cameo::eval {

Executor::Flow Executor::fail(const Step &step, const Call &call, const std::string &message) {
  std::string where = call.code.func ? fmt::format("function '{}', ", call.code.func->name) : "";
  error = fmt::format("{}{}: {}", where, printOp(*step.op), message);
  return Flow::Error;
}

Lanes Executor::operand(const Step &step, Call &call, size_t i) const {
  const Type &type = step.op->operand(static_cast<int64_t>(i))->type;
  return {registerType(type, target_), type.lanes(), call.bytes.data() + step.operands[i].at};
}

Lanes Executor::result(const Step &step, Call &call, size_t i) const {
  const Type &type = step.op->result(static_cast<int64_t>(i))->type;
  return {registerType(type, target_), type.lanes(), call.bytes.data() + step.results[i].at};
}

Executor::Bytes Executor::collect(const std::vector<Slot> &slots, const Call &call, size_t first) {
  Bytes values;
  for (size_t i = first; i < slots.size(); i++) {
    const std::byte *from = call.bytes.data() + slots[i].at;
    values.insert(values.end(), from, from + slots[i].bytes);
  }
  return values;
}

void Executor::spread(const std::vector<Slot> &slots, Call &call, const Bytes &values,
                      size_t first) {
  const std::byte *from = values.data();
  for (size_t i = first; i < slots.size(); from += slots[i++].bytes)
    std::memcpy(call.bytes.data() + slots[i].at, from, slots[i].bytes);
}

Executor::Flow Executor::runBlock(const Code &code, Call &call) {
  for (const Step &step : code.steps)
    if (Flow flow = runStep(step, call); flow != Flow::Next)
      return flow;
  return Flow::Next;
}

Executor::Flow Executor::runStep(const Step &step, Call &call) {
  if (++steps > workLimit_)
    return fail(step, call, fmt::format("the run took more than {} ops", workLimit_));
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
  default:
    return runOp(step, call);
  }
}

Executor::Flow Executor::runLanes(const Step &step, Call &call) {
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

Executor::Flow Executor::runFor(const Step &step, Call &call) {
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

Executor::Flow Executor::runWhile(const Step &step, Call &call) {
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

Executor::Flow Executor::runIf(const Step &step, Call &call) {
  size_t taken = integer(step, call, 0) ? 0 : 1;
  if (taken >= step.regions.size())
    return Flow::Next;
  const Code &branch = step.regions[taken];
  if (Flow flow = runBlock(branch, call); flow != Flow::Next)
    return flow;
  spread(step.results, call, collect(branch.steps.back().operands, call));
  return Flow::Next;
}

} // namespace cameo::eval
