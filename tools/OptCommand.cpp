// `cameo opt`: passes on IR text, for those who work on Cameo.
#include "bench/Report.h"
#include "codegen/Target.h"
#include "ir/Printer.h"
#include "tools/BugReport.h"
#include "tools/Command.h"
#include "tools/Compiler.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace cameo {

namespace {

constexpr const char *kOptExamples = R"(Examples:
  cameo opt test.cir --passes fold-constants,remove-dead-ops
      runs two passes on IR text and prints the result
  cameo opt model.onnx
      prints an imported model as IR text
  cameo opt model.onnx --pipeline --stop-after decompose -o half.cir
      the passes of a compilation, up to a phase
  cameo opt --list
      every pass, with a sentence on each)";

struct OptOptions {
  std::string input, output, passes;
  bool pipeline = false, list = false;
  TargetOptions target;
  ModelOptions sizes;
  PassManagerOptions manager;
};

void listPasses() {
  Table table({"pass", "need", "what it does"});
  for (const PassInfo &pass : allPasses())
    table.add({std::string(pass.name), pass.need == PassNeed::Required ? "required" : "optional",
               std::string(pass.help)});
  printOut(table.str());
}

Result<void> opt(const OptOptions &options, const PassObserver &observer) {
  PassContext context = TRY(passContext(options.target));
  std::unique_ptr<Module> module =
      TRY(options.input.ends_with(".onnx") ? readModel(options.input, options.sizes)
                                           : readIr(options.input, options.sizes, true));
  std::vector<PipelineStep> steps = TRY(stepsFromText(options.passes, allPasses()));
  if (options.pipeline) {
    std::vector<PipelineStep> rest = remainingPipeline(*module);
    steps.insert(steps.end(), rest.begin(), rest.end());
  }
  PassManagerOptions manager = options.manager;
  manager.beforePass = observer;
  TRY(runPasses(*module, context, steps, allPasses(), manager));
  std::string text = print(*module);
  return writeOutput(options.output.empty() ? "-" : options.output, text);
}

int optOrList(const OptOptions &options) {
  if (options.list) {
    listPasses();
    return Fine;
  }
  if (options.input.empty())
    return reportError(badInput("expected a file of IR text or a model, or --list"));
  CompilerWork work{options.input, targetFlags(options.target)};
  work.run = [&](const PassObserver &observer) {
    Result<void> done = opt(options, observer);
    // What could not be printed is this process's to say.
    return finish(done ? Fine : reportError(inFile(options.input, done.error())));
  };
  return runCompiler(work);
}

} // namespace

void addOptCommand(CLI::App &app, Action &chosen) {
  auto options = std::make_shared<OptOptions>();
  CLI::App *command = app.add_subcommand("opt", "Run passes on IR text");
  command->add_option("input", options->input, "IR text, or a model to import")
      ->type_name("X.cir|M.onnx");
  command->add_option("--passes", options->passes, "Passes to run, in this order")
      ->type_name("PASS,...");
  command->add_flag("--pipeline", options->pipeline, "Run the passes of a compilation");
  command->add_flag("--list", options->list, "List every pass");
  command->add_option("-o,--output", options->output, "Write here instead of to stdout")
      ->type_name("OUT.cir");
  addTargetOptions(*command, options->target);
  addModelOptions(*command, options->sizes);
  addPassOptions(*command, options->manager);
  command->footer(kOptExamples);
  command->callback([options, &chosen] { chosen = [options] { return optOrList(*options); }; });
}

} // namespace cameo
