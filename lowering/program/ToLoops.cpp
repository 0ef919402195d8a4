// See ToLoops.h. Each kernel becomes a function of pointers and a range of units; kernels with
// equal text are one function. A team function calls kernels that follow each other in order, with
// a barrier wherever one may touch what an earlier one wrote; branches and loops are in `main`,
// between team functions. Weights become blobs that are packed while the library is written.
#include "lowering/program/ToLoops.h"

#include "ir/Verifier.h"
#include "ir/infer/Sizes.h"
#include "ir/kernel/Contraction.h"
#include "ir/kernel/KernelSpec.h"
#include "ir/kernel/RunTime.h"
#include "ir/kernel/ViewOps.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/Elements.h"
#include "lowering/build/KernelSpan.h"
#include "lowering/build/Shapes.h"
#include "lowering/emit/KernelFunc.h"
#include "lowering/plan/ImageRuns.h"
#include "lowering/plan/Packing.h"
#include "lowering/plan/ThreadMemory.h"
#include "lowering/plan/VerifyPlans.h"
#include "lowering/program/KernelCalls.h"
#include "lowering/program/OpChecks.h"
#include "lowering/program/PackWeights.h"
#include "lowering/program/Profile.h"
#include "lowering/program/RunTimeSizes.h"
#include "runtime/abi.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace cameo {
namespace {

constexpr int64_t kWeightAlignment = 64;
// Parts of LLVM take more than linear time in the length of a function.
constexpr int64_t kMostInTeam = 500;

struct State {
  Func &func;
  const PassContext &context;
  Program program;
  SizeTable sizes;
  std::map<std::string, int64_t> blobs; // what is stored (storedKey) to its offset
  LoopBuilder main, team;
  RunTimeSizes runTime;
  OpChecks checks;
  KernelCalls calls;
  std::map<const Op *, ImageRun> imageRuns;
  /// Whether `team` is in a team function that takes further kernels, and how many it has.
  bool inTeam = false;
  int64_t kernelsInTeam = 0;
  Dim workInTeam = {};
  KernelSpan span{func}; // since the last barrier
  int64_t numTeams = 0;
  Profile profile;
  Error missing = unsupported("");

  State(Func &func, const PassContext &context, std::vector<std::string> symbols)
      : func(func), context(context), sizes(std::move(symbols)), main(program.module),
        team(program.module), runTime{func, program, sizes, main},
        checks(func, program, sizes, runTime, main, [this] { closeTeam(); }),
        calls(program, sizes, runTime), imageRuns(imageRunsOf(func)) {}

