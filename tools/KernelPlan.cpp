// See KernelPlan.h.
#include "tools/KernelPlan.h"

#include "ir/OpSpec.h"
#include "ir/kernel/Contraction.h"
#include "ir/kernel/KernelSpec.h"
#include "lowering/PassManager.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/plan/Packing.h"
#include "lowering/plan/Winograd.h"
#include "lowering/program/ToLoops.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace cameo {

namespace {

int64_t opsInRegions(const Op &op) {
  int64_t count = 0;
  for (int64_t i = 0; i < op.numRegions(); ++i)
    for (const std::unique_ptr<Op> &inner : op.region(i).ops())
      // The terminator computes nothing.
      count += (inner.get() == op.region(i).terminator() ? 0 : 1) + opsInRegions(*inner);
  return count;
}

KernelRow rowOf(const Func &main, const Op &op, const std::map<std::string, int64_t> &sizes) {
  KernelRow row;
  row.kernel = spec(op.kind()).name;
  const KernelSpec &kernel = *kernelSpec(op.kind());
  std::string variant = kernel.variant(op);
  if (!variant.empty())
    row.kernel += fmt::format(" ({})", variant);
  if (op.kind() == OpKind::KernelCall) {
    std::string callee = variant;
    constexpr std::string_view own = "cameo_kernel_";
    row.kernel = "call (" + callee.substr(callee.starts_with(own) ? own.size() : 0) + ")";
  }
  row.loc = op.loc;
  row.output = op.numResults() > 0 ? op.result()->type.str() : "";
  row.fused = opsInRegions(op);
  row.cost = kernelCost(main, op, sizes);
  return row;
}

/// Memory that each thread has for itself.
int64_t threadBytes(Func &main) {
  int64_t bytes = 0;
  for (Op *op : opsOf(main))
    if (op->kind() == OpKind::KernelConv && winogradTile(attrsOf<ConvAttrs>(*op).algorithm))
      bytes = std::max(bytes, 4 * winogradPlanOf(*op).elements());
  return bytes;
}

/// The first parts of a node's path: `/features/features.1` of `/features/features.1/attn/MatMul`.
std::string pathOf(const std::string &node, int32_t depth) {
  size_t end = node.starts_with("/") ? 1 : 0;
  for (int32_t part = 1; part <= depth && end != std::string::npos; ++part)
    end = node.find('/', part == 1 ? end : end + 1);
  return node.substr(0, end);
}

/// Each path once, with how many nodes it stands for.
std::string pathsIn(const Loc &loc, int32_t depth) {
  std::vector<std::pair<std::string, int64_t>> paths;
  for (const std::string &node : loc.nodes) {
    std::string path = pathOf(node, depth);
    auto same = [&](const auto &entry) { return entry.first == path; };
    if (auto found = std::find_if(paths.begin(), paths.end(), same); found != paths.end())
      ++found->second;
    else
      paths.emplace_back(path, 1);
  }
  std::string text;
  for (const auto &[path, count] : paths)
    text += (text.empty() ? "" : ", ") + path + (count > 1 ? fmt::format(" ({})", count) : "");
  return text;
}

std::string bytesText(const Dim &bytes) {
  return bytes.isConst() ? formatBytes(bytes.value()) : bytes.str() + " bytes";
}

} // namespace

Result<KernelPlan> planKernels(Module &module, PassContext context,
                               const std::map<std::string, int64_t> &sizes,
                               const PassObserver &observer) {
  TRY(runPasses(module, context, pipeline(), allPasses(), {.beforePass = observer}));
  Func &main = module.main();
  KernelPlan plan;
  for (Op *op : kernelsOf(main)) {
    plan.kernels.push_back(rowOf(main, *op, sizes));
    plan.calls += op->kind() == OpKind::KernelCall;
  }
  Dim weights;
  std::set<std::string> stored;
  for (Op *op : opsOf(main)) {
    bool isPack = op->kind() == OpKind::KernelPack && isConstantPack(*op);
    plan.views += isKernelView(op->kind());
    plan.packed += isPack;
    if (!isPack && (op->kind() != OpKind::Constant || !isReadDirectly(*op)))
      continue;
    if (!stored.insert(storedKey(*op)).second)
      continue;
    const Buffer &buffer = main.buffers[op->result()->layout->buffer];
    weights = weights + buffer.size * Dim(dtypeBytes(buffer.dtype));
  }
  plan.weights = bytesText(weights);
  Dims arena = main.attrs.getDims("arena");
  Dim workspace = arena.empty() ? Dim(0) : arena.front();
  plan.workspace = bytesText(workspace);
  plan.runBytes = sizeOf(weights, sizes) + sizeOf(workspace, sizes);
  if (int64_t bytes = threadBytes(main))
    plan.workspace += fmt::format(" and {} a thread", formatBytes(bytes));
  return plan;
}

std::string nodesIn(const Loc &loc, size_t width) {
  if (loc.nodes.empty())
    return "";
  std::string more = loc.nodes.size() > 1 ? fmt::format(" +{}", loc.nodes.size() - 1) : "";
  size_t room = width > more.size() ? width - more.size() : 1;
  return fit(loc.nodes.front(), room, Cut::Front) + more;
}

std::string kernelText(const KernelPlan &plan, const NodeNames &names, size_t width) {
  auto tableOf = [&](size_t nodesWidth) {
    Table table({"#", "kernel", "fused", "output", "nodes"});
    for (const KernelRow &row : plan.kernels)
      table.add({std::to_string(table.size()), row.kernel, std::to_string(row.fused), row.output,
                 names.depth < 0    ? nodesIn(row.loc, nodesWidth)
                 : names.depth == 0 ? row.loc.str()
                                    : pathsIn(row.loc, names.depth)});
    return table;
  };
  constexpr size_t least = 24;
  size_t others = tableOf(1).width();
  Table table = tableOf(width > others + least ? width - others : least);
  std::string calls;
  if (plan.calls > 0)
    calls = fmt::format(" ({} on a slow path: a function in C on one thread)", plan.calls);
  return fmt::format("{}\n{}{}; {} without code, {} packed at compile time\n"
                     "workspace {}, packed weights {}\n",
                     table.str(), plural(std::ssize(plan.kernels), "kernel"), calls,
                     plural(plan.views, "view"), plural(plan.packed, "weight"), plan.workspace,
                     plan.weights);
}

nlohmann::ordered_json kernelJson(const KernelPlan &plan) {
  nlohmann::ordered_json json = {{"workspace", plan.workspace},
                                 {"packed_weights", plan.weights},
                                 {"views", plan.views},
                                 {"calls", plan.calls},
                                 {"list", nlohmann::ordered_json::array()}};
  for (const KernelRow &row : plan.kernels)
    json["list"].push_back({{"kernel", row.kernel},
                            {"nodes", row.loc.str()},
                            {"output", row.output},
                            {"fused_ops", row.fused}});
  return json;
}

} // namespace cameo
