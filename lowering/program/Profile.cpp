// See Profile.h.
#include "lowering/program/Profile.h"

namespace cameo {
namespace {

Value *outputPointer(LoopBuilder &b, int64_t output) {
  AttrDict attrs;
  attrs.set("index", output);
  return b.create(OpKind::FrameOutput, {}, {Type::pointer(DType::I64)}, std::move(attrs))->result();
}

Value *clock(LoopBuilder &b) {
  return b.create(OpKind::TeamClock, {}, {Type::scalar(DType::I64)})->result();
}

} // namespace

void Profile::start(Program &program, LoopBuilder &main, int64_t numKernels) {
  output_ = static_cast<int64_t>(program.outputs.size());
  numKernels_ = numKernels;
  program.outputs.push_back({"kernel ticks", DType::I64, {{numKernels + 1, -1}}});
  Value *ticks = outputPointer(main, output_);
  main.forLoop(main.index(0), main.index(numKernels + 1), 1, [&](Value *i) {
    main.store(main.constantInt(Type::scalar(DType::I64), 0), ticks, i);
  });
}

/// What one thread does with the clock.
void Profile::single(LoopBuilder &team,
                     const std::function<void(Value *ticks, Value *now)> &body) const {
  Op *op = team.create(OpKind::TeamSingle, {}, {}, {}, 1);
  team.atEnd(op->region());
  Value *now = clock(team);
  body(outputPointer(team, output_), now);
  team.create(OpKind::LoopYield, {}, {});
  team.after(op);
}

void Profile::start(LoopBuilder &b, Value *ticks, Value *now) const {
  b.store(now, ticks, b.index(numKernels_));
}

void Profile::add(LoopBuilder &b, Value *ticks, Value *now) const {
  Value *slot = b.index(kernel_), *last = b.index(numKernels_);
  Value *taken = b.sub(now, b.load(ticks, last));
  b.store(b.add(b.load(ticks, slot), taken), ticks, slot);
  b.store(now, ticks, last);
}

void Profile::enterTeam(LoopBuilder &team) const {
  if (isOn())
    single(team, [&](Value *ticks, Value *now) { start(team, ticks, now); });
}

void Profile::leaveKernel(LoopBuilder &team) {
  if (!isOn())
    return;
  team.create(OpKind::TeamBarrier, {}, {});
  single(team, [&](Value *ticks, Value *now) { add(team, ticks, now); });
  kernel_++;
}

void Profile::enterMain(LoopBuilder &main) const {
  if (isOn())
    start(main, outputPointer(main, output_), clock(main));
}

void Profile::leaveMain(LoopBuilder &main) {
  if (!isOn())
    return;
  add(main, outputPointer(main, output_), clock(main));
  kernel_++;
}

} // namespace cameo
