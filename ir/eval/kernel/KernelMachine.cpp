// Which evaluator runs an op, branches and loops; see KernelMachine.h.
#include "ir/eval/kernel/KernelMachine.h"

#include "ir/OpSpec.h"
#include "ir/Printer.h"
#include "ir/kernel/Range.h"
#include "ir/kernel/RunTime.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>

namespace cameo::eval {
namespace {

KernelEvaluator evaluatorFor(OpKind kind) {
  switch (kind) {
#define KERNEL_OP(kind, text, ins, outs, attrs, epilogue, storage, emitter)                        \
  case OpKind::kind:                                                                               \
    return eval##kind;
#include "ir/ops/Ops.def"
  default:
    return nullptr;
  }
}

} // namespace

KernelMachine::KernelMachine(Func &func, const Target &target, const KernelOptions &options)
    : func_(func), target_(target) {
  memory_.workLimit = options.workLimit;
  for (const Buffer &buffer : func.buffers)
    memory_.names.push_back(fmt::format("buffer {} (#{})", memory_.names.size() - 1, buffer.name));
  if (!isPlaced())
    memory_.names.emplace_back("the tensor");
}

Error KernelMachine::wrong(Op &op, const std::string &message) const {
  return badInput(fmt::format("{}: {}", printOp(op), message));
}

Result<void> KernelMachine::runBlock(Block &block) {
  for (const std::unique_ptr<Op> &op : block.ops())
    if (Result<void> ran = runOp(*op); !ran)
      return ran.error();
  return {};
}

Result<void> KernelMachine::runOp(Op &op) {
  switch (op.kind()) {
  case OpKind::LoopReturn:
  case OpKind::LoopYield:
    return {}; // whoever runs the block takes the operands
  case OpKind::Constant:
    return runConstant(op);
  case OpKind::If:
    return runIf(op);
  case OpKind::Loop:
    return runLoop(op);
  default:
    return runKernel(op);
  }
}

/// Which result is written where an operand is read, in whatever order that is; or "".
std::string KernelMachine::clashIn(const KernelContext &context) const {
  for (const View &result : context.results)
    for (const View &operand : context.operands) {
      const BufferPlace &to = result.place, &from = operand.place;
      if (to.block == from.block && to.number != from.number &&
          to.begin < from.begin + from.bytes && from.begin < to.begin + to.bytes)
        return fmt::format("{} is written while {} is read from the same bytes",
                           memory_.names[to.number], memory_.names[from.number]);
    }
  return "";
}

namespace {

/// Which unit has an element is the plan's; here, the first has all.
void noteRange(KernelContext &c) {
  int64_t high = 0, low = 0;
  bool isNaN = false;
  c.forEach(c.out().dims, [&](const std::vector<int64_t> &index) {
    auto element = c.get<float>(c.out(), c.out().at(index));
    high = std::max<int64_t>(high, std::bit_cast<int32_t>(element));
    low = std::max<int64_t>(low, std::bit_cast<uint32_t>(element));
    isNaN = isNaN || element != element;
  });
  if (isNaN)
    high = kHighNaN, low = kLowNaN;
  for (int64_t i = 0; i < c.out(kHigh).dims[0] && !c.failed(); i++) {
    c.put<int64_t>(c.out(kHigh), i * c.out(kHigh).strides[0], i == 0 ? high : 0);
    c.put<int64_t>(c.out(kLow), i * c.out(kLow).strides[0], i == 0 ? low : 0);
  }
}

} // namespace

Result<void> KernelMachine::runKernel(Op &op) {
  KernelEvaluator evaluator = evaluatorFor(op.kind());
  if (!evaluator)
    return unsupported(fmt::format("'{}' is no kernel", spec(op.kind()).name));
  auto atOp = [&](Result<View> view) -> Result<View> {
    if (view || view.error().kind == ErrorKind::Unsupported)
      return view;
    return wrong(op, view.error().message);
  };
  KernelContext context{op,
                        target_,
                        memory_,
                        [this](const Dim &dim) { return evaluate(dim); },
                        [this](const auto &symbols, const auto &values) {
                          for (size_t i = 0; i < symbols.size(); i++)
                            symbols_[symbols[i]] = values[i];
                        },
                        {},
                        {},
                        isPlaced()};
  for (const Value *operand : op.operands())
    context.operands.push_back(operand ? TRY(atOp(viewOf(*operand))) : View());
  // A function in C makes its results itself, and says how large they are.
  bool makesResults = op.kind() == OpKind::KernelCall;
  for (int64_t i = 0; i < op.numResults() && !makesResults; i++)
    context.results.push_back(TRY(atOp(define(*op.result(i)))));
  if (std::string clash = clashIn(context); !clash.empty())
    return wrong(op, clash);
  evaluator(context);
  if (notesRange(op) && !context.failed())
    noteRange(context);
  if (context.fault)
    return *context.fault;
  return memory_.error.empty() ? Result<void>() : wrong(op, memory_.error);
}

Result<void> KernelMachine::runConstant(Op &op) {
  Tensor tensor = TRY(Tensor::view(op.attrs.getConst("value")));
  View view = TRY(define(*op.result()));
  std::vector<int64_t> dense = rowMajor(tensor.dims);
  for (int64_t i = 0; i < tensor.size(); i++) {
    int64_t element = 0;
    for (size_t d = 0, rest = i; d < dense.size(); rest %= dense[d], d++)
      element += static_cast<int64_t>(rest) / dense[d] * view.strides[d];
    memory_.store(view, element, tensor.data() + i * dtypeBytes(tensor.dtype));
  }
  return memory_.error.empty() ? Result<void>() : wrong(op, memory_.error);
}

/// With layouts, both branches write the memory of the results.
Result<void> KernelMachine::runIf(Op &op) {
  Block &branch = op.region(TRY(scalarOf(*op.operand(0))) ? 0 : 1);
  TRY(runBlock(branch));
  for (int64_t i = 0; i < op.numResults() && !isPlaced(); i++)
    values_[op.result(i)] = TRY(viewOf(*branch.terminator()->operand(i)));
  return {};
}

/// The number and condition of an iteration; what is carried, unless it is in its place already.
Result<void> KernelMachine::enterIteration(Op &loop, int64_t number, bool condition,
                                           const std::vector<View> &carried) {
  Block &body = loop.region();
  // Before assign-layouts there is no symbol, as nothing is in its place.
  if (std::string symbol = loop.attrs.getString("iteration"); !symbol.empty())
    symbols_[symbol] = number;
  TRY(write(*body.arg(0), number));
  TRY(write(*body.arg(1), condition));
  for (size_t i = 0; i < carried.size(); i++)
    values_[body.arg(static_cast<int64_t>(i) + 2)] = carried[i];
  return runBlock(body);
}

Result<void> KernelMachine::runLoop(Op &op) {
  Op &yield = *op.region().terminator();
  int64_t limit = op.operand(0) ? TRY(scalarOf(*op.operand(0))) : INT64_MAX;
  bool condition = !op.operand(1) || TRY(scalarOf(*op.operand(1)));
  std::vector<View> carried;
  std::vector<std::vector<View>> slices(op.numResults());
  for (int64_t i = 2; i < op.numOperands() && !isPlaced(); i++)
    carried.push_back(TRY(viewOf(*op.operand(i))));
  for (int64_t number = 0; number < limit && condition; number++) {
    TRY(enterIteration(op, number, condition, carried));
    condition = TRY(scalarOf(*yield.operand(0)));
    for (int64_t i = 0; i < op.numResults() && !isPlaced(); i++) {
      View yielded = TRY(viewOf(*yield.operand(i + 1)));
      i < std::ssize(carried) ? void(carried[i] = yielded) : slices[i].push_back(yielded);
    }
  }
  for (int64_t i = 0; i < op.numResults() && !isPlaced(); i++) {
    if (i < std::ssize(carried)) {
      values_[op.result(i)] = carried[i];
      continue;
    }
    View whole = TRY(define(*op.result(i)));
    if (std::ssize(slices[i]) != whole.dims[0])
      return wrong(op, fmt::format("{} slices are stacked to {}", slices[i].size(), whole.dims[0]));
    for (size_t number = 0; number < slices[i].size(); number++)
      copySlice(slices[i][number], whole, static_cast<int64_t>(number));
  }
  return {};
}

/// Both are dense.
void KernelMachine::copySlice(const View &slice, const View &whole, int64_t number) {
  std::byte bytes[8];
  int64_t count = *checkedNumElements(slice.dims);
  for (int64_t element = 0; element < count; element++) {
    memory_.load(slice, element, bytes);
    memory_.store(whole, number * count + element, bytes);
  }
}

} // namespace cameo::eval
