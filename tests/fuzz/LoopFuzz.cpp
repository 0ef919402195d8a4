// Random modules lowered to loops and run by the loop interpreter: no access outside of a buffer,
// no two units that touch each other, and the results of the graph interpreter.
#include "tests/Sanitized.h"
#include "tests/fuzz/RandomModule.h"

#include "bench/Deviation.h"
#include "ir/Printer.h"
#include "ir/eval/graph/Interpreter.h"
#include "ir/eval/loop/LoopInterpreter.h"
#include "lowering/PassManager.h"
#include "lowering/program/ToLoops.h"

#include <gtest/gtest.h>

namespace cameo {
namespace {

constexpr uint32_t kModules = kIsSanitized ? 70 : 200;

struct LoopFuzz : testing::TestWithParam<const char *> {};

/// A module as it is, without its dead ops, and lowered.
struct Forms {
  std::unique_ptr<Module> whole, live;
  Program program;
};

/// Runs a module for one size of its symbol; false if that size does not fit. Whether sizes that
/// fit all but dead ops are an error is the compiler's choice.
bool runOne(Forms &forms, const Target &target, uint32_t seed, int64_t size) {
  std::vector<RuntimeValue> inputs = randomInputs(*forms.whole, seed, size);
  LoopOptions options;
  options.seed = seed;
  Result<std::vector<RuntimeValue>> want = interpret(forms.whole->main(), inputs);
  Result<std::vector<RuntimeValue>> got = interpret(forms.program, target, inputs, options);
  if (!want) {
    EXPECT_FALSE(got && !interpret(forms.live->main(), inputs)) << want.error().message;
    return false;
  }
  EXPECT_TRUE(got) << got.error().message;
  for (size_t i = 0; got && i < want->size(); i++) {
    Deviation deviation = measure((*want)[i].tensor(), (*got)[i].tensor());
    // A result that is zero but for rounding has no direction to compare.
    bool isNear = deviation.comparable() && deviation.mismatches == 0 &&
                  isFloat((*want)[i].tensor().dtype) && deviation.relative <= 1e-6;
    EXPECT_TRUE(isNear || deviation.verdict == Verdict::Pass)
        << "result " << i << ", element " << deviation.worst << ": " << deviation.gotWorst
        << ", expected " << deviation.wantWorst << deviation.reason;
  }
  return true;
}

TEST_P(LoopFuzz, ResultsAreTheGraphInterpreters) {
  PassContext context;
  context.target = *namedTarget("x86_64-linux-gnu", GetParam());
  std::vector<PipelineStep> clean = *stepsFromText("remove-dead-ops", allPasses());
  uint32_t runs = 0;
  for (uint32_t seed = 1; seed <= kModules && !HasFailure(); seed++) {
    Forms forms{randomModule(seed), randomModule(seed), {}};
    std::unique_ptr<Module> lowered = randomModule(seed);
    ASSERT_TRUE(runPasses(*forms.live, context, clean, allPasses()));
    if (!runPasses(*lowered, context, pipeline(), allPasses()))
      continue;
    Result<Program> program = toLoops(*lowered, context);
    ASSERT_TRUE(program) << program.error().message;
    forms.program = std::move(*program);
    for (int64_t size : {1, 2, 6})
      runs += runOne(forms, context.target, seed, size);
    if (HasFailure())
      std::printf("seed %u\n%s", seed, print(*forms.whole).c_str());
  }
  EXPECT_GT(runs, kModules);
}

INSTANTIATE_TEST_SUITE_P(Targets, LoopFuzz, testing::Values("x86-64-v4", "x86-64-v2"),
                         [](const auto &info) { return std::string(info.param).substr(7); });

} // namespace
} // namespace cameo
