// A run of a kernel-level function: its sizes, its memory, and control flow; KernelInterpreter.cpp
// sets up the inputs and takes the outputs out of it.
#pragma once

#include "ir/Module.h"
#include "ir/eval/kernel/KernelContext.h"
#include "ir/eval/kernel/KernelInterpreter.h"

#include <map>
#include <unordered_map>

namespace cameo::eval {

class KernelMachine {
public:
  KernelMachine(Func &func, const Target &target, const KernelOptions &options);

  Result<void> bindInput(int64_t i, const Tensor &tensor);
  Result<void> runBody() { return runBlock(func_.body); }
  /// The elements of a result as the caller sees them.
  Result<Tensor> takeOutput(int64_t i);

private:
  Result<void> runBlock(Block &block);
  Result<void> runOp(Op &op);
  Result<void> runKernel(Op &op);
  std::string clashIn(const KernelContext &context) const;
  Result<void> runConstant(Op &op);
  Result<void> runIf(Op &op);
  Result<void> runLoop(Op &op);
  Result<void> enterIteration(Op &loop, int64_t number, bool condition,
                              const std::vector<View> &carried);
  void copySlice(const View &slice, const View &whole, int64_t number);

  std::optional<int64_t> evaluate(const Dim &dim) const;
  Result<int64_t> sizeOf(const Dim &dim) const;
  Result<std::vector<int64_t>> dimsOf(const Value &value) const;
  /// The view of a value that is there.
  Result<View> viewOf(const Value &value);
  /// The view for a value that is to be written.
  Result<View> define(const Value &value);
  Result<View> placed(const Value &value);
  Result<BufferPlace> placeOf(int64_t buffer);
  std::shared_ptr<MemoryBlock> &blockOf(const Buffer &buffer, int64_t number);
  /// The only element of a value.
  Result<int64_t> scalarOf(const Value &value);
  Result<void> write(const Value &value, int64_t element);
  Error wrong(Op &op, const std::string &message) const;

  bool isPlaced() const { return !func_.buffers.empty(); }

  Func &func_;
  const Target &target_;
  KernelMemory memory_;
  std::map<std::string, int64_t> symbols_;
  std::unordered_map<const Value *, View> values_; // those without a layout
  /// Those of buffers: the arena's, a box's, or a buffer's own.
  std::map<std::pair<Buffer::Space, int64_t>, std::shared_ptr<MemoryBlock>> blocks_;
};

} // namespace cameo::eval
