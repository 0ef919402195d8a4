// Weights are made a part at a time: parts of whole pieces have the bytes that making all at once
// gives, for each constant of this folder's cases and each way to pack it.
#include "ir/Parser.h"
#include "lowering/PassManager.h"
#include "tests/loops/Cases.h"
#include "tools/RunCase.h"

#include <gtest/gtest.h>

namespace cameo {
namespace {

/// How many blobs of the case have several pieces.
int64_t checkCase(const LoopCase &test, const Target &target) {
  Module module = *parseModule(test.text, test.file);
  fillConstants(module);
  PassContext context;
  context.target = target;
  Result<Program> program = lowerToLoops(module, context);
  int64_t several = 0;
  for (const WeightBlob &blob : program ? program->weights : std::vector<WeightBlob>()) {
    std::vector<std::byte> whole(blob.size), parts(blob.size);
    blob.maker.write(whole, 0);
    int64_t piece = blob.maker.pieceBytes;
    EXPECT_EQ(blob.size % piece, 0) << test.file << ", " << blob.name;
    for (int64_t at = 0; at < blob.size; at += piece)
      blob.maker.write(std::span(parts).subspan(at, piece), at);
    EXPECT_EQ(whole, parts) << test.file << ", " << blob.name;
    several += blob.size > piece && piece > 1;
  }
  return several;
}

TEST(Weights, PartsAreThoseOfTheWhole) {
  int64_t several = 0;
  for (const LoopCase &test : loopCases())
    for (const Target &target : {*namedTarget("x86_64-linux-gnu", "x86-64-v4+vnni"),
                                 *namedTarget("aarch64-linux-gnu", "armv8-a+i8mm")})
      several += checkCase(test, target);
  EXPECT_GT(several, 20);
}

} // namespace
} // namespace cameo
