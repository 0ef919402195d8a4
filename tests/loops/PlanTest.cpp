// Plans changed by hand: whatever a plan says that the verifier accepts, results are right, and no
// unit touches what is another's. Each attribute of each planned kernel of this folder's cases is
// changed alone; the loop interpreter runs what comes out.
#include "ir/Parser.h"
#include "ir/Printer.h"
#include "ir/kernel/Contraction.h"
#include "ir/kernel/KernelSpec.h"
#include "ir/kernel/Reduce.h"
#include "lowering/PassManager.h"
#include "lowering/build/ControlFlow.h"
#include "tests/loops/Cases.h"
#include "tools/RunCase.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace cameo {
namespace {

template <class Enum> std::vector<Attr> wordsOf() {
  std::vector<Attr> words;
  for (std::string_view word : EnumWords<Enum>::words)
    words.emplace_back(std::string(word));
  return words;
}

/// What each attribute of a plan is changed to, in turns.
const std::map<std::string, std::vector<Attr>> &changes() {
  using Rows = std::vector<int64_t>;
  auto numbers = [](std::initializer_list<int64_t> list) {
    return std::vector<Attr>(list.begin(), list.end());
  };
  static const std::map<std::string, std::vector<Attr>> all = {
      {"lanes", numbers({1, 4, 64})},
      {"tail", wordsOf<Tail>()},
      {"unit_loops", numbers({0, 1, 2})},
      {"unit_run", numbers({1, 5, 16})},
      {"lanes_have", wordsOf<ReduceLanes>()},
      {"unit_lines", numbers({1, 3})},
      {"tile_rows", numbers({0, 1, 3, 8})},
      {"tile_panels", numbers({1, 2, 3})},
      {"outer", wordsOf<LoopOrder>()},
      {"block", numbers({1, 2, 3})},
      {"unit_tiles", numbers({1, 2, 5})},
      {"rest_rows", {Rows{2}, Rows{5, 3, 2}}},
      {"epilogue", wordsOf<EpiloguePlace>()},
      {"scores", wordsOf<EpiloguePlace>()},
      {"results", wordsOf<EpiloguePlace>()},
      {"blocks", numbers({0, 1})},
      {"tile_lines", numbers({1, 2, 3})},
      {"tile_steps", numbers({0, 2, 5, 8})},
      {"unit_vectors", numbers({1, 2, 3})},
      {"ahead", numbers({0, 1, 5, 64, 65})},
      {"input_lanes", numbers({1, 2, 3, 4})},
      {"joins_steps", numbers({0})},
      {"products_ahead", numbers({0, 1, 40, 4096, 4097})},
      {"channels_ahead", numbers({0, 1, 64, 65})},
      {"tiles_ahead", numbers({0, 1, 4, 5})},
      {"images", numbers({1, 3, 1025})},
  };
  return all;
}

struct PlannedCase {
  Module reference, module;
  PassContext context;

  PlannedCase(const LoopCase &test, const Target &target)
      : reference(*parseModule(test.text, test.file)), module(*parseModule(test.text, test.file)) {
    fillConstants(reference);
    fillConstants(module);
    context.target = target;
    EXPECT_TRUE(runPasses(module, context, remainingPipeline(module), allPasses()));
  }

  Op *op(size_t i) { return opsOf(module.main())[i]; }
  size_t numOps() { return opsOf(module.main()).size(); }
};

bool isPlanned(const Op &op) {
  return op.attrs.getInt("lanes") > 0 || op.attrs.getInt("unit_lines") > 0;
}

enum class Outcome { Same, Refused, Run };

/// Changes one attribute and runs the case as one of its lines says.
Outcome runChanged(const LoopCase &test, const Target &target, const std::string &line,
                   size_t number, const std::string &name, const Attr &value) {
  PlannedCase planned(test, target);
  Op &op = *planned.op(number);
  std::string before = printOp(op);
  op.attrs.set(name, value);
  std::string after = printOp(op);
  if (before == after)
    return Outcome::Same;
  Result<Program> program = lowerToLoops(planned.module, planned.context);
  if (!program)
    return Outcome::Refused;
  Result<void> ran =
      runProgram(*program, planned.reference, planned.context.target, *parseRunLine(line));
  EXPECT_TRUE(ran) << test.file << ", run" << line << ": " << after << "\n" << ran.error().message;
  return Outcome::Run;
}

bool hasAttribute(const Op &op, const std::string &name) {
  const std::vector<std::string_view> &names = kernelSpec(op.kind())->attributes;
  return std::find(names.begin(), names.end(), name) != names.end();
}

TEST(Plan, ChangedByHandIsRightOrRefused) {
  std::map<std::string, std::map<Outcome, int64_t>> outcomes;
  std::map<std::string, size_t> turns;
  const Target targets[] = {*namedTarget("x86_64-linux-gnu", "x86-64-v3"),
                            *namedTarget("aarch64-linux-gnu", "armv8-a"),
                            *namedTarget("aarch64-linux-gnu", "armv8-a+i8mm"),
                            *namedTarget("x86_64-linux-gnu", "x86-64-v4+amx")};
  size_t turnOfTarget = 0;
  for (const LoopCase &test : loopCases()) {
    const Target &target = targets[turnOfTarget++ % std::size(targets)];
    PlannedCase planned(test, target);
    if (parseModule(test.text, test.file)->main().attrs.has("arena"))
      continue;
    for (size_t i = 0; i < planned.numOps(); i++) {
      const Op &op = *planned.op(i);
      for (const auto &[name, values] : changes()) {
        if (!isPlanned(op) || !hasAttribute(op, name))
          continue;
        // Each attribute is tried until a change of it runs: few cases have some of them.
        size_t turn = turns[name]++;
        if (outcomes[name][Outcome::Run] > 0 && turn % changesPerTrial != 0)
          continue;
        const std::string &line = test.runs[turn % test.runs.size()];
        Outcome outcome = Outcome::Same;
        for (size_t v = 0; v < values.size() && outcome == Outcome::Same; v++)
          outcome = runChanged(test, target, line, i, name, values[(turn + v) % values.size()]);
        outcomes[name][outcome]++;
      }
    }
  }
  for (const auto &[name, values] : changes()) {
    EXPECT_GT(outcomes[name][Outcome::Run], 0) << name << " was never changed";
    RecordProperty(name, std::to_string(outcomes[name][Outcome::Run]) + " run, " +
                             std::to_string(outcomes[name][Outcome::Refused]) + " refused");
  }
}

} // namespace
} // namespace cameo
