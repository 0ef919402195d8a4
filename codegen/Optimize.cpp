// See Optimize.h.
#include "codegen/Optimize.h"

#include "codegen/Functions.h"

#include <llvm/Analysis/CGSCCPassManager.h>
#include <llvm/IR/Module.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/IPO/AlwaysInliner.h>
#include <llvm/Transforms/IPO/GlobalDCE.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/DCE.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>

namespace cameo {

static llvm::FunctionPassManager cleanUp() {
  llvm::FunctionPassManager passes;
  passes.addPass(llvm::SROAPass(llvm::SROAOptions::PreserveCFG));
  passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/false));
  passes.addPass(llvm::SimplifyCFGPass());
  llvm::InstCombineOptions once;
  once.setMaxIterations(1);
  passes.addPass(llvm::InstCombinePass(once));
  llvm::LoopPassManager loops;
  loops.addPass(llvm::LICMPass(llvm::LICMOptions()));
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(std::move(loops), /*UseMemorySSA=*/true));
  passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
  passes.addPass(llvm::DCEPass());
  return passes;
}

namespace {

/// What passes ask for. LLVM wants the managers to be there as long as each other.
struct Analyses {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graph;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder;

  explicit Analyses(llvm::TargetMachine &machine, const llvm::PipelineTuningOptions &tuning = {})
      : builder(&machine, tuning) {
    builder.registerModuleAnalyses(modules);
    builder.registerCGSCCAnalyses(graph);
    builder.registerFunctionAnalyses(functions);
    builder.registerLoopAnalyses(loops);
    builder.crossRegisterProxies(loops, functions, graph, modules);
  }
};

} // namespace

void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  Analyses analyses(machine);
  llvm::ModulePassManager whole;
  whole.addPass(llvm::GlobalDCEPass());
  whole.addPass(llvm::AlwaysInlinerPass(/*InsertLifetime=*/false));
  whole.addPass(llvm::GlobalDCEPass());
  whole.run(module, analyses.modules);
  llvm::FunctionPassManager passes = cleanUp();
  for (llvm::Function &function : module)
    if (!function.isDeclaration() && isGenerated(function) && !function.hasOptNone())
      passes.run(function, analyses.functions);
}

void optimizeC(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.SLPVectorization = true;
  Analyses analyses(machine, tuning);
  llvm::ModulePassManager passes;
  passes.addPass(llvm::GlobalDCEPass());
  passes.addPass(analyses.builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2));
  passes.run(module, analyses.modules);
}

} // namespace cameo