  Result<void> run();
  void addSizes();
  void addPorts();
  void addWeights();
  void addBlob(const Op &op, int64_t bytes, WeightMaker maker);
  void addKernel(Op &op);
  std::optional<KernelCall> callOf(Op &op);
  void enter(Op &op, const Dim &units);
  void addCall(const KernelCall &call, std::vector<Value *> pointers, Value *units);
  void addRun(const ImageRun &run);
  void addBlock(Block &block);
  void addIf(Op &op);
  void addLoop(Op &op);
  void openTeam(int64_t kernels = 1);
  void closeTeam();
  void addWorkspace();
};

void State::addPorts() {
  for (int64_t i = 0; i < func.body.numArgs(); i++) {
    Value *arg = func.body.arg(i);
    program.inputs.push_back(runTime.port(arg->name, arg->type));
  }
  Op *ret = func.body.terminator();
  for (int64_t i = 0; i < ret->numOperands(); i++) {
    Value *value = ret->operand(i);
    Port &port = program.outputs.emplace_back(runTime.port(func.resultNames[i], value->type));
    for (int64_t axis = 0; axis < std::ssize(port.dims); axis++)
      port.sizeNames.push_back(resultSizeName(func, i, axis));
    const Buffer &buffer = func.buffers[value->layout->buffer];
    if (buffer.space == Buffer::Space::Box)
      port.box = buffer.port;
    if (value->type.isRanked())
      for (const Dim &dim : value->type.shape())
        sizes.requireNonNegative(dim);
  }
}

/// Places what an op stores; ops that store the same share a blob.
void State::addBlob(const Op &op, int64_t bytes, WeightMaker maker) {
  Buffer &buffer = func.buffers[op.result()->layout->buffer];
  auto [blob, isNew] = blobs.try_emplace(storedKey(op), program.weightBytes);
  buffer.offset = Dim(blob->second);
  if (!isNew)
    return;
  program.weights.push_back({buffer.name, program.weightBytes, bytes, std::move(maker)});
  program.weightBytes += (bytes + kWeightAlignment - 1) / kWeightAlignment * kWeightAlignment;
}

void State::addWeights() {
  for (Op *op : opsOf(func)) {
    if (op->kind() == OpKind::Constant && isReadDirectly(*op)) {
      ConstRef data = op->attrs.getConst("value");
      addBlob(*op, std::ssize(data->bytes), {1, [data](std::span<std::byte> to, int64_t from) {
                                               std::copy_n(data->bytes.begin() + from, to.size(),
                                                           to.begin());
                                             }});
    }
    if (op->kind() == OpKind::KernelPack && isConstantPack(*op)) {
      const Buffer &buffer = func.buffers[op->result()->layout->buffer];
      addBlob(*op, buffer.size.value() * dtypeBytes(buffer.dtype), weightPacker(*op));
    }
  }
}

bool isOnCaller(const Op &op) {
  const KernelSpec *row = kernelSpec(op.kind());
  return row && row->isOnCaller;
}

bool hasCode(Op &op) {
  bool isWeight = op.kind() == OpKind::KernelPack && isConstantPack(op);
  return isOnCaller(op) || (emitterFor(op.kind()) && !isWeight);
}

void State::addKernel(Op &op) {
  checks.add(op);
  if (isOnCaller(op)) {
    closeTeam();
    profile.enterMain(main);
    op.kind() == OpKind::KernelSizes ? runTime.addSizes(op) : runTime.addCall(op);
    profile.leaveMain(main);
    return;
  }
  if (!hasCode(op))
    return;
  openTeam();
  std::optional<KernelCall> call = callOf(op);
  if (!call)
    return;
  enter(op, call->units);
  addCall(*call, call->pointers, unitsOf(sizes, team, op, call->units));
}

/// The elements that a kernel reads and writes.
Dim workOf(const Op &op) {
  Dim elements;
  auto add = [&](const Value *tensor) {
    if (tensor)
      elements = elements + product(tensor->type.shape());
  };
  for (const Value *operand : op.operands())
    add(operand);
  for (const std::unique_ptr<Value> &result : op.results())
    add(result.get());
  return elements;
}

/// Nothing, and a note, if no code can be made for the op.
std::optional<KernelCall> State::callOf(Op &op) {
  Result<KernelCall> call = calls.callOf(op, team);
  if (call)
    return std::move(*call);
  missing.notes.push_back(call.error().message);
  return std::nullopt;
}

/// Puts a barrier in front of a kernel that must not run beside those before it.
void State::enter(Op &op, const Dim &units) {
  bool mayJoin = span.takes(op), isBeside = mayJoin && !span.empty();
  // Threads share the units of a kernel, and kernels that no barrier parts. Halos are little work.
  if (op.kind() != OpKind::KernelFillHalo && (isBeside || !(units == Dim(1))))
    workInTeam = workInTeam + workOf(op);
  if (!mayJoin) {
    span.clear();
    team.create(OpKind::TeamBarrier, {}, {});
  }
  span.add(op);
}

void State::addCall(const KernelCall &call, std::vector<Value *> pointers, Value *units) {
  team.parallel(units, [&](Value *begin, Value *end) {
    calls.call(team, call, std::move(pointers), begin, end);
  });
  profile.leaveKernel(team);
  if (profile.isOn())
    span.clear(); // each kernel ends in a barrier
}

/// Kernels that go through a batch in turns. In each turn,
/// images are counted from its first one, and what the run alone touches is where the first turn
/// had it.
void State::addRun(const ImageRun &run) {
  openTeam(std::ssize(run.kernels));
  std::vector<KernelCall> kernels;
  for (Op *op : run.kernels)
    if (std::optional<KernelCall> call = callOf(*op))
      kernels.push_back(std::move(*call));
  if (kernels.size() < run.kernels.size())
    return;
  team.create(OpKind::TeamBarrier, {}, {}); // there may be no turn
  Value *images = sizes.value(team, run.images), *one = team.index(1);
  Value *threads = team.create(OpKind::TeamThreads, {}, {Type::index()})->result();
  Value *most = team.mul(threads, team.index(run.together));
  Value *turns = team.div(team.add(images, team.sub(most, one)), most);
  team.forLoop(team.index(0), turns, 1, [&](Value *turn) {
    team.create(OpKind::TeamBarrier, {}, {});
    span.clear();
    Value *first = team.mul(turn, most), *count = team.min(most, team.sub(images, first));
    for (size_t i = 0; i < kernels.size(); i++) {
      const KernelCall &call = kernels[i];
      std::vector<Value *> pointers = call.pointers;
      for (size_t t = 0; t < pointers.size(); t++) {
        int64_t buffer = call.tensors[t]->layout->buffer;
        if (auto stride = run.strides.find(buffer);
            stride != run.strides.end() && !run.own.count(buffer))
          pointers[t] = team.offset(pointers[t], team.mul(first, team.index(stride->second)));
      }
      Op &op = *run.kernels[i];
      enter(op, call.units);
      Value *ofImage = unitsOf(sizes, team, op, *Dim::exactDiv(call.units, run.images));
      addCall(call, std::move(pointers), team.mul(count, ofImage));
    }
  });
}

/// Kernels in a row are one team function; control flow between them is the calling thread's.
void State::openTeam(int64_t kernels) {
  if (inTeam && kernelsInTeam + kernels > kMostInTeam)
    closeTeam();
  kernelsInTeam += kernels;
  if (inTeam)
    return;
  inTeam = true;
  span.clear();
  Func *body = program.module.addFunc(fmt::format("team_{}", numTeams));
  body->attrs.set("kind", std::string("team"));
  team.atEnd(body->body);
  profile.enterTeam(team);
}

void State::closeTeam() {
  if (!inTeam)
    return;
  team.ret();
  AttrDict attrs;
  attrs.set("callee", fmt::format("team_{}", numTeams++));
  // A sum that is too long to be a size is that of many kernels.
  LoopBuilder::Values work;
  if (!workInTeam.isOverflow())
    work.push_back(sizes.value(main, workInTeam));
  main.create(OpKind::TeamRun, work, {}, std::move(attrs));
  inTeam = false;
  kernelsInTeam = 0;
  workInTeam = 0;
}

void State::addBlock(Block &block) {
  const ImageRun *inRun = nullptr; // that the op is in
  for (const std::unique_ptr<Op> &op : block.ops()) {
    auto run = imageRuns.find(op.get());
    if (run != imageRuns.end())
      inRun = &run->second;
    if (inRun)
      checks.add(*op);
    else if (op->kind() == OpKind::If)
      addIf(*op);
    else if (op->kind() == OpKind::Loop)
      addLoop(*op);
    else
      addKernel(*op);
    if (!inRun || op.get() != inRun->kernels.back())
      continue;
    addRun(*inRun);
    inRun = nullptr;
  }
  closeTeam();
}

void State::addIf(Op &op) {
  closeTeam();
  Value *condition = runTime.loadFirst(*op.operand(0));
  auto branch = [&](int64_t region) {
    return [this, &op, region]() -> LoopBuilder::Values {
      addBlock(op.region(region));
      return {};
    };
  };
  main.ifElse(condition, {}, branch(0), branch(1));
}

/// While the trip count is not reached and the condition holds; both may be absent. A loop whose
/// results have no elements, whatever it does, makes no iteration.
void State::addLoop(Op &op) {
  closeTeam();
  Block &body = op.region();
  Type count = Type::scalar(DType::I64), flag = Type::scalar(DType::Bool);
  Value *limit =
      op.operand(0) ? runTime.loadFirst(*op.operand(0)) : main.constantInt(count, INT64_MAX);
  if (Value *any = anyElementsAtHead(sizes, main, op))
    limit = main.select(any, limit, main.constantInt(count, 0));
  Value *first = op.operand(1) ? runTime.loadFirst(*op.operand(1)) : main.constantInt(flag, 1);
  Op *loop =
      main.create(OpKind::LoopWhile, {main.constantInt(count, 0), first}, {count, flag}, {}, 2);
  Block &test = loop->region(0), &step = loop->region(1);
  Value *iteration = test.addArg(count), *condition = test.addArg(flag);
  main.atEnd(test);
  Value *goesOn = main.binary(OpKind::ScalarAnd, main.cmp("lt", iteration, limit), condition);
  main.create(OpKind::LoopYield, {goesOn, iteration, condition}, {});
  iteration = step.addArg(count), condition = step.addArg(flag);
  main.atEnd(step);
  AttrDict attrs;
  attrs.set("node", internNode(program.nodeNames, op.loc));
  main.create(OpKind::FrameIterate, {}, {}, std::move(attrs));
  main.store(iteration, runTime.pointerTo(*body.arg(0), main), main.index(0));
  main.store(condition, runTime.pointerTo(*body.arg(1), main), main.index(0));
  runTime.define(op, {iterationOf(op)}, {main.toIndex(iteration)});
  addBlock(body);
  // The condition may never have been written.
  runTime.leaveIfFailed();
  Value *next = runTime.loadFirst(*body.terminator()->operand(0));
  main.create(OpKind::LoopYield, {main.add(iteration, main.constantInt(count, 1)), next}, {});
  main.after(loop);
}

void State::addWorkspace() {
  Func *workspace = program.module.addFunc("workspace");
  workspace->attrs.set("kind", std::string("workspace"));
  Value *threads = workspace->body.addArg(Type::index(), "threads");
  LoopBuilder b(program.module, workspace->body);
  sizes.requireNonNegative(calls.threadMemory.begin);
  sizes.requireNonNegative(calls.threadMemory.bytes);
  Value *arena = sizes.value(b, calls.threadMemory.begin);
  if (calls.threadMemory.bytes == Dim(0))
    return b.ret({arena});
  Value *overflow = b.constantInt(Type::scalar(DType::Bool), 0);
  auto checked = [&](OpKind kind, Value *x, Value *y) {
    Op *op = b.create(kind, {x, y}, {Type::index(), Type::scalar(DType::Bool)});
    overflow = b.binary(OpKind::ScalarOr, overflow, op->result(1));
    return op->result(0);
  };
  Value *own = checked(OpKind::IndexCheckedMul, threads, sizes.value(b, calls.threadMemory.bytes));
  Value *total = checked(OpKind::IndexCheckedAdd, arena, own);
  b.ret({b.select(overflow, b.index(-1), total)});
}

void State::addSizes() {
  const Attr *names = func.attrs.find("size_names");
  if (!names)
    return;
  Dims defined = func.attrs.getDims("sizes");
  for (size_t i = 0; i < defined.size(); i++)
    sizes.define(std::get<std::vector<std::string>>(*names)[i], defined[i]);
}

Result<void> State::run() {
  addSizes();
  runTime.defineSymbols();
  addPorts();
  addWeights();
  calls.threadMemory.begin = func.attrs.getDims("arena")[0];
  for (const Op *op : opsOf(func))
    calls.threadMemory.bytes = Dim::max(calls.threadMemory.bytes, threadBytes(*op));
  Func *entry = program.module.addFunc("main");
  entry->attrs.set("kind", std::string("main"));
  main.atEnd(entry->body);
  if (context.profile)
    profile.start(program, main, std::ssize(kernelsOf(func)));
  addBlock(func.body);
  main.ret();
  if (!missing.notes.empty()) {
    missing.message = fmt::format("{} node{} cannot be compiled", missing.notes.size(),
                                  missing.notes.size() == 1 ? "" : "s");
    return missing;
  }
  addWorkspace();
  sizes.emit(program.module);
  program.symbols = sizes.symbols();
  program.numDims = sizes.numEntries();
  return {};
}

} // namespace

