// What the files of the layout pass share; see AssignLayouts.cpp.
#pragma once

#include "ir/kernel/KernelSpec.h"
#include "lowering/build/LoopBuilder.h"
#include "lowering/build/Views.h"
#include "lowering/layout/Halo.h"

#include <set>
#include <unordered_map>
#include <vector>

namespace cameo {

using Order = std::vector<int64_t>; // dims from the outermost in memory to the innermost

Order rowMajor(int64_t rank);
Order channelsLast(int64_t rank);
/// Whether rows of `extent` elements get more memory than they need, for the caches' sake.
bool wantsPadding(const Type &type, const Dim &extent);
/// Whether the op writes its results itself: no view, constant or placement.
bool isKernel(Op *op);
/// How the op's results lie in memory; as their operands for what is no kernel.
Storage storageOf(const Op &op);

struct LayoutState {
  Module &module;
  Func &func;
  LoopBuilder b;
  /// Order of the dims of each value in memory.
  std::unordered_map<Value *, Order> orders;
  /// The halo readers need, and the one that is there.
  std::unordered_map<Value *, Halo> needed, present;
  /// Where an operand of a concat lives: the concat's result and the offset along its axis.
  std::unordered_map<Value *, std::pair<Op *, Dim>> placements;
  /// Values whose halo has been filled.
  std::set<Value *> filled;
  /// Buffers that a kernel reads past the end of.
  std::set<int64_t> keptInArena;
  /// The symbols that inputs bind: sizes with others are known only to the run.
  std::vector<std::string> bound;
  /// Loops so far.
  int64_t numLoops = 0;

  explicit LayoutState(Module &module);

  void run();
  void visitBlock(Block &block);
  void collectHalos();
  void planConcats();
  bool isPrefix(Op *concat, Op *home) const;
  void visit(Op &op);
  void visitView(Op &op);
  void visitConcat(Op &op);
  void visitIf(Op &op);
  void visitLoop(Op &op);
  Value *copyInto(Value *value, const Layout &layout, Op *before);
  void placeArgument(Value *argument, Value *result);
  void yieldCarried(Op &loop);
  void yieldSlices(Op &loop);
  bool readsPastEnd(Op &op);
  void requireHalo(Op &conv);
  void requireOperands(Op &op);
  void requireEpilogue(Op &op, int64_t firstOperand);
  void requireAlong(Op &op, int64_t e, const Dims &shape, int64_t axis);
  void placeReturn(Op &ret);
  void visitCall(Op &op);
  bool isSizedByRun(const Dim &size) const;
  /// The same of any size of a tensor, which may have no elements all the same.
  bool isSizedByRun(const Dims &shape) const;

  int64_t newBuffer(Buffer buffer);
  void place(Value *value, const Order &order);
  void placePart(Value *value, const Order &order);
  void needHaloOfParts(Op &concat);
  void allocate(Value *value, const Order &order);
  Order naturalOrder(Op &op, Value *result) const;
  Order followOperands(Op &op, Value *result) const;
  Value *copyOf(Value *value, const Order &order, const Halo *halo, Op *before);
  void fillHalo(Value *value, Op *after);
  void writeFill(Value *value, const Halo &halo);
};

} // namespace cameo
