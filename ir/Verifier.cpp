// Structure of functions, blocks and ops, and graph ops' types; see Verifier.h. The type rules of
// the other ops are in CoreRules.h.
#include "ir/Verifier.h"

#include "ir/OpSpec.h"
#include "ir/Printer.h"
#include "ir/infer/Infer.h"
#include "ir/kernel/KernelSpec.h"

#include <algorithm>
#include <set>
#include <unordered_set>

namespace cameo {
namespace {

constexpr int kMaxRegionDepth = 128;

// A stack array of the generated function; threads of musl have 128 KB in all.
constexpr int64_t kMaxScratchBytes = 8192;

std::string countText(int64_t low, int64_t high) {
  if (high < 0)
    return "at least " + std::to_string(low);
  return std::to_string(low) + (high != low ? " to " + std::to_string(high) : "");
}

class FuncVerifier {
public:
  FuncVerifier(Module &module, Func &func) : module_(module), func_(func) {}
  Result<void> run();

private:
  using Use = std::pair<const Value *, const Op *>;

  Error error(const std::string &message) const {
    return badInput("function '@" + func_.name + "': " + message);
  }
  Error error(const Op &op, const std::string &message) const {
    return error(message + ", in `" + printOp(op) + "`");
  }
  Result<void> block(Block &block, const Op *parent);
  Result<void> terminator(Block &block, const Op *parent);
  Result<void> op(Op &op, Block &block);
  Result<void> operands(const Op &op);
  Result<void> arity(const Op &op);
  Result<void> attributes(const Op &op);
  Result<void> value(const Value &value);
  Result<void> inferred(Op &op);
  Result<void> scratch(const Op &op);
  Result<void> results();
  Result<void> uses();

