// Kernel selection: each graph op becomes one kernel-level op (or a few), by a function that its
// row of the op table names. Constants stay. Runs after simplification and decomposition, before
// fusion.
#pragma once

#include "ir/Result.h"
#include "ir/kernel/Window.h"
#include "lowering/Pass.h"
#include "lowering/build/LoopBuilder.h"
#include "lowering/build/Regions.h"
#include "lowering/build/Shapes.h"
#include "lowering/build/ViewBuilder.h"

#include <functional>
#include <vector>

namespace cameo {

/// What a selector works with: the op to replace and a builder placed before it.
struct Selection {
  Module &module;
  Op &op;
  const PassContext &context;
  LoopBuilder b;

  Selection(Module &module, Op &op, const PassContext &context)
      : module(module), op(op), context(context), b(module) {
    b.before(&op);
    b.loc = op.loc;
  }

  const Type &in(int64_t i) const { return op.operand(i)->type; }
  const Type &out(int64_t i = 0) const { return op.result(i)->type; }
  /// Makes a kernel-level op before the graph op and gives its results the graph op's uses and
  /// names.
  Op *replaceWith(OpKind kind, std::vector<Value *> operands, AttrDict attrs,
                  int64_t numRegions = 0);
  /// Gives the op's uses and its result's name to an existing value.
  void replaceWithValue(Value *value);
  /// An error naming the op's node, for what is not supported.
  Error unsupportedBecause(const std::string &reason) const;
  /// The same from within functions that return values; selectKernels catches it.
  [[noreturn]] void refuse(const std::string &reason) const;
};

using SelectFn = Result<void> (*)(Selection &);

/// The function that lowers ops of this kind; nullptr if there is none.
SelectFn selectorFor(OpKind kind);

/// A `generate` kernel in the place of the op: `write` gets the builder inside the region, the
/// index of the element, one value a dim, and returns the element.
using ElementFn = std::function<Value *(LoopBuilder &b, const std::vector<Value *> &index)>;
void generate(Selection &s, std::vector<Value *> operands, const ElementFn &write);
/// The same as a value of any type in addition to the op's results.
Value *generated(Selection &s, std::vector<Value *> operands, const Type &type,
                 const ElementFn &write);
/// A `pointwise` kernel: `write` gets an element of each operand and returns one of the result,
/// whose shape the operands broadcast to.
Value *pointwise(Selection &s, std::vector<Value *> operands, const Type &type,
                 const ElementFn &write);
/// a [batch..., M, K] times b [batch..., K, N], batches broadcast, as elements of `dtype`. Refuses
/// batches that do not broadcast.
Value *matrixProduct(Selection &s, Value *a, Value *b, DType dtype);
/// The first result of a graph op made while another is selected: evaluated at once if its operands
/// are constants, else selected at once.
Result<Value *> lowered(Selection &s, OpKind kind, std::vector<Value *> operands,
                        AttrDict attrs = {});
/// Inside a region: the element of the kernel's operand at an index.
Value *elementAt(LoopBuilder &b, const Type &type, int64_t operand, std::vector<Value *> index);
/// An index from data, counted from the end when negative; the run fails if it is out of range.
Value *checkIndex(LoopBuilder &b, Value *index, const Dim &extent);
/// The same without counting from the end: a negative index is out of range.
Value *positionFrom(LoopBuilder &b, Value *index, const Dim &extent);
/// An index below `own`, for a dim that may have less where sizes are known only at run time.
Value *indexWithin(LoopBuilder &b, Value *index, const Dim &own, const Dim &extent);
/// An index moved into [0, extent).
Value *clampedIndex(LoopBuilder &b, Value *index, const Dim &extent);
/// The same, and whether it was there already, which `inside` collects.
Value *within(LoopBuilder &b, Value *index, const Dim &extent, Value *&inside);
/// Makes the run fail with a fault of runtime/abi.h and its two values, integers, unless the
/// condition holds. In regions of `sizes` and `generate`.
void require(LoopBuilder &b, Value *condition, int64_t code, Value *first = nullptr,
             Value *second = nullptr);
/// The only element of the kernel's operand of one element.
Value *onlyElement(LoopBuilder &b, const Type &type, int64_t operand);
/// `a and b` of two conditions, the first of which may be absent.
Value *both(LoopBuilder &b, Value *first, Value *second);

/// The attributes of a `pool` kernel in the place of a graph op.
PoolAttrs poolAttrs(Op &op, const Window &window, PoolKind kind);
/// A pool of x, in the shape of the op's result.
Value *poolKernel(Selection &s, Value *x, const PoolAttrs &attrs, DType dtype);
/// Where the maxima of a MaxPool are: its second result.
Result<Value *> poolIndices(Selection &s, const Window &window);

// The selectors that rows of the op table name.
#define GRAPH_OP(kind, version, flops, ins, outs, constraints, attrs, rule, evaluator, selector)   \
  Result<void> selector(Selection &s);
#include "ir/ops/Ops.def"
/// For what inference knows all elements of, whatever the op is.
Result<void> selectKnown(Selection &s);

} // namespace cameo
