// Faults planted in lowered programs, one at a time, of the kinds that emitters are prone to: a
// loop that makes one iteration too many, a stride that is one element too large, a tensor that
// begins one element early. Each must be reported: as something that the loop interpreter refuses,
// or as numbers that are not those of the graph interpreter.
#include "ir/OpSpec.h"
#include "ir/Parser.h"
#include "ir/Printer.h"
#include "lowering/build/LoopBuilder.h"
#include "tests/loops/Cases.h"
#include "tools/RunCase.h"

#include <gtest/gtest.h>

#include <functional>

namespace cameo {
namespace {

/// A module, and the sizes of its symbols in each run: between them, runs reach most of the code
/// that serves any size.
struct Subject {
  const char *name;
  std::vector<const char *> lines;
  const char *text;
};

const Subject kSubjects[] = {
    {"pointwise", {"N=20011"}, R"(func @main(%x: f32[N]) results("y") {
       %y = Exp(%x)
       return(%y)
     })"},
    {"conv", {""}, R"(func @main(%x: f32[2,5,6,7]) results("y") {
       %w = Constant() {value = #w : f32[19,5,3,3]}
       %r = Relu(%x)
       %y = Conv(%r, %w) {pads = [1, 1, 1, 1]}
       return(%y)
     })"},
    {"depthwise", {""}, R"(func @main(%x: f32[2,35,6,7]) results("y") {
       %w = Constant() {value = #w : f32[35,1,3,3]}
       %r = Relu(%x)
       %y = Conv(%r, %w) {pads = [1, 1, 1, 1], group = 35}
       return(%y)
     })"},
    {"gemm", {"M=67", "M=5"}, R"(func @main(%x: f32[M,11]) results("y") {
       %w = Constant() {value = #w : f32[11,21]}
       %y = MatMul(%x, %w)
       return(%y)
     })"},
    {"pool", {""}, R"(func @main(%x: f32[3,19,15,26]) results("y") {
       %r = Tanh(%x)
       %y = MaxPool(%r) {kernel_shape = [3, 3], pads = [1, 1, 1, 1]}
       return(%y)
     })"},
    {"reduce", {"N=5"}, R"(func @main(%x: f32[N,21]) results("y") {
       %last = Constant() {value = dense<i64[1]: 1>}
       %y = ReduceMax(%x, %last)
       return(%y)
     })"},
    {"integers", {"M=35", "M=500"}, R"(func @main(%x: u8[M,35]) results("y") {
       %w = Constant() {value = #w : i8[35,37]}
       %z = Constant() {value = dense<u8[]: 7>}
       %y = MatMulInteger(%x, %w, %z)
       return(%y)
     })"},
    {"packed",
     {"M=35 K=7 N=117", "M=300 K=7 N=5"},
     R"(func @main(%x: f32[2,M,K], %w: f32[2,K,N]) results("y") {
       %y = MatMul(%x, %w)
       return(%y)
     })"},
    {"copy", {"N=3"}, R"(func @main(%x: f32[N,19,37]) results("y") {
       %y = Transpose(%x) {perm = [0, 2, 1]}
       return(%y)
     })"},
    {"columns", {"N=7"}, R"(func @main(%x: f32[N,21]) results("y") {
       %first = Constant() {value = dense<i64[1]: 0>}
       %y = ReduceSum(%x, %first)
       return(%y)
     })"},
    {"argmax", {"N=5"}, R"(func @main(%x: f32[N,3,21]) results("y") {
       %y = ArgMax(%x) {axis = 1}
       return(%y)
     })"},
    {"scan", {"N=5"}, R"(func @main(%x: f32[N,19]) results("y") {
       %last = Constant() {value = dense<i64[]: 1>}
       %y = CumSum(%x, %last)
       return(%y)
     })"},
    {"topk", {"N=5"}, R"(func @main(%x: f32[N,11]) results("y", "i") {
       %k = Constant() {value = dense<i64[1]: 3>}
       %y, %i = TopK(%x, %k)
       return(%y, %i)
     })"},
    {"topk by key", {"N=3"}, R"(func @main(%x: i8[N,157]) results("y", "i") {
       %k = Constant() {value = dense<i64[1]: 96>}
       %y, %i = TopK(%x, %k)
       return(%y, %i)
     })"},
    {"gather", {"N=5"}, R"(func @main(%x: f32[N,7,5]) results("y") {
       %i = Constant() {value = dense<i64[3]: 4, 1, 0>}
       %y = Gather(%x, %i) {axis = 1}
       return(%y)
     })"},
    {"layernorm", {"N=5"}, R"(func @main(%x: f32[N,21]) results("y") {
       %w = Constant() {value = #w : f32[21]}
       %y = LayerNormalization(%x, %w)
       return(%y)
     })"},
    {"softmax", {"N=3"}, R"(func @main(%x: f32[N,21]) results("y") {
       %y = Softmax(%x)
       return(%y)
     })"},
};

/// A lowered subject and the ops of it that a fault can be planted in.
struct Lowered {
  Module reference;
  PassContext context;
  Program program;
  std::vector<Op *> places;
};

