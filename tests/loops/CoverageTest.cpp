// The cases of this folder's *.cir, which the loop interpreter runs, reach every kernel emitter and
// every form of it.
#include "ir/OpSpec.h"
#include "ir/Parser.h"
#include "ir/Printer.h"
#include "ir/kernel/Contraction.h"
#include "ir/kernel/Elements.h"
#include "ir/kernel/Reduce.h"
#include "ir/kernel/Window.h"
#include "lowering/PassManager.h"
#include "lowering/emit/KernelFunc.h"
#include "tests/loops/Cases.h"

#include <gtest/gtest.h>

namespace cameo {
namespace {

/// The printed modules of all cases of this folder, planned for one target.
std::string plannedText(const char *cpu) {
  std::string printed;
  for (const LoopCase &test : loopCases()) {
    Result<Module> module = parseModule(test.text, test.file);
    EXPECT_TRUE(module) << module.error().message;
    PassContext context;
    context.target = *namedTarget("x86_64-linux-gnu", cpu);
    EXPECT_TRUE(runPasses(*module, context, remainingPipeline(*module), allPasses()));
    printed += print(*module);
  }
  return printed;
}

template <class Enum> void expectWords(const std::string &text, const std::string &attribute) {
  for (std::string_view word : EnumWords<Enum>::words)
    EXPECT_NE(text.find(attribute + " = \"" + std::string(word) + "\""), std::string::npos)
        << "no case has " << attribute << " = " << word;
}

TEST(LoopCoverage, EveryEmitterAndForm) {
  std::string text = plannedText("x86-64-v4");
  for (const OpSpec &row : allSpecs())
    if (emitterFor(row.kind)) {
      EXPECT_NE(text.find(" " + std::string(row.name) + "("), std::string::npos)
          << "no case has the kernel " << row.name;
    }
  expectWords<ConvAlgorithm>(text, "algorithm");
  expectWords<PackForm>(text, "form");
  expectWords<ScatterForm>(text, "form");
  expectWords<RowForm>(text, "form");
  expectWords<Combiner>(text, "combiner");
  expectWords<Extreme>(text, "which");
  expectWords<PoolKind>(text, "kind");
}

} // namespace
} // namespace cameo
