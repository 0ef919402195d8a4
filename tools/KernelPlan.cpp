// See KernelPlan.h.
#include "tools/KernelPlan.h"

#include "ir/OpSpec.h"
#include "lowering/ControlFlow.h"
#include "lowering/PassManager.h"
#include "lowering/kernels/PackWeights.h"
#include "lowering/plan/Winograd.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace cameo {

namespace {

bool isView(OpKind kind) {
  return kind == OpKind::KernelReshape || kind == OpKind::KernelTranspose ||
         kind == OpKind::KernelSlice || kind == OpKind::KernelBroadcast ||
         kind == OpKind::KernelConcat;
}

int64_t opsInRegions(const Op &op) {
  int64_t count = 0;
  for (int64_t i = 0; i < op.numRegions(); ++i)
    for (const std::unique_ptr<Op> &inner : op.region(i).ops())
      // The terminator computes nothing.
      count += (inner.get() == op.region(i).terminator() ? 0 : 1) + opsInRegions(*inner);
  return count;
}

/// Whether what the op computes is in the weights already.
bool isWeight(const Func &main, const Op &op) {
  if (op.numResults() == 0 || !op.result()->layout)
    return false;
  const Buffer &buffer = main.buffers[static_cast<size_t>(op.result()->layout->buffer)];
  return buffer.space == Buffer::Space::Weight;
}

struct Sizes {
  const std::map<std::string, int64_t> &known;

  double of(const Dim &dim) const {
    std::optional<int64_t> value = dim.evaluate([&](const std::string &name) {
      auto found = known.find(name);
      return std::optional<int64_t>(found == known.end() ? 1 : found->second);
    });
    return static_cast<double>(value.value_or(1));
  }
  double elements(const Value &value) const {
    double count = 1;
    for (const Dim &dim : value.type.shape())
      count *= of(dim);
    return count;
  }
};

/// Two for each multiplication with a weight.
double flopsOf(const Op &op, const Sizes &sizes) {
  if (op.kind() == OpKind::KernelGemm) {
    const Type &a = op.operand(0)->type;
    return 2 * sizes.elements(*op.result()) * sizes.of(a.dim(a.rank() - 1));
  }
  if (op.kind() != OpKind::KernelConv)
    return 0;
  double taps =
      sizes.of(op.operand(0)->type.dim(1)) / static_cast<double>(op.attrs.getInt("group"));
  for (int64_t extent : op.attrs.getInts("kernel"))
    taps *= static_cast<double>(extent);
  return 2 * sizes.elements(*op.result()) * taps;
}

double bytesOf(const Op &op, const Sizes &sizes) {
  double bytes = 0;
  if (op.kind() == OpKind::KernelFillHalo)
    return bytes; // a border of its operand
  auto add = [&](const Value *value) {
    if (value && value->type.isTensor() && value->type.isRanked())
      bytes += sizes.elements(*value) * static_cast<double>(dtypeBytes(value->type.dtype()));
  };
  for (const Value *operand : op.operands())
    add(operand);
  for (const std::unique_ptr<Value> &result : op.results())
    add(result.get());
  return bytes;
}

KernelRow rowOf(const Op &op, const Sizes &sizes) {
  KernelRow row;
  row.kernel = spec(op.kind()).name;
  // Ops that come in variants carry one of these.
  for (const char *variant : {"algorithm", "form", "combiner", "kind"})
    if (op.attrs.has(variant))
      row.kernel += fmt::format(" ({})", op.attrs.getString(variant));
  if (op.kind() == OpKind::KernelCall) {
    std::string callee = op.attrs.getString("callee");
    constexpr std::string_view own = "cameo_kernel_";
    row.kernel = "call (" + callee.substr(callee.starts_with(own) ? own.size() : 0) + ")";
  }
  row.nodes = op.loc.str();
  row.output = op.numResults() > 0 ? op.result()->type.str() : "";
  row.fused = opsInRegions(op);
  row.flops = flopsOf(op, sizes);
  row.bytes = bytesOf(op, sizes);
  return row;
}

/// Memory that each thread has for itself.
int64_t threadBytes(Func &main, const Target &target) {
  int64_t bytes = 0;
  for (Op *op : opsOf(main))
    if (int64_t tile = op->kind() == OpKind::KernelConv ? winogradTile(*op) : 0)
      bytes = std::max(bytes, 4 * planWinograd(target, convSizes(*op), tile).elements());
  return bytes;
}

std::string bytesText(const Dim &bytes) {
  return bytes.isConst() ? formatBytes(bytes.value()) : bytes.str() + " bytes";
}

} // namespace

Result<KernelPlan> planKernels(Module &module, PassContext context,
                               const std::map<std::string, int64_t> &sizes) {
  TRY(runPasses(module, context, pipeline(), allPasses()));
  Func &main = module.main();
  KernelPlan plan;
  for (Op *op : opsOf(main)) {
    if (spec(op->kind()).level != Level::Kernel)
      continue;
    if (isView(op->kind()))
      ++plan.views;
    else if (isWeight(main, *op))
      ++plan.packed;
    else
      plan.kernels.push_back(rowOf(*op, {sizes}));
    plan.calls += op->kind() == OpKind::KernelCall;
  }
  Dim weights;
  for (Op *op : opsOf(main)) {
    bool isPack = op->kind() == OpKind::KernelPack && isConstantPack(*op);
    if (!isPack && (op->kind() != OpKind::Constant || !isReadDirectly(*op)))
      continue;
    const Buffer &buffer = main.buffers[op->result()->layout->buffer];
    weights = weights + buffer.size * Dim(dtypeBytes(buffer.dtype));
  }
  plan.weights = bytesText(weights);
  Dims arena = main.attrs.getDims("arena");
  plan.workspace = bytesText(arena.empty() ? Dim(0) : arena.front());
  if (int64_t bytes = threadBytes(main, context.target))
    plan.workspace += fmt::format(" and {} a thread", formatBytes(bytes));
  return plan;
}

std::string kernelText(const KernelPlan &plan) {
  Table table({"#", "kernel", "fused", "output", "nodes"});
  for (const KernelRow &row : plan.kernels)
    table.add({std::to_string(table.size()), row.kernel, std::to_string(row.fused), row.output,
               row.nodes});
  std::string calls;
  if (plan.calls > 0)
    calls = fmt::format(" ({} on a slow path: a function in C on one thread)", plan.calls);
  return fmt::format("{}\n{} kernels{}; {} views without code, {} weights packed at compile time\n"
                     "workspace {}, packed weights {}\n",
                     table.str(), plan.kernels.size(), calls, plan.views, plan.packed,
                     plan.workspace, plan.weights);
}

nlohmann::ordered_json kernelJson(const KernelPlan &plan) {
  nlohmann::ordered_json json = {{"workspace", plan.workspace},
                                 {"packed_weights", plan.weights},
                                 {"views", plan.views},
                                 {"calls", plan.calls},
                                 {"list", nlohmann::ordered_json::array()}};
  for (const KernelRow &row : plan.kernels)
    json["list"].push_back({{"kernel", row.kernel},
                            {"nodes", row.nodes},
                            {"output", row.output},
                            {"fused_ops", row.fused}});
  return json;
}

} // namespace cameo
