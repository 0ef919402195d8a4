// The frame of a run, team functions and their units; see Machine.h. A team function is run once
// for all threads: what is in it outside of `parallel` and `single` is the same on each.
#include "ir/Fault.h"
#include "ir/eval/loop/Machine.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <numeric>

namespace cameo::eval {

Machine::Flow Machine::runFrame(const Step &step, Call &call) {
  int64_t index = step.op->attrs.getInt("index");
  switch (step.op->kind()) {
  case OpKind::FrameInput:
    setPointer(step, call, frame.inputs[index]);
    return Flow::Next;
  case OpKind::FrameOutput:
    setPointer(step, call, frame.outputs[index]);
    return Flow::Next;
  case OpKind::FrameBox:
    return buffer(step, call, frame.boxes[index]);
  case OpKind::FrameArena:
    return buffer(step, call, frame.arena);
  case OpKind::FrameWeights:
    return buffer(step, call, frame.weights);
  case OpKind::FrameDim:
    setIndex(step, call, frame.dims[index]);
    return Flow::Next;
  case OpKind::FrameSetDim:
    frame.dims[index] = integer(step, call, 0);
    return Flow::Next;
  case OpKind::FrameReserve:
    return reserve(step, call);
  case OpKind::FrameCallSite:
    isUnsupported = true;
    return fail(
        step, call,
        fmt::format("functions in C ('{}') are not interpreted", program_.sites[index].callee));
  default: // iterate, leave_if_failed
    return fault ? Flow::Leave : Flow::Next;
  }
}

/// The pointer may not leave the buffer, whatever else the block holds.
Machine::Flow Machine::buffer(const Step &step, Call &call, Pointer block) {
  if (step.operands.size() == 2)
    block.offset = block.begin = integer(step, call, 0);
  if (!step.operands.empty())
    block.end = block.begin + integer(step, call, step.operands.size() - 1);
  setPointer(step, call, block);
  return Flow::Next;
}

/// The memory moves each time, so that a pointer to where it was is found out, and never shrinks.
Machine::Flow Machine::reserve(const Step &step, Call &call) {
  int64_t index = step.op->attrs.getInt("index"), bytes = integer(step, call, 0);
  if (fault)
    return Flow::Next;
  if (bytes < 0)
    return fail(step, call, fmt::format("{} bytes are reserved", bytes));
  Pointer &box = frame.boxes[index];
  Pointer moved =
      memory.add(LoopMemory::Kind::Shared, fmt::format("box {}", index), std::max(bytes, box.end));
  if (box.block != 0 && step.op->attrs.getInt("keep"))
    memory.copy(moved, box);
  if (box.block != 0)
    memory.release(box);
  box = moved;
  return Flow::Next;
}

void Machine::recordFault(const Step &step, Call &call) {
  if (fault)
    return;
  auto has = [&](size_t i) { return i < step.operands.size() && step.operands[i].at >= 0; };
  fault = LoopFault{faultOf(step.op->attrs), step.op->attrs.getInt("node", -1), {}, {}};
  if (has(0))
    fault->a = integer(step, call, 0);
  if (has(1))
    fault->b = integer(step, call, 1);
  if (has(2))
    fault->node = integer(step, call, 2);
}

Machine::Flow Machine::runTeamOp(const Step &step, Call &call) {
  switch (step.op->kind()) {
  case OpKind::TeamRun:
    return runTeam(step, call);
  case OpKind::TeamParallel:
    return parallel(step, call);
  case OpKind::TeamSingle:
    return unit(step, call, -1, 0);
  case OpKind::TeamBarrier:
    if (where_ != Where::Team)
      return fail(step, call, "not every thread comes to it");
    memory.barrier();
    return Flow::Next;
  case OpKind::TeamThread:
    setIndex(step, call, thread_);
    return Flow::Next;
  case OpKind::TeamThreads:
    setIndex(step, call, options_.threads);
    return Flow::Next;
  case OpKind::TeamClock:
    setIndex(step, call, steps);
    return Flow::Next;
  default:
    recordFault(step, call);
    return Flow::Next;
  }
}

Machine::Flow Machine::runTeam(const Step &step, Call &call) {
  if (where_ != Where::Main)
    return fail(step, call, "a team is started by a team");
  if (fault)
    return Flow::Next;
  memory.barrier();
  where_ = Where::Team;
  Bytes results;
  Flow flow = invoke(codeFor(step.op->attrs.getString("callee")), {}, results);
  where_ = Where::Main;
  memory.barrier();
  return flow;
}

/// Tells the observer of a unit and the pointers that the call in it passes.
void Machine::observe(const Step &step, Call &call, int64_t unit) {
  for (const Step &inner : step.regions[0].steps) {
    if (inner.op->kind() != OpKind::LoopCall)
      continue;
    std::vector<Pointer> tensors;
    for (size_t i = 0; i < inner.operands.size(); i++)
      if (inner.op->operand(static_cast<int64_t>(i))->type.isPointer())
        tensors.push_back(pointer(inner, call, i));
    return options_.observer->enter(kernels_ - 1, unit, std::move(tensors));
  }
}

/// Every unit is on its own, in any order and on any thread.
Machine::Flow Machine::parallel(const Step &step, Call &call) {
  if (where_ != Where::Team)
    return fail(step, call, "it is not in a team function");
  int64_t count = integer(step, call, 0);
  if (count < 0)
    return fail(step, call, fmt::format("there are {} units", count));
  if (count > options_.workLimit)
    return fail(step, call,
                fmt::format("{} units are more than {} ops", count, options_.workLimit));
  kernels_++;
  std::vector<int64_t> units(fault ? 0 : count);
  std::iota(units.begin(), units.end(), 0);
  std::shuffle(units.begin(), units.end(), random_);
  const std::vector<Slot> &args = step.regions[0].args;
  for (int64_t number : units) {
    int64_t range[2] = {number, number + 1};
    for (size_t i = 0; i < 2; i++)
      std::memcpy(call.bytes.data() + args[i].at, &range[i], args[i].bytes);
    int64_t thread = static_cast<int64_t>(random_() % static_cast<uint64_t>(options_.threads));
    if (options_.observer)
      observe(step, call, number);
    Flow flow = unit(step, call, number, thread);
    if (options_.observer)
      options_.observer->leave();
    if (flow != Flow::Next)
      return flow;
  }
  return Flow::Next;
}

/// Runs the region of a `parallel` or a `single`.
Machine::Flow Machine::unit(const Step &step, Call &call, int64_t unit, int64_t thread) {
  if (where_ != Where::Team)
    return fail(step, call, "it is not in a team function");
  memory.enter(unit, thread);
  where_ = Where::Unit;
  thread_ = thread;
  Flow flow = runBlock(step.regions[0], call);
  thread_ = 0;
  where_ = Where::Team;
  memory.enter(-1, 0);
  return flow;
}

} // namespace cameo::eval
