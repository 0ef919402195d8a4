// See ToLoops.h. Each kernel becomes a function of pointers and a range of units; kernels with
// equal text are one function. A team function calls kernels that follow each other in order, with
// a barrier wherever one may touch what an earlier one wrote; branches and loops are in `main`,
// between team functions. Weights become blobs that are packed while the library is written.
#include "lowering/program/ToLoops.h"

#include "ir/OpSpec.h"
#include "ir/Printer.h"
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
#include "lowering/build/ShareConstants.h"
#include "lowering/emit/KernelFunc.h"
#include "lowering/plan/Packing.h"
#include "lowering/plan/VerifyPlans.h"
#include "lowering/program/PackWeights.h"
#include "lowering/program/Profile.h"
#include "lowering/program/RunTimeSizes.h"
#include "lowering/program/SharedKernel.h"
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
  MicroKernels micros;
  std::map<std::string, std::string> kernels; // text to name
  std::map<std::string, int64_t> blobs;       // what is stored (storedKey) to its offset
  LoopBuilder main, team;
  RunTimeSizes runTime;
  /// Whether `team` is in a team function that takes further kernels, and how many it has.
  bool inTeam = false;
  int64_t kernelsInTeam = 0;
  Dim workInTeam = {};
  KernelSpan span{func}; // since the last barrier
  int64_t numTeams = 0;
  Profile profile;
  ThreadMemory threadMemory;
  Error missing = unsupported("");

  State(Func &func, const PassContext &context, std::vector<std::string> symbols)
      : func(func), context(context), sizes(std::move(symbols)), main(program.module),
        team(program.module), runTime{func, program, sizes, main} {}

  Result<void> run();
  void addSizes();
  void addPorts();
  void addWeights();
  void addBlob(const Op &op, int64_t bytes, WeightMaker maker);
  void addKernel(Op &op);
  void addLoops(Op &op);
  void addGuard(Op &op);
  void requireSlice(Op &slice);
  bool isCheckedAtHead(const Op &op, const Dims &of) const;
  void checkHere(const std::function<void()> &check);
  void requireSizes(Op &op);
  void addBlock(Block &block);
  void addIf(Op &op);
  void addLoop(Op &op);
  void openTeam();
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

/// A slice of a constant number of elements of a dim known only at run time (a Gather of one index,
/// a Split) relies on their being there; sizes of other slices are clamped by inference.
void State::requireSlice(Op &slice) {
  const Type &x = slice.operand(0)->type, &y = slice.result()->type;
  auto [starts, steps] = attrsOf<SliceAttrs>(slice);
  int64_t node = internNode(program.nodeNames, slice.loc);
  for (int64_t i = 0; i < x.rank(); i++) {
    if (x.dim(i).isConst() || !y.dim(i).isConst() || y.dim(i).value() == 0)
      continue;
    Dim first = starts[i], last = first + Dim(y.dim(i).value() - 1) * Dim(steps[i]);
    if (isCheckedAtHead(slice, {first, last, x.dim(i)}))
      sizes.requireElements(first, last, x.dim(i), node);
    else
      checkHere([&] { sizes.requireElementsHere(main, first, last, x.dim(i), node); });
  }
}

/// Whether the head of the run checks an op's requirements of these sizes: it does if it knows them
/// and the op runs in any case.
bool State::isCheckedAtHead(const Op &op, const Dims &of) const {
  return op.block() == &func.body && std::all_of(of.begin(), of.end(), [&](const Dim &size) {
           return sizes.knowsAtHead(size);
         });
}

/// Checks something between team functions, where it stands.
void State::checkHere(const std::function<void()> &check) {
  closeTeam();
  check();
  runTime.leaveIfFailed();
}

bool isOnCaller(const Op &op) {
  const KernelSpec *row = kernelSpec(op.kind());
  return row && row->isOnCaller;
}

bool hasCode(Op &op) {
  bool isWeight = op.kind() == OpKind::KernelPack && isConstantPack(op);
  return isOnCaller(op) || (emitterFor(op.kind()) && !isWeight);
}

/// Sizes that an op makes of others may turn out negative.
void State::requireSizes(Op &op) {
  auto isOfOperand = [&](const Dim &size) {
    return std::any_of(op.operands().begin(), op.operands().end(), [&](const Value *operand) {
      return operand && operand->type.isRanked() &&
             std::count(operand->type.shape().begin(), operand->type.shape().end(), size) > 0;
    });
  };
  int64_t node = internNode(program.nodeNames, op.loc);
  for (const std::unique_ptr<Value> &result : op.results()) {
    const Type &y = result->type;
    for (int64_t i = 0; y.isTensor() && y.isRanked() && i < y.rank(); i++) {
      const Dim &size = y.dim(i), zero(0);
      if (provablyAtLeast(size, zero) || isOfOperand(size) || !sizes.knows(size))
        continue;
      if (isCheckedAtHead(op, {size}))
        sizes.require(Relation::AtMost, zero, size, CAMEO_FAULT_NEGATIVE_SIZE, node);
      else
        checkHere([&] {
          sizes.requireHere(main, Relation::AtMost, zero, size, CAMEO_FAULT_NEGATIVE_SIZE, node);
        });
    }
  }
}

