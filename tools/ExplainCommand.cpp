// `cameo explain`: what a model contains and what becomes of it.
#include "bench/Report.h"
#include "codegen/Target.h"
#include "tools/BugReport.h"
#include "tools/Command.h"
#include "tools/Compiler.h"
#include "tools/KernelPlan.h"
#include "tools/ModelCost.h"
#include "tools/WeightReport.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace cameo {

namespace {

constexpr const char *examples = R"(Examples:
  cameo explain model.onnx
      inputs, outputs, ops with their arithmetic and parameters, the kernel each node became, memory
  cameo explain model.onnx --dim batch=8 --json
      at a given size, as JSON

A multiplication and an addition are two operations (FLOPs). A model with nodes that Cameo cannot
compile gives an error that lists all of them, with exit status 3.)";

struct Options {
  std::string model;
  ModelOptions sizes;
  TargetOptions target;
  bool json = false;
};

struct PortRow {
  std::string_view role;
  std::string name, type;
};

std::vector<PortRow> portsOf(Func &main) {
  std::vector<PortRow> rows;
  for (const std::unique_ptr<Value> &argument : main.body.args())
    rows.push_back({"input", argument->name, argument->type.str()});
  const Op *terminator = main.body.terminator();
  for (int64_t i = 0; i < terminator->numOperands(); ++i)
    rows.push_back(
        {"output", main.resultNames[static_cast<size_t>(i)], terminator->operand(i)->type.str()});
  return rows;
}

/// Op rows, the most arithmetic first.
std::vector<std::pair<std::string, OpCost>> sortedOps(const ModelCost &cost) {
  std::vector<std::pair<std::string, OpCost>> rows(cost.ops.begin(), cost.ops.end());
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto &a, const auto &b) { return a.second.flops > b.second.flops; });
  return rows;
}

std::string textOf(const Module &module, const ModelCost &cost) {
  std::string text;
  Table ports({"", "name", "type"});
  for (const PortRow &row : portsOf(module.main()))
    ports.add({std::string(row.role), row.name, row.type});
  text += ports.str() + "\n";
  Table ops({"op", "count", "FLOPs", "share", "parameters"});
  for (const auto &[name, op] : sortedOps(cost))
    ops.add({name, std::to_string(op.count), formatCount(op.flops),
             fmt::format("{:.1f} %", cost.total.flops > 0 ? 100 * op.flops / cost.total.flops : 0),
             formatCount(op.parameters)});
  ops.add({"total", std::to_string(cost.total.count), formatCount(cost.total.flops), "",
           formatCount(cost.total.parameters)});
  text += ops.str();
  text += fmt::format("\nweights: {}\n", formatBytes(static_cast<int64_t>(cost.parameterBytes)));
  if (!cost.unknownSizes.empty())
    text += fmt::format("note: sizes without a value count as 1: {} (--dim NAME=SIZE sets one)\n",
                        fmt::join(cost.unknownSizes, ", "));
  return text;
}

nlohmann::ordered_json jsonOf(const Options &options, const Module &module, const ModelCost &cost) {
  nlohmann::ordered_json report = {{"model", options.model}, {"metadata", module.metadata}};
  for (const PortRow &row : portsOf(module.main()))
    report[std::string(row.role) + "s"].push_back({{"name", row.name}, {"type", row.type}});
  report["ops"] = nlohmann::ordered_json::array();
  for (const auto &[name, op] : sortedOps(cost))
    report["ops"].push_back(
        {{"op", name}, {"count", op.count}, {"flops", op.flops}, {"parameters", op.parameters}});
  report["flops"] = cost.total.flops;
  report["parameters"] = cost.total.parameters;
  report["weight_bytes"] = cost.parameterBytes;
  report["sizes_taken_as_1"] = cost.unknownSizes;
  return report;
}

Result<void> explain(const Options &options, const PassObserver &observer) {
  PassContext context = TRY(passContext(options.target));
  std::unique_ptr<Module> module = TRY(readModel(options.model, options.sizes));
  std::map<std::string, int64_t> sizes = TRY(importOptions(options.sizes)).dims;
  ModelCost cost = TRY(costOf(options.model, options.sizes));
  nlohmann::ordered_json report;
  if (options.json)
    report = jsonOf(options, *module, cost);
  else
    printOut(textOf(*module, cost));
  // The model's own ops are worth seeing even when some have no kernel.
  Result<KernelPlan> plan = planKernels(*module, context, sizes, observer);
  if (!plan) {
    if (options.json)
      printOut(jsonText(report));
    return plan.error();
  }
  WeightBudget weights = TRY(WeightBudget::of(*module, context));
  if (options.json) {
    report["kernels"] = kernelJson(*plan);
    report["weights"] = weightJson(weights);
    printOut(jsonText(report));
    return {};
  }
  printOut("\n" + kernelText(*plan));
  if (std::string text = weightText(weights); !text.empty())
    printOut("\n" + text);
  return {};
}

int explainInChild(const Options &options) {
  CompilerWork work{options.model, targetFlags(options.target)};
  work.run = [&](const PassObserver &observer) {
    Result<void> done = explain(options, observer);
    // What could not be printed is this process's to say.
    return finish(done ? Fine : reportError(inFile(options.model, done.error())));
  };
  return runCompiler(work);
}

} // namespace

void addExplainCommand(CLI::App &app, Action &chosen) {
  auto options = std::make_shared<Options>();
  CLI::App *command =
      app.add_subcommand("explain", "Show what a model contains and how it is compiled");
  command->add_option("model", options->model, "The model")->required()->type_name("M.onnx");
  command->add_flag("--json", options->json, "Report as JSON");
  addTargetOptions(*command, options->target);
  addModelOptions(*command, options->sizes);
  command->footer(examples);
  command->callback(
      [options, &chosen] { chosen = [options] { return explainInChild(*options); }; });
}

} // namespace cameo
