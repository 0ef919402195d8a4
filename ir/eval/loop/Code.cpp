// See Code.h.
#include "ir/eval/loop/Code.h"

#include "ir/eval/loop/Lanes.h"
#include "ir/eval/loop/Memory.h"

namespace cameo::eval {
namespace {

struct Compiler {
  const Target &target;
  std::unordered_map<const Value *, Slot> slots = {};
  int64_t bytes = 0;

  Slot define(const Value &value) {
    const Type &type = value.type;
    int64_t size = type.isPointer() ? static_cast<int64_t>(sizeof(Pointer))
                                    : dtypeBytes(registerType(type, target)) * type.lanes();
    Slot slot{bytes, size};
    bytes += size;
    slots[&value] = slot;
    return slot;
  }

  Code block(Block &from) {
    Code code;
    for (const std::unique_ptr<Value> &arg : from.args())
      code.args.push_back(define(*arg));
    for (const std::unique_ptr<Op> &op : from.ops()) {
      Step &step = code.steps.emplace_back();
      step.op = op.get();
      for (const Value *operand : op->operands())
        step.operands.push_back(operand ? slots.at(operand) : Slot{});
      for (const std::unique_ptr<Value> &result : op->results())
        step.results.push_back(define(*result));
      for (int64_t i = 0; i < op->numRegions(); i++)
        step.regions.push_back(block(op->region(i)));
    }
    return code;
  }
};

} // namespace

FuncCode codeOf(Block &region, const Target &target) {
  Compiler compiler{target};
  FuncCode code{nullptr, compiler.block(region), 0};
  code.frameBytes = compiler.bytes;
  return code;
}

FuncCode codeOf(const Func &func, const Target &target) {
  FuncCode code = codeOf(const_cast<Block &>(func.body), target);
  code.func = &func;
  return code;
}

} // namespace cameo::eval
