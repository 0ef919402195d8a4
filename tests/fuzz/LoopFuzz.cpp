// Random modules lowered to loops and run by the loop interpreter: no access outside of a buffer,
// no two units that touch each other, and the results of the graph interpreter.
#include "tests/fuzz/RandomModule.h"

#include "bench/Deviation.h"
#include "ir/Printer.h"
#include "ir/eval/Interpreter.h"
#include "ir/eval/loop/LoopInterpreter.h"
#include "lowering/PassManager.h"
#include "lowering/loops/ToLoops.h"

#include <gtest/gtest.h>

namespace cameo {
namespace {

constexpr uint32_t kModules = 200;

struct LoopFuzz : testing::TestWithParam<const char *> {};

/// Runs a module for one size of its symbol; false if that size does not fit, for both.
bool runOne(Module &module, const Program &program, const Target &target, uint32_t seed,
            int64_t size) {
  std::vector<RuntimeValue> inputs = randomInputs(module, seed, size);
  Result<std::vector<RuntimeValue>> want = interpret(module.main(), inputs);
  LoopOptions options;
  options.seed = seed;
  Result<std::vector<RuntimeValue>> got = interpret(program, target, inputs, options);
  EXPECT_EQ(bool(want), bool(got)) << (want ? got : want).error().message;
  for (size_t i = 0; want && got && i < want->size(); i++) {
    Deviation deviation = measure((*want)[i].tensor(), (*got)[i].tensor());
    EXPECT_EQ(deviation.verdict, Verdict::Pass)
        << "result " << i << ", element " << deviation.worst << ": " << deviation.gotWorst
        << ", expected " << deviation.wantWorst << deviation.reason;
  }
  return want && got;
}

TEST_P(LoopFuzz, ResultsAreTheGraphInterpreters) {
  PassContext context;
  context.target = *namedTarget("x86_64-linux-gnu", GetParam());
  uint32_t runs = 0;
  for (uint32_t seed = 1; seed <= kModules && !HasFailure(); seed++) {
    std::unique_ptr<Module> module = randomModule(seed), lowered = randomModule(seed);
    if (!runPasses(*lowered, context, pipeline(), allPasses()))
      continue;
    Result<Program> program = toLoops(*lowered, context);
    for (int64_t size : {1, 2, 6})
      runs += program && runOne(*module, *program, context.target, seed, size);
    if (HasFailure())
      std::printf("seed %u\n%s", seed, print(*module).c_str());
  }
  EXPECT_GT(runs, kModules);
}

INSTANTIATE_TEST_SUITE_P(Targets, LoopFuzz, testing::Values("x86-64-v4", "x86-64-v2"),
                         [](const auto &info) { return std::string(info.param).substr(7); });

} // namespace
} // namespace cameo
