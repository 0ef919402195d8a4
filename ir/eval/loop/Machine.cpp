// Which part of the machine runs an op, and calls; see Machine.h.
#include "ir/eval/loop/Machine.h"

#include "ir/OpSpec.h"

#include <cstring>
#include <fmt/format.h>

namespace cameo::eval {

constexpr int64_t kMostCalls = 100; // nested in each other

Machine::Machine(const Program &program, const Target &target, const LoopOptions &options)
    : Executor(target, options.workLimit), program_(program), options_(options),
      random_(options.seed) {
  if (options.observer)
    memory.onTouch = [observer = options.observer](const Pointer &at, int64_t bytes, bool isStore) {
      observer->touch(at, bytes, isStore);
    };
}

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

Pointer Machine::pointer(const Step &step, Call &call, size_t i) const {
  Pointer pointer;
  std::memcpy(&pointer, call.bytes.data() + step.operands[i].at, sizeof pointer);
  return pointer;
}

void Machine::setPointer(const Step &step, Call &call, const Pointer &pointer) const {
  std::memcpy(call.bytes.data() + step.results[0].at, &pointer, sizeof pointer);
}

Machine::Flow Machine::runOp(const Step &step, Call &call) {
  switch (spec(step.op->kind()).family) {
  case Family::Control:
    return runCall(step, call); // all else of it is the executor's
  case Family::Memory:
    return runMemory(step, call);
  case Family::Tile:
    return runTile(step, call);
  case Family::Team:
    return runTeamOp(step, call);
  case Family::Frame:
    return runFrame(step, call);
  default:
    return runLanes(step, call);
  }
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
