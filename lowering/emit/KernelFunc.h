// The loop function of one kernel-level op while it is written, and what emitters share: sizes,
// inlined regions, micro-kernels. Emitters follow the op's plan and know no target. An emitter is a
// function
//     Result<Dim> emitX(KernelFunc &k)
// that writes the work of units [k.begin, k.end) and returns how many units there are; any split of
// the units over threads must give the same result. ir/ops/Kernel.def names the emitter of each op.
#pragma once

#include "ir/Result.h"
#include "lowering/build/LoopBuilder.h"
#include "lowering/build/SizeTable.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace cameo {

/// Micro-kernels of a module by their text, so that equal ones are one function.
struct MicroKernels {
  std::map<std::string, std::string> names;
};

/// Memory that each thread has for itself while it runs a kernel, one thread's after another's. All
/// kernels have the same of it: threads may be in different ones.
struct ThreadMemory {
  Dim begin;          // in the arena, behind its buffers
  Dim bytes = Dim(0); // of the kernel that needs most (lowering/plan/ThreadMemory.h)
};

struct KernelFunc {
  Op &op;
  SizeTable &sizes;
  MicroKernels &micros;
  /// What `fail` can name: nodes of the model, each once (Program::nodeNames).
  TextTable &nodes;
  const ThreadMemory &memory;
  LoopBuilder b;
  /// One pointer to the first element (index 0, 0, ...) of each operand, nullptr where absent, and
  /// of each result.
  std::vector<Value *> operands, results;
  Value *begin = nullptr, *end = nullptr;
  /// The unit whose work is being written, in emitUnits.
  Value *unit = nullptr;
  /// Where the kernel notes the range of what it writes: vectors of the plan's lanes with the
  /// largest bits of the unit so far (RangeNotes.h). nullptr where it does not.
  Value *high = nullptr, *low = nullptr;

  Value *size(const Dim &dim) { return sizes.value(b, dim); }
  /// offset + index * stride.
  Value *advance(Value *offset, Value *index, const Dim &stride);
  Error unsupportedBecause(const std::string &reason) const;
  /// An index from data made safe: see RegionCheckIndex. `loc` is what the failure names.
  Value *checkIndex(Value *index, Value *size, const Loc &loc);
  /// A RegionRequire whose operands have these values. It has no result.
  Value *require(const Op &op, const std::vector<Value *> &operands);
  /// Fails the run with a CAMEO_FAULT code of runtime/abi.h and its two values.
  void fail(int64_t code, const Loc &loc, Value *first = nullptr, Value *second = nullptr);

  /// The address of the thread's memory, which it has for the op until it reaches the next barrier.
  Value *threadMemory();

  /// Writes a micro-kernel with `write`, or finds the equal one already there; its name. `write`
  /// gets a builder in the new function's body.
  std::string micro(const std::string &name,
                    const std::function<void(Func &, LoopBuilder &)> &write);
};

/// Notes in a function which node of the model it was first written for, as attribute `node`: what
/// profilers show of it. Others may share the function.
void noteNode(Func &func, const Op &op);

/// Copies a region's ops to the builder with its arguments replaced, scalars becoming vectors where
/// an argument is one; the yielded values. `resolve` writes the ops that need to know the kernel,
/// reads by index and checks (RegionAt, RegionCheckIndex, RegionRequire), if there may be any.
using ResolveFn = std::function<Value *(Op &op, const std::vector<Value *> &operands)>;
std::vector<Value *> inlineRegion(LoopBuilder &b, SizeTable &sizes, Block &region,
                                  const std::vector<Value *> &args,
                                  const ResolveFn &resolve = nullptr);

using EmitFn = Result<Dim> (*)(KernelFunc &);
/// The emitter of a kernel-level op; nullptr for ops without loops.
EmitFn emitterFor(OpKind kind);

#define KERNEL_OP(kind, text, ins, outs, attrs, epilogue, storage, emitter)                        \
  Result<Dim> emitter(KernelFunc &k);
#include "ir/ops/Ops.def"
/// Convolutions by Winograd's algorithm.
Result<Dim> emitWinograd(KernelFunc &k);

} // namespace cameo
