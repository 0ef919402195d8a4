// What the program says of the work of its team functions, so that small ones need no team.
#include "ir/Parser.h"
#include "lowering/PassManager.h"
#include "tests/loops/Cases.h"
#include "tools/RunCase.h"

#include <gtest/gtest.h>

namespace cameo {
namespace {

/// The operand of the only `team` in the program of a module with one operator on an input of that
/// shape.
std::string workOn(const std::string &shape) {
  std::string type = " : f32[" + shape + "]";
  Module module =
      *parseModule("module \"m\" {\n  func @main(%x" + type +
                       ") results(\"y\") {\n    %y = Relu(%x)\n    return(%y)\n  }\n}\n",
                   "test");
  PassContext context;
  context.target = *namedTarget("x86_64-linux-gnu", "x86-64-v3");
  Program program = *lowerToLoops(module, context);
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
  EXPECT_EQ(workOn("20,3000"), "120000");
  EXPECT_EQ(workOn("N,3000"), "a size");
}

TEST(Team, HasNoWorkWhereNobodyCanShare) { EXPECT_EQ(workOn("100"), "0"); }

} // namespace
} // namespace cameo
