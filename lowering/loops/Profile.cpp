// See Profile.h.
#include "lowering/loops/Profile.h"

namespace cameo {
namespace {

Value *outputPointer(LoopBuilder &b, int64_t output) {
  AttrDict attrs;
  attrs.set("index", output);
  return b.create(OpKind::FrameOutput, {}, {Type::pointer(DType::I64)}, std::move(attrs))->result();
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

/// What the first thread does with the clock.
void Profile::single(LoopBuilder &team,
                     const std::function<void(Value *ticks, Value *now)> &body) const {
  Op *op = team.create(OpKind::TeamSingle, {}, {}, {}, 1);
  team.atEnd(op->region());
  Value *now = team.create(OpKind::TeamClock, {}, {Type::scalar(DType::I64)})->result();
  body(outputPointer(team, output_), now);
  team.create(OpKind::LoopYield, {}, {});
  team.after(op);
}

void Profile::enterTeam(LoopBuilder &team) const {
  if (isOn())
    single(team,
           [&](Value *ticks, Value *now) { team.store(now, ticks, team.index(numKernels_)); });
}

void Profile::leaveKernel(LoopBuilder &team) {
  if (!isOn())
    return;
  team.create(OpKind::TeamBarrier, {}, {});
  single(team, [&](Value *ticks, Value *now) {
    Value *slot = team.index(kernel_), *last = team.index(numKernels_);
    Value *taken = team.sub(now, team.load(ticks, last));
    team.store(team.add(team.load(ticks, slot), taken), ticks, slot);
    team.store(now, ticks, last);
  });
  kernel_++;
}

} // namespace cameo
