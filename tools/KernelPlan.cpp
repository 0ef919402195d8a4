// See KernelPlan.h.
#include "tools/KernelPlan.h"

#include "ir/OpSpec.h"
#include "lowering/ControlFlow.h"
#include "lowering/PassManager.h"
#include "lowering/kernels/PackWeights.h"

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

KernelRow rowOf(const Op &op) {
  KernelRow row;
  row.kernel = spec(op.kind()).name;
  // Ops that come in variants carry one of these.
  for (const char *variant : {"algorithm", "form", "combiner", "kind"})
    if (op.attrs.has(variant))
      row.kernel += fmt::format(" ({})", op.attrs.getString(variant));
  row.nodes = op.loc.str();
  row.output = op.numResults() > 0 ? op.result()->type.str() : "";
  row.fused = opsInRegions(op);
  return row;
}

std::string bytesText(const Dim &bytes) {
  return bytes.isConst() ? formatBytes(bytes.value()) : bytes.str() + " bytes";
}

} // namespace

Result<KernelPlan> planKernels(Module &module, PassContext context) {
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
      plan.kernels.push_back(rowOf(*op));
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
  return plan;
}

std::string kernelText(const KernelPlan &plan) {
  Table table({"#", "kernel", "fused", "output", "nodes"});
  for (const KernelRow &row : plan.kernels)
    table.add({std::to_string(table.size()), row.kernel, std::to_string(row.fused), row.output,
               row.nodes});
  return fmt::format("{}\n{} kernels; {} views without code, {} weights packed at compile time\n"
                     "workspace {}, packed weights {}\n",
                     table.str(), plan.kernels.size(), plan.views, plan.packed, plan.workspace,
                     plan.weights);
}

nlohmann::ordered_json kernelJson(const KernelPlan &plan) {
  nlohmann::ordered_json json = {{"workspace", plan.workspace},
                                 {"packed_weights", plan.weights},
                                 {"views", plan.views},
                                 {"list", nlohmann::ordered_json::array()}};
  for (const KernelRow &row : plan.kernels)
    json["list"].push_back({{"kernel", row.kernel},
                            {"nodes", row.nodes},
                            {"output", row.output},
                            {"fused_ops", row.fused}});
  return json;
}

} // namespace cameo