  Module &module_;
  Func &func_;
  std::unordered_set<const Value *> visible_;
  std::vector<Use> operandUses_, listedUses_;
  int64_t scratchBytes_ = 0;
  int depth_ = 0;
};

/// Types, layout and known elements of a result or argument.
Result<void> FuncVerifier::value(const Value &value) {
  if (value.known) {
    bool fits = value.type.isRanked() && value.type.rank() <= 1;
    Dim count = fits && value.type.rank() == 1 ? value.type.dim(0) : Dim(1);
    if (!fits || (count.isConst() && count.value() != static_cast<int64_t>(value.known->size())))
      return error("value '" + printValue(value) + "' of type " + value.type.str() + " has " +
                   std::to_string(value.known->size()) + " known elements");
  }
  if (!value.layout)
    return {};
  const Layout &layout = *value.layout;
  if (layout.buffer < 0 || layout.buffer >= static_cast<int64_t>(func_.buffers.size()))
    return error("value '" + printValue(value) + "' is in buffer " + std::to_string(layout.buffer) +
                 " of " + std::to_string(func_.buffers.size()));
  if (value.type.rank() != static_cast<int64_t>(layout.strides.size()))
    return error("value '" + printValue(value) + "' of type " + value.type.str() + " has " +
                 std::to_string(layout.strides.size()) + " strides");
  return {};
}

Result<void> FuncVerifier::arity(const Op &op) {
  const OpSpec &row = spec(op.kind());
  int64_t low = row.minOperands(), high = row.maxOperands();
  if (op.numOperands() < low || (high >= 0 && op.numOperands() > high))
    return error(op, "expected " + countText(low, high) + " operands, got " +
                         std::to_string(op.numOperands()));
  for (int64_t i = 0; i < op.numOperands(); i++) {
    const FormalSpec &formal = row.inputs[std::min<size_t>(i, row.inputs.size() - 1)];
    if (!op.operand(i) && !formal.optional)
      return error(op, "operand " + formal.name + " is missing");
  }
  int64_t most = static_cast<int64_t>(row.outputs.size());
  bool variadic = most > 0 && row.outputs.back().variadic;
  int64_t least = std::count_if(row.outputs.begin(), row.outputs.end(),
                                [](const auto &out) { return !out.optional && !out.variadic; });
  if (op.numResults() < least || (!variadic && op.numResults() > most))
    return error(op, "expected " + countText(least, variadic ? -1 : most) + " results, got " +
                         std::to_string(op.numResults()));
  return {};
}

/// Names by the op table, and constants as long as their shapes say. Kinds are inference's to check
/// at the graph level, and each rule's at the others.
Result<void> FuncVerifier::attributes(const Op &op) {
  for (const auto &[name, attr] : op.attrs) {
    if (!spec(op.kind()).allowsAttribute(name) && op.kind() != OpKind::KernelCall)
      return error(op, "unknown attribute '" + name + "'");
    const ConstRef *data = std::get_if<ConstRef>(&attr);
    if (data && (!*data || checkedNumElements((*data)->dims) != (*data)->numElements()))
      return error(op, "the data of attribute '" + name + "' is not as long as its shape says");
  }
  return {};
}

Result<void> FuncVerifier::operands(const Op &op) {
  for (int64_t i = 0; i < op.numOperands(); i++) {
    const Value *operand = op.operand(i);
    if (!operand)
      continue;
    if (!visible_.contains(operand))
      return error(op, "operand " + std::to_string(i) + " is not defined before its use");
    operandUses_.emplace_back(operand, &op);
  }
  return {};
}

/// The stated types may say more or less than inference does, but nothing else.
bool compatible(const Type &stated, const Type &inferred) {
  if (stated.kind() != inferred.kind())
    return false;
  if (stated.kind() == Type::Kind::Sequence || stated.kind() == Type::Kind::Optional)
    return compatible(stated.element(), inferred.element());
  if (stated.dtype() != inferred.dtype())
    return false;
  if (!stated.isRanked() || !inferred.isRanked())
    return true;
  if (stated.rank() != inferred.rank())
    return false;
  for (int64_t i = 0; i < stated.rank(); i++)
    if (stated.dim(i).isConst() && inferred.dim(i).isConst() && stated.dim(i) != inferred.dim(i))
      return false;
  return true;
}

/// Inference works in place, as rules may look into regions; what it wrote is taken back.
Result<void> FuncVerifier::inferred(Op &op) {
  std::string fault;
  {
    KeptTypes stated(op);
    Module scratch; // its fresh symbols are not missed
    if (Result<void> checked = inferOp(scratch, op); !checked)
      fault = checked.error().message;
    for (int64_t i = 0; fault.empty() && i < op.numResults(); i++) {
      const Type &type = op.result(i)->type, &claimed = stated.types()[i];
      if (!claimed.isNone() && !compatible(claimed, type))
        fault = "result " + std::to_string(i) + ": expected " + type.str() + " by inference, got " +
                claimed.str();
    }
  }
  return fault.empty() ? Result<void>() : error(op, fault);
}

Result<void> FuncVerifier::scratch(const Op &op) {
  int64_t bytes = 0;
  if (__builtin_mul_overflow(op.attrs.getInt("count"), dtypeBytes(op.result()->type.dtype()),
                             &bytes) ||
      __builtin_add_overflow(scratchBytes_, bytes, &scratchBytes_) ||
      scratchBytes_ > kMaxScratchBytes)
    return error(op, "expected at most " + std::to_string(kMaxScratchBytes) +
                         " bytes of scratch in a function");
  return {};
}

Result<void> FuncVerifier::op(Op &op, Block &block) {
  if (op.block() != &block || op.position()->get() != &op)
    return error(op, "the op does not know its block");
  TRY(arity(op));
  TRY(attributes(op));
  TRY(operands(op));
  if (op.numRegions() && ++depth_ > kMaxRegionDepth)
    return error(op, "regions nested more than " + std::to_string(kMaxRegionDepth) + " deep");
  for (int64_t i = 0; i < op.numRegions(); i++)
    TRY(this->block(op.region(i), &op));
  depth_ -= op.numRegions() ? 1 : 0;
  for (int64_t i = 0; i < op.numResults(); i++) {
    const Value &result = *op.result(i);
    if (result.definingOp() != &op || result.index() != i)
      return error(op, "result " + std::to_string(i) + " does not know its op");
    TRY(value(result));
  }
  if (spec(op.kind()).level == Level::Graph)
    return inferred(op);
  if (spec(op.kind()).level == Level::Core)
    if (Result<void> checked = verifyCoreOp(module_, op); !checked)
      return error(op, checked.error().message);
  if (const KernelSpec *row = kernelSpec(op.kind()))
    if (Result<void> checked = row->verify(op); !checked)
      return error(op, checked.error().message);
  return op.kind() == OpKind::LoopScratch ? scratch(op) : Result<void>();
}

Result<void> FuncVerifier::terminator(Block &block, const Op *parent) {
  OpKind wanted = parent ? OpKind::LoopYield : OpKind::LoopReturn;
  std::string name(spec(wanted).name);
  if (block.empty() || block.terminator()->kind() != wanted)
    return parent ? error(*parent, "expected '" + name + "' at the end of a region")
                  : error("expected '" + name + "' at the end");
  for (const std::unique_ptr<Op> &op : block.ops()) {
    bool ends = op->kind() == OpKind::LoopYield || op->kind() == OpKind::LoopReturn;
    if (ends && op.get() != block.terminator())
      return error(*op, "expected nothing after a terminator");
  }
  return {};
}

Result<void> FuncVerifier::block(Block &block, const Op *parent) {
  if (block.parentOp() != parent)
    return error("a block does not know its op");
  TRY(terminator(block, parent));
  std::vector<const Value *> defined;
  auto define = [&](const Value &value) {
    visible_.insert(&value);
    defined.push_back(&value);
    for (const Op *user : value.users())
      listedUses_.emplace_back(&value, user);
  };
  for (int64_t i = 0; i < block.numArgs(); i++) {
    const Value &arg = *block.arg(i);
    if (arg.owner() != &block || arg.index() != i)
      return error("argument " + std::to_string(i) + " of a block does not know its block");
    TRY(value(arg));
    define(arg);
  }
  for (const std::unique_ptr<Op> &inner : block.ops()) {
    TRY(op(*inner, block));
    for (const std::unique_ptr<Value> &result : inner->results())
      define(*result);
  }
  for (const Value *value : defined)
    visible_.erase(value);
  return {};
}

/// Use lists are what operands say, no more and no less.
Result<void> FuncVerifier::uses() {
  std::sort(operandUses_.begin(), operandUses_.end());
  std::sort(listedUses_.begin(), listedUses_.end());
  if (operandUses_ == listedUses_)
    return {};
  auto [operand, listed] = std::mismatch(operandUses_.begin(), operandUses_.end(),
                                         listedUses_.begin(), listedUses_.end());
  // The lesser of the two is the one that the other list lacks.
  bool unlisted =
      listed == listedUses_.end() || (operand != operandUses_.end() && *operand < *listed);
  const Value *value = unlisted ? operand->first : listed->first;
  return error("the use list of value '" + printValue(*value) + "' is out of step");
}

Result<void> FuncVerifier::results() {
  int64_t returned = func_.body.terminator()->numOperands();
  int64_t names = static_cast<int64_t>(func_.resultNames.size());
  if (names && names != returned)
    return error("expected " + std::to_string(names) + " results as it has names for, got " +
                 std::to_string(returned));
  return {};
}

Result<void> FuncVerifier::run() {
  TRY(block(func_.body, nullptr));
  TRY(uses());
  return results();
}

} // namespace

Result<void> verify(Module &module) {
  std::set<std::string> names;
  for (const std::unique_ptr<Func> &func : module.funcs)
    if (!names.insert(func->name).second)
      return badInput("function '@" + func->name + "' is there twice");
  for (const std::unique_ptr<Func> &func : module.funcs)
    TRY(FuncVerifier(module, *func).run());
  return {};
}

} // namespace cameo
