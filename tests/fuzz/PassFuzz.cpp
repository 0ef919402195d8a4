// Every pass of the pipeline on random modules: the module verifies afterwards (the pass manager
// sees to that), the interpreter of its level gives the results of before, a second run changes
// nothing, and the module reads back from text. Passes come from the pipeline by themselves; each
// sees what those before it leave.
#include "tests/Sanitized.h"
#include "tests/fuzz/RandomModule.h"

#include "ir/Parser.h"
#include "ir/Printer.h"
#include "ir/eval/AnyLevel.h"
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/Interpreter.h"
#include "lowering/PassManager.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

using namespace cameo;

namespace {

constexpr uint32_t kModules = kIsSanitized ? 150 : 300;

// Passes that go from one form of the module to the next, and are not run on their own result.
const std::set<std::string_view> kOnce = {"assign-layouts", "plan-memory"};

void expectClose(const std::vector<RuntimeValue> &before, const std::vector<RuntimeValue> &after) {
  ASSERT_EQ(before.size(), after.size());
  for (size_t r = 0; r < before.size(); r++) {
    const Tensor &a = before[r].tensor(), &b = after[r].tensor();
    ASSERT_EQ(a.dtype, b.dtype);
    ASSERT_EQ(a.dims, b.dims);
    double scale = 1, worst = 0;
    for (int64_t i = 0; i < a.size(); i++) {
      int64_t at = i * dtypeBytes(a.dtype);
      double x = loadDouble(a.dtype, a.data() + at), y = loadDouble(b.dtype, b.data() + at);
      bool same = x == y || (std::isnan(x) && std::isnan(y));
      scale = std::isfinite(x) ? std::max(scale, std::abs(x)) : scale;
      worst = std::max(worst, same ? 0 : std::abs(x - y));
      ASSERT_FALSE(std::isnan(x) != std::isnan(y)) << "result " << r << ", element " << i;
    }
    EXPECT_LE(worst, 1e-4 * scale) << "result " << r;
  }
}

/// A module's results for one size of its symbol.
struct Sample {
  std::vector<RuntimeValue> inputs, results;
};

/// With a dot product of bytes: weights are interleaved and signs flipped. With a cache that is too
/// small for a batch of what random modules have.
Target target() {
  Target target = *namedTarget("x86_64-linux-gnu", "x86-64-v4+vnni+vbmi");
  target.l2Bytes = 4 << 10, target.l3Bytes = 64 << 10;
  return target;
}

/// Sizes at which the random module itself fails, such as those of a broadcast, give no sample.
std::vector<Sample> sample(Module &module, uint32_t seed) {
  std::vector<Sample> samples;
  for (int64_t size : {1, 2, 6}) {
    std::vector<RuntimeValue> inputs = randomInputs(module, seed, size);
    if (!interpret(randomModule(seed)->main(), inputs))
      continue;
    Result<std::vector<RuntimeValue>> results = interpretAnyLevel(module, target(), inputs);
    EXPECT_TRUE(results) << "before the pass: " << results.error().message;
    if (results)
      samples.push_back({inputs, *results});
  }
  return samples;
}

void compare(const Sample &sample, Module &module) {
  Result<std::vector<RuntimeValue>> results = interpretAnyLevel(module, target(), sample.inputs);
  ASSERT_TRUE(results) << results.error().message;
  expectClose(sample.results, *results);
}

const PassInfo &passOf(const PipelineStep &step) {
  return *std::find_if(allPasses().begin(), allPasses().end(),
                       [&](const PassInfo &pass) { return pass.name == step.pass; });
}

struct PassFuzz : testing::TestWithParam<size_t> {
  std::span<const PipelineStep> before() const { return pipeline().first(GetParam()); }
  const PipelineStep &step() const { return pipeline()[GetParam()]; }
  /// False if the module cannot be compiled, which is no fault of the pass.
  bool runOne(uint32_t seed);

  uint32_t changes = 0; // modules that the pass changed
};

bool PassFuzz::runOne(uint32_t seed) {
  std::unique_ptr<Module> module = randomModule(seed);
  PassContext context;
  context.target = target();
  if (!runPasses(*module, context, before(), allPasses()))
    return false;
  std::vector<Sample> samples = sample(*module, seed);
  PipelineStep one[] = {step()};
  if (Result<PassReport> ran = runPasses(*module, context, one, allPasses()); !ran) {
    EXPECT_EQ(ran.error().kind, ErrorKind::Unsupported) << ran.error().message;
    return false;
  } else {
    changes += ran->records.front().changed;
  }
  for (const Sample &sample : samples)
    compare(sample, *module);
  std::string once = print(*module);
  Result<Module> parsed = parseModule(once, "printed");
  EXPECT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed ? print(*parsed) : "", once);
  if (!kOnce.contains(step().pass)) {
    Result<bool> again = passOf(step()).run(*module, context);
    EXPECT_TRUE(again) << again.error().message;
    EXPECT_FALSE(again && *again) << "the second run says that it changed something";
    EXPECT_EQ(print(*module), once) << "the second run changed something";
  }
  return true;
}

TEST_P(PassFuzz, KeepsResults) {
  uint32_t compiled = 0;
  for (uint32_t seed = 1; seed <= kModules && !HasFailure(); seed++) {
    compiled += runOne(seed);
    if (HasFailure())
      std::printf("seed %u\n%s", seed, print(*randomModule(seed)).c_str());
  }
  EXPECT_GT(compiled, kModules / 10);
  bool mayBeIdle = passOf(step()).need == PassNeed::Required;
  EXPECT_TRUE(mayBeIdle || changes > 0) << "no module has anything for the pass to do";
}

/// A pass that the pipeline has twice is tested where it comes first.
std::vector<size_t> firstOccurrences() {
  std::vector<size_t> indices;
  for (size_t i = 0; i < pipeline().size(); i++) {
    bool seen = std::any_of(indices.begin(), indices.end(), [&](size_t earlier) {
      return pipeline()[earlier].pass == pipeline()[i].pass;
    });
    if (!seen)
      indices.push_back(i);
  }
  return indices;
}

std::string passName(const testing::TestParamInfo<size_t> &info) {
  std::string name(pipeline()[info.param].pass);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Pipeline, PassFuzz, testing::ValuesIn(firstOccurrences()), passName);

} // namespace
