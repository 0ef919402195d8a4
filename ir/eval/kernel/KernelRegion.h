// The region of a kernel op, run for one element after the other.
#pragma once

#include "ir/eval/kernel/KernelContext.h"
#include "ir/eval/loop/Executor.h"

namespace cameo::eval {

class KernelRegion : private Executor {
public:
  KernelRegion(KernelContext &context, int64_t region);

  /// Sets an argument to a number, which is rounded or wrapped to its type.
  template <class W> void set(int64_t argument, W value) {
    Lanes to = registerOf(*block_.arg(argument), code_.body.args[argument]);
    withStorage(to.dtype, [&]<class T>() { writeAs(to.data, narrow<T>(value)); });
  }
  /// Sets an argument to an element.
  void load(int64_t argument, const View &from, int64_t element);
  /// Sets the arguments from `first` on to elements of the operands from `operand` on, broadcast to
  /// the shape of the result, at one of its indices.
  void loadEpilogue(int64_t first, int64_t operand, const std::vector<int64_t> &index);
  /// The same of `count` operands, broadcast to `dims`, at an index of these.
  void loadOperands(int64_t first, int64_t operand, int64_t count, const std::vector<int64_t> &dims,
                    const std::vector<int64_t> &index);
  /// Runs the region.
  void run();
  /// What it yielded, as a number or stored in a view of its type.
  template <class W> W yielded(int64_t i = 0) {
    Lanes from = yieldedRegister(i);
    return withStorage(from.dtype, [&]<class T>() { return widen<W>(readAs<T>(from.data)); });
  }
  void store(const View &to, int64_t element, int64_t i = 0);

private:
  Flow runOp(const Step &step, Call &call) override;
  Flow at(const Step &step, Call &call);
  bool readsNothing(const Step &step, const View &operand) const;
  Lanes registerOf(const Value &value, const Slot &slot);
  Lanes yieldedRegister(int64_t i);

  KernelContext &context_;
  Block &block_;
  FuncCode code_;
  Call call_;
  std::vector<View> epilogue_; // broadcast operands
};

} // namespace cameo::eval
