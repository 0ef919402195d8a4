// What the evaluator of a kernel op gets: the op, where its operands and results are, and ways to
// say that something is wrong. There is one evaluator a row of ir/ops/Kernel.def, `eval` and the
// name of the kind; docs/ir.md says what each op means, and evaluators follow it word by word.
//
// Sums and products of floats are computed in double precision and rounded once, to the type in
// which the kernel has them. How a target cuts the work makes no difference.
#pragma once

#include "ir/Op.h"
#include "ir/Target.h"
#include "ir/eval/kernel/KernelMemory.h"

#include <functional>

namespace cameo::eval {

struct KernelContext {
  Op &op;
  const Target &target;
  KernelMemory &memory;
  /// The value of a size now; nothing where it has none.
  std::function<std::optional<int64_t>(const Dim &)> evaluate;
  /// Defines the symbols that an op has in its attributes.
  std::function<void(const std::vector<std::string> &, const std::vector<int64_t> &)> define;
  std::vector<View> operands, results; // absent ones are in no block
  /// Whether values have layouts: views are strides, and the halo of a buffer is there.
  bool isPlaced = false;
  /// An error that a run of the library reports, too.
  std::optional<Error> fault = std::nullopt;

  const View &in(int64_t i) const { return operands[static_cast<size_t>(i)]; }
  const View &out(int64_t i = 0) const { return results[static_cast<size_t>(i)]; }
  /// The value of a size; 0, and an error, where it has none.
  int64_t size(const Dim &dim);
  bool failed() const { return fault || !memory.error.empty(); }
  /// Something is wrong with the code.
  void fail(const std::string &message);
  /// The run fails with a fault of runtime/abi.h, or a text of the op's own.
  void report(int64_t code, std::optional<int64_t> a, std::optional<int64_t> b);
  void report(const std::string &text, std::optional<int64_t> a, std::optional<int64_t> b);

  template <class W> W get(const View &from, int64_t element) {
    return memory.get<W>(from, element);
  }
  template <class W> void put(const View &to, int64_t element, W value) {
    memory.put(to, element, value);
  }
  /// Copies an element.
  void move(const View &to, int64_t element, const View &from, int64_t fromElement);
  /// An element of a view is one of another value: moves it there, or, where both have layouts,
  /// requires it to be there.
  void alias(const View &to, int64_t element, const View &from, int64_t fromElement);
  /// An index from data, counted from the end when negative; 0, and a fault, where it is outside.
  int64_t checkedIndex(int64_t index, int64_t extent);

  /// Calls body(index) for each index of a shape, in row-major order, until something is wrong.
  template <class Body> void forEach(const std::vector<int64_t> &dims, Body &&body) {
    std::vector<int64_t> index(dims.size(), 0);
    for (int64_t extent : dims)
      if (extent <= 0)
        return;
    while (!failed()) {
      body(static_cast<const std::vector<int64_t> &>(index));
      size_t dim = dims.size();
      while (dim-- > 0 && ++index[dim] == dims[dim])
        index[dim] = 0;
      if (dim == static_cast<size_t>(-1))
        return;
    }
  }
};

using KernelEvaluator = void (*)(KernelContext &);

#define KERNEL_OP(kind, text, ins, outs, attrs, epilogue, storage, emitter)                        \
  void eval##kind(KernelContext &c);
#include "ir/ops/Kernel.def"
#undef KERNEL_OP

} // namespace cameo::eval
