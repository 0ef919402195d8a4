// What units read and write in the loop interpreter, against what lowering/plan/KernelUnits.h says
// of them: all of it in the first run of each case of this folder.
#include "ir/OpSpec.h"
#include "ir/Parser.h"
#include "ir/Printer.h"
#include "ir/eval/loop/Memory.h"
#include "ir/infer/UnifySizes.h"
#include "lowering/PassManager.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/Shapes.h"
#include "lowering/emit/KernelFunc.h"
#include "lowering/plan/KernelUnits.h"
#include "lowering/plan/VerifyPlans.h"
#include "tests/loops/Cases.h"
#include "tools/RunCase.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace cameo {
namespace {

using Byte = std::pair<int64_t, int64_t>; // block, offset

/// What a unit touched, and where the tensors of its kernel are.
struct Seen {
  std::vector<eval::Pointer> tensors;
  std::set<Byte> loaded, stored;
};

/// By kernel and unit.
using Log = std::map<std::pair<int64_t, int64_t>, Seen>;

class Recorder : public LoopObserver {
public:
  explicit Recorder(Log &log) : log_(log) {}

  void enter(int64_t kernel, int64_t unit, std::vector<eval::Pointer> tensors) override {
    now_ = &(log_[{kernel, unit}] = {std::move(tensors), {}, {}});
  }
  void touch(const eval::Pointer &at, int64_t bytes, bool isStore) override {
    for (int64_t i = 0; now_ && i < bytes; i++)
      (isStore ? now_->stored : now_->loaded).insert({at.block, at.offset + i});
  }
  void leave() override { now_ = nullptr; }

private:
  Log &log_;
  Seen *now_ = nullptr;
};

/// The kernels of a module that its program runs, in this order.
std::vector<Op *> kernelsOf(Module &module) {
  std::vector<Op *> kernels = opsOf(module.main());
  std::erase_if(kernels, [](Op *op) { return !isPlanned(*op); });
  return kernels;
}

bool hasControlFlow(Module &module) {
  for (const std::unique_ptr<Op> &op : module.main().body.ops())
    if (op->kind() == OpKind::If || op->kind() == OpKind::Loop)
      return true;
  return false;
}

/// Whether a kernel's result has a size that only the run finds, and no run line gives.
bool hasFoundSizes(Module &module) {
  std::vector<std::string> bound = boundSymbols(module.main());
  for (const Op *op : kernelsOf(module))
    for (const std::unique_ptr<Value> &result : op->results())
      for (const Dim &dim : result->type.shape())
        if (!missingSymbols(dim, bound).empty())
          return true;
  return false;
}

/// The tensors of a kernel in the order of its pointers.
std::vector<const Value *> tensorsOf(const Op &op) {
  std::vector<const Value *> tensors;
  for (const Value *operand : op.operands())
    if (operand)
      tensors.push_back(operand);
  for (const std::unique_ptr<Value> &result : op.results())
    tensors.push_back(result.get());
  return tensors;
}

Dim bound(const Dim &dim, const RunLine &line) {
  return dim.substitute([&](const std::string &symbol) -> std::optional<Dim> {
    auto known = line.given.find(symbol);
    return known == line.given.end()
               ? std::nullopt
               : std::optional<Dim>(Dim(static_cast<int64_t>(known->second[0])));
  });
}

Units bound(const Units &units, const RunLine &line) {
  Units all;
  for (UnitAxis axis : units.axes()) {
    axis.extent = bound(axis.extent, line);
    all.add(axis);
  }
  return all;
}

Touched bound(Touched touched, const RunLine &line) {
  touched.offset = bound(touched.offset, line);
  for (TouchedAxis &axis : touched.axes)
    axis.extent = bound(axis.extent, line), axis.stride = bound(axis.stride, line);
  return touched;
}

/// One kernel of a run, of which all sizes are known.
struct Kernel {
  const Op &op;
  KernelUnits units;
  std::vector<const Value *> tensors;

  Kernel(const Op &op, const RunLine &line) : op(op), units(unitsOf(op)), tensors(tensorsOf(op)) {
    units.grid = bound(units.grid, line);
    for (std::vector<Touched> *list : {&units.reads, &units.writes})
      for (Touched &touched : *list)
        touched = bound(touched, line);
  }

  std::set<Byte> bytesOf(const std::vector<Touched> &list, int64_t unit, const Seen &seen) const {
    std::set<Byte> bytes;
    for (const Touched &touched : list) {
      auto tensor = std::find(tensors.begin(), tensors.end(), touched.tensor) - tensors.begin();
      const eval::Pointer &from = seen.tensors[tensor];
      int64_t size = dtypeBytes(touched.tensor->type.dtype());
      for (int64_t element : elementsOf(units.grid, touched, unit))
        for (int64_t i = 0; i < size; i++)
          bytes.insert({from.block, from.offset + element * size + i});
    }
    return bytes;
  }

  void expectSeen(int64_t unit, const Seen &seen) const {
    std::set<Byte> writes = bytesOf(units.writes, unit, seen);
    std::set<Byte> touched = bytesOf(units.reads, unit, seen);
    touched.insert(writes.begin(), writes.end());
    auto isIn = [](const std::set<Byte> &part, const std::set<Byte> &all) {
      return std::includes(all.begin(), all.end(), part.begin(), part.end());
    };
    EXPECT_TRUE(isIn(seen.loaded, touched)) << "unit " << unit << " reads more: " << printOp(op);
    EXPECT_TRUE(isIn(seen.stored, writes)) << "unit " << unit << " writes more: " << printOp(op);
    if (op.kind() != OpKind::KernelScatter) {
      EXPECT_TRUE(isIn(writes, seen.stored)) << "unit " << unit << " writes less: " << printOp(op);
    }
  }
};

/// The units that were compared.
int64_t compareUnits(const LoopCase &test, const char *cpu) {
  Module reference = *parseModule(test.text, test.file),
         module = *parseModule(test.text, test.file);
  fillConstants(reference);
  fillConstants(module);
  PassContext context;
  context.target = *namedTarget("x86_64-linux-gnu", cpu);
  Program program = *lowerToLoops(module, context);
  RunLine line = *parseRunLine(test.runs[0]);
  if (hasControlFlow(module) || hasFoundSizes(module) || !line.error.empty())
    return 0;
  Log log;
  Recorder recorder(log);
  EXPECT_TRUE(runProgram(program, reference, context.target, line, &recorder));
  std::vector<Op *> ops = kernelsOf(module);
  for (const auto &[place, seen] : log)
    if (ops[place.first]->kind() != OpKind::KernelFillHalo)
      Kernel(*ops[place.first], line).expectSeen(place.second, seen);
  return std::ssize(log);
}

constexpr std::array<const char *, 2> kCpus = {"x86-64-v4+amx", "x86-64-v2"};

struct Touch : testing::TestWithParam<size_t> {};

TEST_P(Touch, UnitsDoWhatTheirKernelsSay) {
  int64_t units = 0;
  size_t turn = GetParam();
  for (const LoopCase &test : loopCases()) {
    // With sanitizers, one target takes what the other leaves.
    if (kIsSanitized && turn++ % kCpus.size() != 0)
      continue;
    SCOPED_TRACE(test.file + "\n" + test.text);
    units += compareUnits(test, kCpus[GetParam()]);
    if (HasFailure())
      break;
  }
  EXPECT_GT(units, 100);
}

INSTANTIATE_TEST_SUITE_P(Targets, Touch, testing::Range<size_t>(0, kCpus.size()),
                         [](const auto &info) { return std::string(kCpus[info.param], 7, 2); });

} // namespace
} // namespace cameo
