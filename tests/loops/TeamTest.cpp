// What the program says of the work of its team functions, so that small ones need no team, and
// where it has barriers.
#include "ir/Parser.h"
#include "lowering/PassManager.h"
#include "tests/loops/Cases.h"
#include "tools/RunCase.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace cameo {
namespace {

/// The program of a module with these operators on inputs x and z of a shape; its outputs are y and
/// those further ones.
Program programOf(const std::string &shape, const std::string &ops,
                  const std::vector<std::string> &outputs = {}) {
  std::string type = " : f32[" + shape + "]", names = "\"y\"", values = "%y";
  for (const std::string &output : outputs)
    names += ", \"" + output + "\"", values += ", %" + output;
  Module module =
      *parseModule("module \"m\" {\n  func @main(%x" + type + ", %z" + type + ") results(" + names +
                       ") {\n" + ops + "\n    return(" + values + ")\n  }\n}\n",
                   "test");
  PassContext context;
  context.target = *namedTarget("x86_64-linux-gnu", "x86-64-v3");
  return *lowerToLoops(module, context);
}

/// The operand of the only `team` in a program.
std::string workOf(const Program &program) {
  std::string found;
  for (const std::unique_ptr<Op> &op : program.module.find("main")->body.ops())
    if (op->kind() == OpKind::TeamRun) {
      const Op &work = *op->operand(0)->definingOp();
      bool isConstant = work.kind() == OpKind::Constant || work.attrs.find("value");
      found += isConstant ? std::to_string(work.attrs.getInt("value")) : "a size";
    }
  return found;
}

TEST(Team, HasTheElementsThatThreadsCanShare) {
  EXPECT_EQ(workOf(programOf("20,3000", "%y = Relu(%x)")), "120000");
  EXPECT_EQ(workOf(programOf("N,3000", "%y = Relu(%x)")), "a size");
}

TEST(Team, HasNoWorkWhereNobodyCanShare) {
  EXPECT_EQ(workOf(programOf("100", "%y = Relu(%x)")), "0");
}

int64_t barriersOf(const Program &program) {
  const Block::List &ops = program.module.find("team_0")->body.ops();
  return std::count_if(ops.begin(), ops.end(),
                       [](const auto &op) { return op->kind() == OpKind::TeamBarrier; });
}

TEST(Team, HasBarriersWhereAKernelTouchesWhatAnotherWrites) {
  EXPECT_EQ(barriersOf(programOf("4,9", "%y = Relu(%x)\n%a = Neg(%z)", {"a"})), 0);
  EXPECT_EQ(barriersOf(programOf("4,9", "%y = Softmax(%x)\n%a = Softmax(%y)", {"a"})), 1);
  EXPECT_EQ(barriersOf(programOf("4,9", "%y = Softmax(%x)\n%a = Softmax(%z)\n%b = Softmax(%y)",
                                 {"a", "b"})),
            1);
}

TEST(Team, HasNoBarrierBetweenPartsOfAConcatenation) {
  // The one is in front of what reads the whole.
  EXPECT_EQ(barriersOf(programOf("N,9", "%a = Neg(%x)\n%b = Exp(%z)\n"
                                        "%c = Concat(%a, %b) {axis = 0}\n%y = Softmax(%c)")),
            1);
}

TEST(Team, HasNoBarrierForMemoryThatKernelsCouldShare) {
  // The inner values are dead where the next one begins.
  Program program = programOf("64,9",
                              "%a = Softmax(%x)\n%b = Softmax(%z)\n"
                              "%y = Softmax(%a)\n%c = Softmax(%b)",
                              {"c"});
  EXPECT_EQ(barriersOf(program), 1);
}

TEST(Team, HasTheWorkOfKernelsSideBySide) {
  // One row is one unit, but each of two threads can take one.
  EXPECT_EQ(workOf(programOf("1,9", "%y = Softmax(%x)\n%a = Softmax(%z)", {"a"})), "18");
}

} // namespace
} // namespace cameo
