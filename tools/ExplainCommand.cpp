// `cameo explain`: what a model contains and what becomes of it.
#include "bench/Report.h"
#include "codegen/Target.h"
#include "support/Text.h"
#include "tools/BugReport.h"
#include "tools/Command.h"
#include "tools/Compiler.h"
#include "tools/KernelPlan.h"
#include "tools/LibraryReport.h"
#include "tools/ModelCost.h"
#include "tools/Options.h"
#include "tools/WeightReport.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace cameo {

namespace {

constexpr const char *kExplainExamples = R"(Examples:
  cameo explain model.onnx
      inputs, outputs, ops with their arithmetic and parameters, the kernel each node became, memory
  cameo explain model.onnx --dim batch=8 --json
      at a given size, as JSON
  cameo explain model.onnx --depth 2
      the nodes of each kernel as the first two parts of their paths
  cameo explain model.so
      what a library says of itself: inputs, outputs, CPU, sizes, metadata

A multiplication and an addition are two operations (FLOPs). A model with nodes that Cameo cannot
compile gives an error that lists all of them, with exit status 3.)";

// Of the JSON, see docs/explain.md.
constexpr int kReportVersion = 2;

struct ExplainOptions {
  std::string model;
  ModelOptions sizes;
  TargetOptions target;
  NodeNames names;
  bool json = false;
};

struct PortRow {
  std::string_view role;
  std::string name, type;
};

/// The type with the names that a library has for sizes which are found out by the run.
Type shownType(const Func &main, int64_t result) {
  const Type &type = main.body.terminator()->operand(result)->type;
  if (!type.isTensor() || !type.isRanked())
    return type;
  Dims dims = type.shape();
  for (int64_t axis = 0; axis < type.rank(); ++axis)
    if (std::optional<std::string> symbol = dims[axis].symbolName();
        symbol && isFreshSymbol(*symbol))
      dims[axis] = Dim::symbol(identifier(resultSizeName(main, result, axis)));
  return type.withShape(std::move(dims));
}

std::vector<PortRow> portsOf(Func &main) {
  std::vector<PortRow> rows;
  for (const std::unique_ptr<Value> &argument : main.body.args())
    rows.push_back({"input", argument->name, argument->type.str()});
  const Op *terminator = main.body.terminator();
  for (int64_t i = 0; i < terminator->numOperands(); ++i)
    rows.push_back({"output", main.resultNames[static_cast<size_t>(i)], shownType(main, i).str()});
  return rows;
}

/// Op rows, the most arithmetic first.
std::vector<std::pair<std::string, OpCost>> sortedOps(const ModelCost &cost) {
  std::vector<std::pair<std::string, OpCost>> rows(cost.ops.begin(), cost.ops.end());
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto &a, const auto &b) { return a.second.flops > b.second.flops; });
  return rows;
}

/// Names of sizes that the inputs have, and so --dim sets.
std::set<std::string> openSizesOf(const Func &main) {
  std::set<std::string> names;
  for (const std::unique_ptr<Value> &argument : main.body.args())
    if (argument->type.isRanked())
      for (const Dim &dim : argument->type.shape())
        if (std::optional<std::string> name = dim.symbolName())
          names.insert(*name);
  return names;
}

/// What the arithmetic does not know.
std::string sizesText(const std::set<std::string> &unknown, const std::set<std::string> &open) {
  std::vector<std::string> settable;
  for (const std::string &name : unknown)
    if (open.count(name))
      settable.push_back(name);
  size_t others = unknown.size() - settable.size();
  std::string text;
  if (!settable.empty())
    text += fmt::format("note: sizes without a value count as 1: {} (--dim NAME=SIZE sets one)\n",
                        fmt::join(settable, ", "));
  if (others > 0)
    text += fmt::format("note: {} that only a run knows: taken as 1\n",
                        plural(static_cast<int64_t>(others), "size"));
  return text;
}

std::string textOf(const std::vector<PortRow> &rows, const std::set<std::string> &open,
                   const ModelCost &cost) {
  std::string text;
  Table ports({"", "name", "type"});
  for (const PortRow &row : rows)
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
  return text + sizesText(cost.unknownSizes, open);
}

nlohmann::ordered_json jsonOf(const ExplainOptions &options, const Module &module,
                              const std::vector<PortRow> &rows, const ModelCost &cost) {
  nlohmann::ordered_json report = {
      {"schema_version", kReportVersion}, {"model", options.model}, {"metadata", module.metadata}};
  for (const PortRow &row : rows)
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

Result<void> explain(const ExplainOptions &options, const PassObserver &observer) {
  PassContext context = TRY(passContext(options.target));
  std::unique_ptr<Module> module = TRY(readModel(options.model, options.sizes));
  std::map<std::string, int64_t> sizes = TRY(importOptions(options.sizes)).dims;
  ModelCost cost = TRY(costOf(options.model, options.sizes));
  std::vector<PortRow> ports = portsOf(module->main());
  std::set<std::string> open = openSizesOf(module->main());
  Result<KernelPlan> plan = planKernels(*module, context, sizes, observer);
  if (plan) // passes find out sizes of outputs that the model does not tell
    ports = portsOf(module->main());
  nlohmann::ordered_json report;
  if (options.json)
    report = jsonOf(options, *module, ports, cost);
  else
    printOut(textOf(ports, open, cost));
  // The model's own ops are worth seeing even when some have no kernel.
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
  printOut("\n" + kernelText(*plan, options.names, outputWidth()));
  if (std::string text = weightText(weights); !text.empty())
    printOut("\n" + text);
  return {};
}

int explainInChild(const ExplainOptions &options) {
  if (isLibraryPath(options.model)) {
    Result<std::string> text = libraryReport(options.model, 1, options.json);
    if (text)
      printOut(*text);
    return exitStatus(text);
  }
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
  auto options = std::make_shared<ExplainOptions>();
  CLI::App *command =
      app.add_subcommand("explain", "Show what a model contains and how it is compiled");
  command->add_option("model", options->model, "A model (.onnx) or a library (.so)")
      ->required()
      ->type_name("M.onnx|M.so");
  command
      ->add_option("--depth", options->names.depth,
                   "Parts of nodes' paths to show; 0: all nodes (default: the first node)")
      ->type_name("N")
      ->check(number(0, 100));
  command->add_flag("--json", options->json, "Report as JSON");
  addTargetOptions(*command, options->target);
  addModelOptions(*command, options->sizes);
  command->footer(kExplainExamples);
  command->callback([command, options, &chosen] {
    chosen = [command, options]() -> int {
      if (isLibraryPath(options->model))
        if (Result<void> used =
                checkUnused(*command, {"--shape", "--dim", "--ops", "--target", "--cpu", "--depth"},
                            options->model);
            !used)
          return reportError(used.error());
      return explainInChild(*options);
    };
  });
}

} // namespace cameo