/// Every Loop has a symbol of its own for its iterations.
static Result<void> checkIterations(Func &func) {
  std::set<std::string> symbols;
  for (Op *op : opsOf(func)) {
    if (op->kind() != OpKind::Loop)
      continue;
    std::string symbol = op->attrs.getString("iteration");
    if (symbol.empty() || !symbols.insert(symbol).second)
      return badInput(fmt::format("node '{}' (Loop): expected a symbol of its own as attribute "
                                  "'iteration', got '{}'",
                                  op->loc.str(), symbol));
  }
  return {};
}

std::vector<Op *> kernelsOf(Func &func) {
  std::vector<Op *> ops = opsOf(func);
  std::erase_if(ops, [](Op *op) { return !hasCode(*op); });
  return ops;
}

Result<Program> toLoops(Module &planned, const PassContext &context) {
  Func &func = planned.main();
  TRY(checkIterations(func));
  Result<void> plans = verifyPlans(planned);
  ICE_UNLESS(plans, "plans: " + plans.error().message);
  std::vector<std::string> symbols = boundSymbols(func);
  State state(func, context, symbols);
  state.program.module.name = planned.name;
  state.program.metadata = planned.metadata;
  TRY(state.run());
  Result<void> valid = verify(state.program.module);
  ICE_UNLESS(valid, "loops: " + valid.error().message);
  return std::move(state.program);
}

} // namespace cameo
