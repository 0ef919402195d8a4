// See ModelCost.h. Counts are doubles: they are for people, and a hostile model may overflow any
// integer.
#include "tools/ModelCost.h"

#include "ir/OpSpec.h"
#include "lowering/PassManager.h"

#include <algorithm>
#include <functional>

namespace cameo {

namespace {

class Counter {
public:
  explicit Counter(const std::map<std::string, int64_t> &sizes) : sizes_(sizes) {}

  /// Ops and their parameters.
  void countOps(Func &main) {
    forEachOp(main.body, [this](Op &op) { countOp(op); });
  }
  void countFlops(Func &main) {
    forEachOp(main.body, [this](Op &op) {
      double flop = flops(op);
      cost.ops[std::string(spec(op.kind()).name)].flops += flop;
      cost.total.flops += flop;
    });
  }

  ModelCost cost;

private:
  static void forEachOp(Block &block, const std::function<void(Op &)> &visit) {
    for (const std::unique_ptr<Op> &op : block.ops()) {
      if (op->kind() == OpKind::Constant || op.get() == block.terminator())
        continue;
      visit(*op);
      for (int64_t i = 0; i < op->numRegions(); ++i)
        forEachOp(op->region(i), visit);
    }
  }
  double size(const Dim &dim) {
    std::optional<int64_t> value = dim.evaluate([&](const std::string &name) {
      auto found = sizes_.find(name);
      if (found == sizes_.end())
        cost.unknownSizes.insert(name);
      return std::optional<int64_t>(found == sizes_.end() ? 1 : found->second);
    });
    return static_cast<double>(value.value_or(1));
  }
  double elements(const Value *value) {
    double count = 1;
    if (value && value->type.isRanked())
      for (const Dim &dim : value->type.shape())
        count *= size(dim);
    return count;
  }
  /// Size of an axis counted from the end if negative; 1 if there is none.
  double extent(const Value *value, int64_t axis) {
    if (!value || !value->type.isRanked())
      return 1;
    axis += axis < 0 ? value->type.rank() : 0;
    return axis >= 0 && axis < value->type.rank() ? size(value->type.dim(axis)) : 1;
  }
  /// Elements of a convolution's weights that make one output channel.
  double filter(const Value *weights) {
    return elements(weights) / std::max(1.0, extent(weights, 0));
  }
  double recurrent(const Op &op, double gates) {
    // W is [directions, gates*hidden, input], R [directions, gates*hidden, hidden].
    double steps = extent(op.operand(0), 0) * extent(op.operand(0), 1);
    double hidden = extent(op.operand(2), 2);
    double rows = extent(op.operand(1), 0) * gates * hidden;
    return 2 * steps * rows * (extent(op.operand(1), 2) + hidden);
  }
  double flops(const Op &op);
  void countOp(const Op &op);

  const std::map<std::string, int64_t> &sizes_;
  std::set<const Value *> seen_;
};

double Counter::flops(const Op &op) {
  std::string_view name = spec(op.kind()).name;
  const Value *out = op.numResults() > 0 ? op.result() : nullptr;
  if (name == "Conv" || name == "ConvInteger")
    return 2 * elements(out) * filter(op.operand(1));
  if (name == "QLinearConv")
    return 2 * elements(out) * filter(op.operand(3));
  if (name == "ConvTranspose")
    return 2 * elements(op.operand(0)) * filter(op.operand(1));
  if (name == "Gemm")
    return 2 * elements(out) * extent(op.operand(0), op.attrs.getInt("transA") ? 0 : 1);
  if (name == "MatMul" || name == "MatMulInteger" || name == "QLinearMatMul")
    return 2 * elements(out) * extent(op.operand(0), -1);
  if (name == "LSTM")
    return recurrent(op, 4);
  if (name == "GRU")
    return recurrent(op, 3);
  if (name == "RNN")
    return recurrent(op, 1);
  if (name == "Attention")
    // Scores and weighted sum: queries times keys times head size, twice.
    return 4 * elements(op.operand(0)) * extent(op.operand(1), -2);
  switch (spec(op.kind()).flops) {
  case Flops::None:
    return 0;
  case Flops::PerResult:
    return elements(out);
  case Flops::PerOperand:
    return elements(op.operand(0));
  }
  ICE("an op that is counted in no way");
}

void Counter::countOp(const Op &op) {
  OpCost &entry = cost.ops[std::string(spec(op.kind()).name)];
  double parameters = 0;
  for (const Value *operand : op.operands()) {
    if (!operand || !operand->definingOp() || operand->definingOp()->kind() != OpKind::Constant ||
        !seen_.insert(operand).second)
      continue;
    parameters += elements(operand);
    cost.parameterBytes +=
        elements(operand) * static_cast<double>(dtypeBytes(operand->type.dtype()));
  }
  for (OpCost *sum : {&entry, &cost.total}) {
    ++sum->count;
    sum->parameters += parameters;
  }
}

} // namespace

Result<ModelCost> costOf(const std::string &model, const ModelOptions &options) {
  ImportOptions import = TRY(importOptions(options));
  std::unique_ptr<Module> module = TRY(importModel(model, import));
  Counter counter(import.dims);
  counter.countOps(module->main());
  // Sizes that the model computes are numbers only once the ops that compute them are folded.
  std::vector<PipelineStep> steps =
      TRY(stepsFromText("fold-constants,remove-dead-ops", allPasses()));
  PassContext context;
  TRY(runPasses(*module, context, steps, allPasses()));
  counter.countFlops(module->main());
  // Ops that folding brings in compute nothing.
  std::erase_if(counter.cost.ops, [](const auto &entry) { return entry.second.count == 0; });
  return std::move(counter.cost);
}

} // namespace cameo