using IsPlace = bool (*)(const Func &, const Op &);
/// Plants a fault of so many iterations or elements.
using Plant = void (*)(Module &, Op &, int64_t size);

void collect(const Func &func, Block &block, IsPlace isPlace, std::vector<Op *> &places) {
  for (const std::unique_ptr<Op> &op : block.ops()) {
    if (isPlace(func, *op))
      places.push_back(op.get());
    for (int64_t i = 0; i < op->numRegions(); i++)
      collect(func, op->region(i), isPlace, places);
  }
}

Lowered lower(const Subject &subject, const char *cpu, IsPlace isPlace) {
  std::string text = std::string("module \"m\" {\n") + subject.text + "\n}";
  Lowered lowered{*parseModule(text, subject.name), {}, {}, {}};
  Module module = *parseModule(text, subject.name);
  fillConstants(lowered.reference);
  fillConstants(module);
  lowered.context.target = *namedTarget("x86_64-linux-gnu", cpu);
  lowered.program = *lowerToLoops(module, lowered.context);
  for (const std::unique_ptr<Func> &func : lowered.program.module.funcs)
    collect(*func, func->body, isPlace, lowered.places);
  return lowered;
}

/// Plants a fault in one place. What was reported, or "".
std::string report(const Subject &subject, const char *cpu, IsPlace isPlace, size_t place,
                   Plant plant, int64_t size) {
  Lowered lowered = lower(subject, cpu, isPlace);
  plant(lowered.program.module, *lowered.places[place], size);
  for (const char *line : subject.lines)
    if (Result<void> ran = runProgram(lowered.program, lowered.reference, lowered.context.target,
                                      *parseRunLine(line));
        !ran)
      return ran.error().message;
  return "";
}

/// Plants a small fault in one place after the other, and expects each to be reported unless a
/// large one makes no difference there: an index that is always 0, code for sizes that do not
/// occur.
void expectFound(const char *cpu, IsPlace isPlace, Plant plant, int64_t size, int64_t large) {
  int64_t found = 0, unreached = 0;
  for (const Subject &subject : kSubjects) {
    Lowered lowered = lower(subject, cpu, isPlace);
    for (size_t i = 0; i < lowered.places.size(); i += changesPerTrial) {
      bool isFound = !report(subject, cpu, isPlace, i, plant, size).empty();
      found += isFound;
      unreached += !isFound;
      if (!isFound) {
        EXPECT_EQ(report(subject, cpu, isPlace, i, plant, large), "")
            << subject.name << ": not found in " << printOp(*lowered.places[i]);
      }
    }
  }
  EXPECT_GT(found, 2 * unreached);
  testing::Test::RecordProperty("found", std::to_string(found));
  testing::Test::RecordProperty("unreached", std::to_string(unreached));
}

bool isKernel(const Func &func) {
  std::string kind = func.attrs.getString("kind");
  return (kind == "kernel" || kind == "micro") && !func.name.starts_with("fill_halo");
}

Value *plus(Module &module, Op &before, Value *value, int64_t by) {
  LoopBuilder b(module, *before.block());
  b.before(&before);
  return b.create(OpKind::ScalarAdd, {value, b.index(by)}, {Type::index()})->result();
}

struct Mutation : testing::TestWithParam<const char *> {};

// Whole iterations, however wide the step is. One more of a copy is no fault while it is in the
// tensors: it copies what another iteration copies.
TEST_P(Mutation, OneIterationTooMany) {
  expectFound(
      GetParam(),
      [](const Func &func, const Op &op) {
        return isKernel(func) && !func.name.starts_with("copy") && op.kind() == OpKind::LoopFor;
      },
      [](Module &module, Op &op, int64_t iterations) {
        LoopBuilder b(module, *op.block());
        b.before(&op);
        Value *more = b.mul(op.operand(2), b.index(iterations));
        op.setOperand(1, b.add(op.operand(1), more));
      },
      1, 1000);
}

TEST_P(Mutation, StrideTooLarge) {
  expectFound(
      GetParam(),
      [](const Func &func, const Op &op) {
        if (!isKernel(func) || op.kind() != OpKind::ScalarMul)
          return false;
        const Op *stride = op.operand(1)->definingOp();
        return op.result()->type.isIndex() && stride && stride->kind() == OpKind::ScalarConst;
      },
      [](Module &module, Op &op, int64_t elements) {
        op.setOperand(1, plus(module, op, op.operand(1), elements));
      },
      1, int64_t{1} << 40);
}

// Operands and results of kernels, and what is in front of their first element: halos, panels.
TEST_P(Mutation, BeginsOneEarly) {
  expectFound(
      GetParam(), [](const Func &, const Op &op) { return op.kind() == OpKind::LoopOffset; },
      [](Module &module, Op &op, int64_t elements) {
        op.setOperand(1, plus(module, op, op.operand(1), elements));
      },
      -1, -(int64_t{1} << 40));
}

INSTANTIATE_TEST_SUITE_P(Targets, Mutation, testing::Values("x86-64-v4", "x86-64-v2"),
                         [](const auto &info) { return std::string(info.param).substr(7); });

} // namespace
} // namespace cameo
