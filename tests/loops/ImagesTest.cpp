// Kernels that go through a batch by images: every case of this folder once more with plans that
// say so of all its kernels. The loop interpreter runs what comes out, with three threads.
#include "ir/Parser.h"
#include "ir/kernel/KernelSpec.h"
#include "lowering/PassManager.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/plan/ImageRuns.h"
#include "tests/loops/Cases.h"
#include "tools/RunCase.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace cameo {
namespace {

bool mayHaveImages(const Op &op) {
  const KernelSpec *row = kernelSpec(op.kind());
  return row && std::count(row->attributes.begin(), row->attributes.end(), "images") > 0;
}

struct ByImages {
  Module reference, module;
  PassContext context;

  /// Takes a case to where memory is planned, with so many images together.
  ByImages(const LoopCase &test, const Target &target, int64_t together)
      : reference(*parseModule(test.text, test.file)), module(*parseModule(test.text, test.file)) {
    fillConstants(reference);
    fillConstants(module);
    context.target = target;
    run("", "plan-images");
    for (Op *op : opsOf(module.main()))
      if (mayHaveImages(*op) && op->attrs.getInt("lanes") == 0)
        op->attrs.set("images", together);
    run("plan-images", "");
  }

private:
  /// Runs the passes behind one up to another; "": from where the module is, to the end.
  void run(std::string_view behind, std::string_view upTo) {
    std::vector<PipelineStep> steps = remainingPipeline(module);
    auto at = [&](std::string_view pass) {
      return std::find_if(steps.begin(), steps.end(),
                          [&](const PipelineStep &step) { return step.pass == pass; });
    };
    auto first = behind.empty() || at(behind) == steps.end() ? steps.begin() : at(behind) + 1;
    auto last = upTo.empty() || at(upTo) == steps.end() ? steps.end() : at(upTo);
    std::vector<PipelineStep> some(first, std::max(first, last));
    EXPECT_TRUE(runPasses(module, context, some, allPasses()));
  }
};

TEST(Images, GoTogetherWithTheSameResults) {
  const Target targets[] = {*namedTarget("x86_64-linux-gnu", "x86-64-v4"),
                            *namedTarget("aarch64-linux-gnu", "armv8-a"),
                            *namedTarget("x86_64-linux-gnu", "x86-64-v4+amx")};
  size_t turn = 0, numRuns = 0, numOwn = 0;
  for (const LoopCase &test : loopCases()) {
    for (int64_t together : {1, 2}) {
      ByImages planned(test, targets[turn++ % std::size(targets)], together);
      for (const auto &[first, run] : imageRunsOf(planned.module.main())) {
        numRuns++;
        numOwn += run.own.size();
      }
      Result<Program> program = lowerToLoops(planned.module, planned.context);
      ASSERT_TRUE(program) << test.file << ": " << program.error().message << "\n" << test.text;
      for (const std::string &line : test.runs) {
        Result<void> ran =
            runProgram(*program, planned.reference, planned.context.target, *parseRunLine(line));
        EXPECT_TRUE(ran) << test.file << ", run" << line << ": " << ran.error().message << "\n"
                         << test.text;
      }
    }
  }
  EXPECT_GT(numRuns, 40);
  EXPECT_GT(numOwn, 40);
  RecordProperty("runs", static_cast<int>(numRuns));
  RecordProperty("own", static_cast<int>(numOwn));
}

/// The kernels of the runs of the module's main, in words.
std::vector<int64_t> lengthsOfRuns(const std::string &text) {
  LoopCase test{"test", text, {}};
  ByImages planned(test, *namedTarget("x86_64-linux-gnu", "x86-64-v4"), 1);
  std::vector<int64_t> lengths;
  for (const auto &[first, run] : imageRunsOf(planned.module.main()))
    lengths.push_back(std::ssize(run.kernels));
  std::sort(lengths.begin(), lengths.end());
  return lengths;
}

std::string moduleOf(const std::string &ops) {
  return "module \"m\" {\n  func @main(%x: f32[N,4,5,5], %z: f32[N,4,5,5]) results(\"y\") {\n"
         "    %w = Constant() {value = #w : f32[4,4,3,3]}\n" +
         ops + "    return(%y)\n  }\n}\n";
}

TEST(Images, EndWhereAnotherImageIsRead) {
  const std::string conv = " {pads = [1, 1, 1, 1]}\n";
  EXPECT_EQ(lengthsOfRuns(moduleOf("%a = Conv(%x, %w)" + conv + "%y = Conv(%a, %w)" + conv)),
            std::vector<int64_t>{6}); // with two halos, and copies of x and y
  std::string last = "%l = Constant() {value = dense<i64[1]: 1>}\n%from = Constant() {value = "
                     "dense<i64[1]: -1>}\n%to = Constant() {value = "
                     "dense<i64[1]: -9223372036854775807>}\n%axes = Constant() {value = "
                     "dense<i64[1]: 0>}\n";
  EXPECT_EQ(lengthsOfRuns(moduleOf(last + "%a = Conv(%x, %w)" + conv +
                                   "%r = Slice(%a, %from, %to, %axes, %from)\n" +
                                   "%y = MaxPool(%r) {kernel_shape = [3, 3]}\n")),
            (std::vector<int64_t>{2, 3}));
}

} // namespace
} // namespace cameo
