// Plans that `--tune` would try, given to the kernels of this folder's cases: each is accepted, and
// results are right. And what the keys of kernels tell apart.
#include "lowering/plan/TunedPlans.h"
#include "ir/AttrText.h"
#include "ir/Parser.h"
#include "lowering/PassManager.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/plan/Contraction.h"
#include "lowering/plan/RejectedTiles.h"
#include "tests/loops/Cases.h"
#include "tools/RunCase.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace cameo {
namespace {

PassContext contextFor(const char *cpu) {
  PassContext context;
  context.target = *namedTarget("x86_64-linux-gnu", cpu);
  return context;
}

Module parsed(const std::string &text) {
  Module module = *parseModule(text, "test");
  fillConstants(module);
  return module;
}

Module planned(const std::string &text, PassContext &context) {
  Module module = parsed(text);
  Result<PassReport> done = runPasses(module, context, remainingPipeline(module), allPasses());
  EXPECT_TRUE(done) << done.error().message;
  return module;
}

struct Trial {
  std::string key;
  AttrDict plan;
};

/// What may be tried for the kernels of a case.
std::vector<Trial> trialsOf(const LoopCase &test, PassContext &context) {
  std::vector<Trial> trials;
  Module module = planned(test.text, context);
  for (Op *op : opsOf(module.main())) {
    if (planKey(*op).empty() || op->attrs.getInt("lanes") == 0)
      continue;
    for (AttrDict &plan : otherTiles(context.target, *op))
      trials.push_back({planKey(*op), std::move(plan)});
    for (AttrDict &plan : otherUnits(*op))
      trials.push_back({planKey(*op), std::move(plan)});
    for (AttrDict &plan : otherAlgorithms(context, *op))
      trials.push_back({algorithmKey(*op), std::move(plan)});
  }
  return trials;
}

/// Whether a text has its plans and layouts already, so that nothing is left to tune.
bool isPlannedText(const std::string &text) {
  Module module = parsed(text);
  std::vector<Op *> ops = opsOf(module.main());
  return !module.main().buffers.empty() || std::any_of(ops.begin(), ops.end(), [](Op *op) {
    return op->attrs.getInt("tile_rows") > 0 || op->kind() == OpKind::KernelPack;
  });
}

TEST(TunedPlans, WhatMayBeTriedIsRight) {
  size_t numTiles = 0, numAlgorithms = 0, turn = 0;
  PassContext context = contextFor("x86-64-v3");
  for (const LoopCase &test : loopCases()) {
    if (isPlannedText(test.text))
      continue;
    for (const Trial &trial : trialsOf(test, context)) {
      bool isAlgorithm = trial.key.starts_with("algorithm");
      if (!isAlgorithm && turn++ % (3 * changesPerTrial) != 0) // there are many
        continue;
      (isAlgorithm ? numAlgorithms : numTiles)++;
      PassContext tuned = context;
      tuned.plans[trial.key] = trial.plan;
      Module reference = parsed(test.text), module = parsed(test.text);
      Result<Program> program = lowerToLoops(module, tuned);
      ASSERT_TRUE(program) << trial.key << ": " << program.error().message;
      RunLine line = *parseRunLine(test.runs[turn % test.runs.size()]);
      Result<void> ran = runProgram(*program, reference, tuned.target, line);
      EXPECT_TRUE(ran) << test.file << ", " << trial.key << attrsText(trial.plan) << "\n"
                       << ran.error().message;
    }
  }
  EXPECT_GT(numTiles, kIsSanitized ? 10u : 20u);
  EXPECT_GT(numAlgorithms, 0u);
}

std::string convText(const std::string &name, const std::string &shape, const std::string &op) {
  return "module \"m\" {\n  func @main(%x: f32[1,32," + shape + "]) results(\"y\") {\n    %" +
         name + " = Constant() {value = #w : f32[32,32,3,3]}\n    %c = Conv(%x, %" + name +
         ") {pads = [1, 1, 1, 1]} loc(\"" + name + "\")\n    %y = " + op +
         "(%c)\n    return(%y)\n  }\n}\n";
}

/// Of the only contraction.
std::pair<std::string, std::string> keysOf(const std::string &text, const char *cpu) {
  PassContext context = contextFor(cpu);
  Module module = planned(text, context);
  for (Op *op : opsOf(module.main()))
    if (!planKey(*op).empty())
      return {planKey(*op), algorithmKey(*op)};
  return {};
}

TEST(TunedPlans, KeysAreOfWhatAKernelComputes) {
  auto keys = keysOf(convText("w", "16,16", "Relu"), "x86-64-v3");
  EXPECT_NE(keys.first, "");
  EXPECT_NE(keys.second, "");
  EXPECT_EQ(keysOf(convText("other", "16,16", "Relu"), "x86-64-v3"), keys) << "names";
  EXPECT_NE(keysOf(convText("w", "16,18", "Relu"), "x86-64-v3").first, keys.first) << "shapes";
  auto fused = keysOf(convText("w", "16,16", "Sigmoid"), "x86-64-v3");
  EXPECT_NE(fused.first, keys.first) << "what is fused";
  EXPECT_EQ(fused.second, keys.second) << "algorithms are chosen before anything is fused";
}

TEST(TunedPlans, ARejectedTileIsNotPlanned) {
  std::string text = convText("w", "16,16", "Relu");
  PassContext context = contextFor("x86-64-v3");
  context.winograd = false;
  std::vector<int64_t> sizes; // of tiles
  for (int round = 0; round < 3; round++) {
    Module module = planned(text, context);
    TileKeys keys = tileKeys(module.main());
    ASSERT_EQ(keys["w"].size(), 1u);
    EXPECT_TRUE(context.rejectedTiles.insert(*keys["w"].begin()).second);
    for (Op *op : opsOf(module.main()))
      if (isContraction(*op))
        sizes.push_back(contractionPlanOf(*op).tileRows * contractionPlanOf(*op).tilePanels);
  }
  ASSERT_EQ(sizes.size(), 3u);
  EXPECT_GT(sizes[0], sizes[1]);
  EXPECT_GT(sizes[1], sizes[2]);
}

TEST(TunedPlans, OnesThatDoNotFitAreErrors) {
  std::string text = convText("w", "16,16", "Relu");
  auto [key, algorithm] = keysOf(text, "x86-64-v3");
  auto message = [&](const std::string &of, const char *name, Attr value) {
    PassContext context = contextFor("x86-64-v3");
    context.plans[of].set(name, std::move(value));
    Module module = parsed(text);
    Result<Program> program = lowerToLoops(module, context);
    return program ? "" : program.error().message;
  };
  EXPECT_NE(message(key, "tile_rows", int64_t{1} << 40).find("does not fit"), std::string::npos);
  EXPECT_NE(message(key, "tile_rows", std::string("many")).find("does not fit"), std::string::npos);
  EXPECT_NE(message(key, "kernel", int64_t{1}).find("no attribute of a plan"), std::string::npos);
  EXPECT_NE(message(key, "outer", std::string("inside")).find("does not fit"), std::string::npos);
  EXPECT_NE(message(algorithm, "algorithm", std::string("fast")).find("expected an algorithm"),
            std::string::npos);
  EXPECT_NE(message(algorithm, "algorithm", std::string("depthwise")).find("does not fit"),
            std::string::npos);
  EXPECT_EQ(message("conv of another model", "tile_rows", int64_t{3}), "");
}

} // namespace
} // namespace cameo