/// At the head of the run, or, where that is too early, in its place.
void State::addGuard(Op &op) {
  GuardAttrs guard = attrsOf<GuardAttrs>(op);
  const Dims &of = guard.sizes;
  // A size that no longer exists was that of something dead.
  if (!sizes.knows(of[0]) || !sizes.knows(of[1]))
    return;
  int64_t code = CAMEO_FAULT_OWN + program.faultTexts.add(guard.text);
  int64_t node = internNode(program.nodeNames, op.loc);
  if (isCheckedAtHead(op, of))
    sizes.require(guard.relation, of[0], of[1], code, node);
  else
    checkHere([&] { sizes.requireHere(main, guard.relation, of[0], of[1], code, node); });
}

void State::addKernel(Op &op) {
  if (op.kind() == OpKind::KernelGuard)
    return addGuard(op);
  if (op.kind() == OpKind::KernelSlice)
    requireSlice(op);
  if (isOnCaller(op)) {
    closeTeam();
    profile.enterMain(main);
    op.kind() == OpKind::KernelSizes ? runTime.addSizes(op) : runTime.addCall(op);
    profile.leaveMain(main);
    return;
  }
  requireSizes(op);
  if (!hasCode(op))
    return;
  openTeam();
  addLoops(op);
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

/// Writes the kernel's loops as a function, which equal kernels share, and calls it.
void State::addLoops(Op &op) {
  Func *kernel = program.module.addFunc("");
  kernel->attrs.set("kind", std::string("kernel"));
  KernelFunc k{
      op, sizes, micros, program.nodeNames, threadMemory, LoopBuilder(program.module, kernel->body),
      {}, {}};
  std::vector<Value *> pointers;
  auto addPointer = [&](Value *value) -> Value * {
    if (!value)
      return nullptr;
    pointers.push_back(runTime.pointerTo(*value, team));
    return kernel->body.addArg(pointers.back()->type);
  };
  for (Value *operand : op.operands())
    k.operands.push_back(addPointer(operand));
  for (const std::unique_ptr<Value> &result : op.results())
    k.results.push_back(addPointer(result.get()));
  k.begin = kernel->body.addArg(Type::index(), "begin");
  k.end = kernel->body.addArg(Type::index(), "end");
  Result<Dim> units = emitterFor(op.kind())(k);
  if (!units) {
    missing.notes.push_back(units.error().message);
    return;
  }
  k.b.ret();
  shareConstants(kernel->body);
  SharedKernel shared(*kernel);
  auto [entry, isNew] = kernels.try_emplace(printFunc(*kernel), "");
  if (isNew) {
    entry->second = kernel->name = fmt::format("{}_{}", spec(op.kind()).name, kernels.size());
    noteNode(*kernel, op);
  } else
    std::erase_if(program.module.funcs, [&](const auto &f) { return f.get() == kernel; });
  bool mayJoin = span.takes(op), isBeside = mayJoin && !span.empty();
  // Threads share the units of a kernel, and kernels that no barrier parts. Halos are little work.
  if (op.kind() != OpKind::KernelFillHalo && (isBeside || !(*units == Dim(1))))
    workInTeam = workInTeam + workOf(op);
  if (!mayJoin) {
    span.clear();
    team.create(OpKind::TeamBarrier, {}, {});
  }
  span.add(op);
  team.parallel(unitsOf(sizes, team, op, *units), [&](Value *begin, Value *end) {
    std::vector<Value *> args = pointers;
    args.push_back(begin);
    args.push_back(end);
    for (int64_t index : shared.sizes)
      args.push_back(sizes.valueOf(team, index));
    for (int64_t node : shared.nodes)
      args.push_back(team.index(node));
    team.call(entry->second, args);
  });
  profile.leaveKernel(team);
  if (profile.isOn())
    span.clear(); // each kernel ends in a barrier
}

/// Kernels in a row are one team function; control flow between them is the calling thread's.
void State::openTeam() {
  if (inTeam && kernelsInTeam == kMostInTeam)
    closeTeam();
  kernelsInTeam++;
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
  for (const std::unique_ptr<Op> &op : block.ops()) {
    if (op->kind() == OpKind::If)
      addIf(*op);
    else if (op->kind() == OpKind::Loop)
      addLoop(*op);
    else
      addKernel(*op);
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
  sizes.requireNonNegative(threadMemory.begin);
  sizes.requireNonNegative(threadMemory.bytes);
  Value *arena = sizes.value(b, threadMemory.begin);
  if (threadMemory.bytes == Dim(0))
    return b.ret({arena});
  Value *overflow = b.constantInt(Type::scalar(DType::Bool), 0);
  auto checked = [&](OpKind kind, Value *x, Value *y) {
    Op *op = b.create(kind, {x, y}, {Type::index(), Type::scalar(DType::Bool)});
    overflow = b.binary(OpKind::ScalarOr, overflow, op->result(1));
    return op->result(0);
  };
  Value *own = checked(OpKind::IndexCheckedMul, threads, sizes.value(b, threadMemory.bytes));
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
  threadMemory.begin = func.attrs.getDims("arena")[0];
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
