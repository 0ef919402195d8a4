// The type rules of scalar- and loop-level ops, as ir/ops/Scalar.def and Loop.def describe them;
// see Verifier.h.
#include "ir/Verifier.h"

#include "ir/OpSpec.h"

#include <algorithm>
#include <initializer_list>

namespace cameo {
namespace {

using Predicate = bool (*)(const Type &);

bool isShaped(const Type &type) {
  return type.kind() == Type::Kind::Scalar || type.kind() == Type::Kind::Vector;
}
bool isNumeric(const Type &type) {
  return type.isIndex() || (isShaped(type) && (isInt(type.dtype()) || isFloat(type.dtype())));
}
bool isInteger(const Type &type) {
  return type.isIndex() || (isShaped(type) && isInt(type.dtype()));
}
bool isBits(const Type &type) {
  return isInteger(type) || (isShaped(type) && type.dtype() == DType::Bool);
}
bool isFloating(const Type &type) { return isShaped(type) && isFloat(type.dtype()); }
bool isElement(const Type &type) {
  return type.isIndex() || (isShaped(type) && type.dtype() != DType::String);
}

/// bool, as many lanes as `type` has.
Type boolLike(const Type &type) {
  return type.isVector() ? Type::vector(DType::Bool, type.lanes()) : Type::scalar(DType::Bool);
}

class CoreRules {
public:
  CoreRules(const Module &module, const Op &op) : module_(module), op_(op) {}
  Result<void> run();

private:
  const Type &in(int64_t i) const { return op_.operand(i)->type; }
  const Type &out(int64_t i = 0) const { return op_.result(i)->type; }
  std::string operandName(int64_t i) const;
  std::string resultName(int64_t i) const;

  Result<void> is(const std::string &what, const Type &got, const Type &expected) const;
  Result<void> inIs(int64_t i, const Type &expected) const {
    return is(operandName(i), in(i), expected);
  }
  Result<void> outIs(int64_t i, const Type &expected) const {
    return is(resultName(i), out(i), expected);
  }
  Result<void> inIsOne(int64_t i, Predicate allowed, const char *words) const;
  Result<void> outIsOne(Predicate allowed, const char *words) const;
  Result<void> same(Predicate allowed, const char *words) const;
  Result<void> maskLike(int64_t i, const Type &type) const;
  Result<void> types(const std::string &what, const std::vector<Type> &got,
                     const std::vector<Type> &expected) const;

  Result<void> intAttr(const char *name, int64_t least) const;
  Result<void> wordAttr(const char *name, std::initializer_list<std::string_view> words) const;
  Result<void> region(int64_t i, const std::vector<Type> &args,
                      const std::vector<Type> &yields) const;
  Result<void> regions(int64_t low, int64_t high) const;

  Result<void> scalar();
  Result<void> constant() const;
  Result<void> cast() const;
  Result<void> bitcast() const;
  Result<void> vector();
  Result<void> memory();
  Result<void> control();
  Result<void> forLoop() const;
  Result<void> whileLoop() const;
  Result<void> ifElse() const;
  Result<void> call() const;
  Result<void> frame();
  Result<void> team() const;
  Result<void> inKernel() const;

  const Module &module_;
  const Op &op_;
};

std::vector<Type> typesOf(const std::vector<Value *> &values, size_t first = 0) {
  std::vector<Type> types;
  types.reserve(values.size());
  for (size_t i = first; i < values.size(); i++)
    types.push_back(values[i]->type);
  return types;
}

std::vector<Type> typesOf(const std::vector<std::unique_ptr<Value>> &values) {
  std::vector<Type> types;
  types.reserve(values.size());
  for (const std::unique_ptr<Value> &value : values)
    types.push_back(value->type);
  return types;
}

std::vector<Type> with(const Type &first, std::vector<Type> rest) {
  rest.insert(rest.begin(), first);
  return rest;
}

std::string CoreRules::operandName(int64_t i) const {
  const std::vector<FormalSpec> &formals = spec(op_.kind()).inputs;
  const FormalSpec &formal = formals[std::min<size_t>(i, formals.size() - 1)];
  return "operand " + formal.name + (formal.variadic ? " (" + std::to_string(i) + ")" : "");
}

std::string CoreRules::resultName(int64_t i) const { return "result " + std::to_string(i); }

Result<void> CoreRules::is(const std::string &what, const Type &got, const Type &expected) const {
  if (got == expected)
    return {};
  return badInput(what + ": expected " + expected.str() + ", got " + got.str());
}

Result<void> CoreRules::inIsOne(int64_t i, Predicate allowed, const char *words) const {
  if (allowed(in(i)))
    return {};
  return badInput(operandName(i) + ": expected " + words + ", got " + in(i).str());
}

Result<void> CoreRules::outIsOne(Predicate allowed, const char *words) const {
  if (allowed(out()))
    return {};
  return badInput(resultName(0) + ": expected " + words + ", got " + out().str());
}

/// Operands and result have one type.
Result<void> CoreRules::same(Predicate allowed, const char *words) const {
  TRY(inIsOne(0, allowed, words));
  for (int64_t i = 1; i < op_.numOperands(); i++)
    TRY(inIs(i, in(0)));
  return outIs(0, in(0));
}

/// An optional mask for lanes of `type`.
Result<void> CoreRules::maskLike(int64_t i, const Type &type) const {
  return op_.operand(i) ? inIs(i, boolLike(type)) : Result<void>();
}

Result<void> CoreRules::types(const std::string &what, const std::vector<Type> &got,
                              const std::vector<Type> &expected) const {
  if (got.size() != expected.size())
    return badInput("expected " + std::to_string(expected.size()) + " " + what + "s, got " +
                    std::to_string(got.size()));
  for (size_t i = 0; i < got.size(); i++)
    TRY(is(what + " " + std::to_string(i), got[i], expected[i]));
  return {};
}

Result<void> CoreRules::intAttr(const char *name, int64_t least) const {
  const Attr *attr = op_.attrs.find(name);
  const int64_t *value = attr ? std::get_if<int64_t>(attr) : nullptr;
  if (value && *value >= least)
    return {};
  return badInput("expected an integer attribute '" + std::string(name) + "' of at least " +
                  std::to_string(least));
}

Result<void> CoreRules::wordAttr(const char *name,
                                 std::initializer_list<std::string_view> words) const {
  const Attr *attr = op_.attrs.find(name);
  const std::string *value = attr ? std::get_if<std::string>(attr) : nullptr;
  if (value && std::find(words.begin(), words.end(), *value) != words.end())
    return {};
  std::string list;
  for (std::string_view word : words)
    list += (list.empty() ? "" : ", ") + std::string(word);
  return badInput("expected attribute '" + std::string(name) + "' to be one of " + list);
}

Result<void> CoreRules::regions(int64_t low, int64_t high) const {
  if (op_.numRegions() >= low && op_.numRegions() <= high)
    return {};
  return badInput("expected " + std::to_string(low) +
                  (low == high ? "" : " to " + std::to_string(high)) + " regions, got " +
                  std::to_string(op_.numRegions()));
}

Result<void> CoreRules::region(int64_t i, const std::vector<Type> &args,
                               const std::vector<Type> &yields) const {
  const Block &block = op_.region(i);
  TRY(types("region argument", typesOf(block.args()), args));
  return types("yielded value", typesOf(block.terminator()->operands()), yields);
}

Result<void> CoreRules::constant() const {
  TRY(outIsOne(isElement, "a scalar, vector or index"));
  const Attr *value = op_.attrs.find("value");
  bool isInt = value && std::holds_alternative<int64_t>(*value);
  bool isFloat = value && std::holds_alternative<double>(*value);
  if (isInt || (isFloat && isFloating(out())))
    return {};
  return badInput("expected an integer" + std::string(isFloating(out()) ? " or a float" : "") +
                  " as attribute 'value'");
}

Result<void> CoreRules::cast() const {
  TRY(inIsOne(0, isElement, "a scalar, vector or index"));
  TRY(outIsOne(isElement, "a scalar, vector or index"));
  if (in(0).isVector() != out().isVector() || in(0).lanes() != out().lanes())
    return badInput("expected as many lanes as the operand has, got " + in(0).str() + " and " +
                    out().str());
  if (in(0).isIndex() || out().isIndex()) {
    TRY(inIsOne(0, isInteger, "an integer, as the result is an index"));
    TRY(outIsOne(isInteger, "an integer, as the operand is an index"));
  }
  return {};
}

Result<void> CoreRules::bitcast() const {
  auto isPlain = [](const Type &type) {
    return isShaped(type) && (isInt(type.dtype()) || isFloat(type.dtype()));
  };
  TRY(inIsOne(0, isPlain, "a number or a vector of numbers"));
  TRY(outIsOne(isPlain, "a number or a vector of numbers"));
  if (in(0).lanes() * dtypeBytes(in(0).dtype()) != out().lanes() * dtypeBytes(out().dtype()))
    return badInput("expected a result as wide as " + in(0).str() + ", got " + out().str());
  return {};
}

Result<void> CoreRules::scalar() {
  switch (op_.kind()) {
  case OpKind::ScalarConst:
    return constant();
  case OpKind::ScalarAnd:
  case OpKind::ScalarOr:
  case OpKind::ScalarXor:
  case OpKind::ScalarNot:
    return same(isBits, "integers or bool");
  case OpKind::ScalarShl:
  case OpKind::ScalarShr:
    return same(isInteger, "integers");
  case OpKind::ScalarCmp:
    TRY(wordAttr("pred", {"eq", "ne", "lt", "le", "gt", "ge"}));
    TRY(inIsOne(0, isElement, "a scalar, vector or index"));
    TRY(inIs(1, in(0)));
    return outIs(0, boolLike(in(0)));
  case OpKind::ScalarSelect:
    TRY(inIsOne(1, isElement, "a scalar, vector or index"));
    TRY(inIs(2, in(1)));
    if (in(0) != Type::scalar(DType::Bool))
      TRY(inIs(0, boolLike(in(1))));
    return outIs(0, in(1));
  case OpKind::ScalarCast:
    return cast();
  case OpKind::ScalarBitcast:
    return bitcast();
  case OpKind::ScalarAdd:
  case OpKind::ScalarSub:
  case OpKind::ScalarMul:
  case OpKind::ScalarDiv:
  case OpKind::ScalarRem:
  case OpKind::ScalarMin:
  case OpKind::ScalarMax:
  case OpKind::ScalarMad:
  case OpKind::ScalarNeg:
  case OpKind::ScalarAbs:
    return same(isNumeric, "numbers");
  default:
    return same(isFloating, "floats");
  }
}

Result<void> CoreRules::vector() {
  auto isVector = [](const Type &type) { return type.isVector(); };
  switch (op_.kind()) {
  case OpKind::VectorSplat:
    TRY(outIsOne(isVector, "a vector"));
    return inIs(0, Type::scalar(out().dtype()));
  case OpKind::VectorMask:
    TRY(inIs(0, Type::index()));
    TRY(outIsOne(isVector, "a vector"));
    return outIs(0, boolLike(out()));
  case OpKind::VectorIota:
    return outIsOne([](const Type &type) { return type.isVector() && isInt(type.dtype()); },
                    "a vector of integers");
  case OpKind::VectorReduce:
    TRY(wordAttr("op", {"add", "mul", "min", "max", "and", "or"}));
    TRY(inIsOne(0, isVector, "a vector"));
    return outIs(0, Type::scalar(in(0).dtype()));
  case OpKind::VectorDot: {
    TRY(inIsOne(0, isVector, "a vector"));
    if (in(0).dtype() == DType::F32) {
      TRY(inIs(1, Type::vector(DType::BF16, 2 * in(0).lanes())));
      TRY(inIs(2, in(1)));
      return outIs(0, in(0));
    }
    TRY(inIs(0, Type::vector(DType::I32, in(0).lanes())));
    for (int64_t i : {1, 2})
      if (in(i) != Type::vector(DType::I8, 4 * in(0).lanes()))
        TRY(inIs(i, Type::vector(DType::U8, 4 * in(0).lanes())));
    return outIs(0, in(0));
  }
  default: // extract
    TRY(intAttr("lane", 0));
    TRY(inIsOne(0, isVector, "a vector"));
    if (op_.attrs.getInt("lane") >= in(0).lanes())
      return badInput("expected a lane below " + std::to_string(in(0).lanes()) + ", got " +
                      std::to_string(op_.attrs.getInt("lane")));
    return outIs(0, Type::scalar(in(0).dtype()));
  }
}

Result<void> CoreRules::memory() {
  auto isPointer = [](const Type &type) {
    return type.isPointer() && type.dtype() != DType::String;
  };
  if (op_.kind() == OpKind::LoopScratch) {
    TRY(intAttr("count", 1));
    return outIsOne(isPointer, "a pointer");
  }
  int64_t p = op_.kind() == OpKind::LoopStore ? 1 : 0;
  TRY(inIsOne(p, isPointer, "a pointer"));
  if (op_.attrs.has("align"))
    TRY(intAttr("align", 1));
  if (op_.kind() == OpKind::LoopRetype)
    return outIsOne(isPointer, "a pointer");
  if (op_.kind() == OpKind::LoopGatherLoad) {
    TRY(outIsOne([](const Type &type) { return type.isVector(); }, "a vector"));
    if (in(1) != Type::vector(DType::I32, out().lanes()))
      TRY(inIs(1, Type::vector(DType::I64, out().lanes())));
    TRY(maskLike(2, out()));
    return outIs(0, Type::vector(in(0).dtype(), out().lanes()));
  }
  TRY(inIs(p + 1, Type::index()));
  if (op_.kind() == OpKind::LoopPrefetch)
    return {};
  if (op_.kind() == OpKind::LoopOffset)
    return outIs(0, in(0));
  const Type &moved = p ? in(0) : out();
  Type expected =
      moved.isVector() ? Type::vector(in(p).dtype(), moved.lanes()) : Type::scalar(in(p).dtype());
  TRY(is(p ? operandName(0) : resultName(0), moved, expected));
  return maskLike(p + 2, moved);
}

Result<void> CoreRules::forLoop() const {
  for (int64_t i = 0; i < 3; i++)
    TRY(inIs(i, Type::index()));
  std::vector<Type> carried = typesOf(op_.operands(), 3);
  TRY(regions(1, 1));
  TRY(region(0, with(Type::index(), carried), carried));
  return types("result", typesOf(op_.results()), carried);
}

Result<void> CoreRules::whileLoop() const {
  std::vector<Type> carried = typesOf(op_.operands());
  TRY(regions(2, 2));
  TRY(region(0, carried, with(Type::scalar(DType::Bool), carried)));
  TRY(region(1, carried, carried));
  return types("result", typesOf(op_.results()), carried);
}

/// The second region may be left out when there are no results.
Result<void> CoreRules::ifElse() const {
  TRY(inIs(0, Type::scalar(DType::Bool)));
  TRY(regions(op_.numResults() ? 2 : 1, 2));
  for (int64_t i = 0; i < op_.numRegions(); i++)
    TRY(region(i, {}, typesOf(op_.results())));
  return {};
}

Result<void> CoreRules::call() const {
  const Attr *attr = op_.attrs.find("callee");
  const std::string *name = attr ? std::get_if<std::string>(attr) : nullptr;
  const Func *callee = name ? module_.find(*name) : nullptr;
  if (!callee)
    return badInput(name ? "there is no function '@" + *name + "'"
                         : "expected a string attribute 'callee'");
  TRY(types("operand", typesOf(op_.operands()), typesOf(callee->body.args())));
  const Op *end = callee->body.terminator();
  return types("result", typesOf(op_.results()),
               end ? typesOf(end->operands()) : std::vector<Type>());
}

Result<void> CoreRules::control() {
  switch (op_.kind()) {
  case OpKind::LoopFor:
    return forLoop();
  case OpKind::LoopWhile:
    return whileLoop();
  case OpKind::LoopIf:
    return ifElse();
  case OpKind::LoopCall:
  case OpKind::TeamRun:
    return call();
  default: // yield and return: what they may carry is their parent's to say
    return {};
  }
}

Result<void> CoreRules::frame() {
  switch (op_.kind()) {
  case OpKind::FrameDim:
    TRY(intAttr("index", 0));
    return outIs(0, Type::index());
  case OpKind::FrameSetDim:
    TRY(intAttr("index", 0));
    return inIs(0, Type::index());
  case OpKind::FrameInput:
  case OpKind::FrameOutput:
  case OpKind::FrameBox:
    TRY(intAttr("index", 0));
    break;
  case OpKind::FrameReserve:
    TRY(intAttr("index", 0));
    TRY(intAttr("keep", 0));
    return inIs(0, Type::index());
  case OpKind::FrameCallSite:
    return intAttr("index", 0);
  case OpKind::FrameLeave:
    return {};
  default:
    break;
  }
  return outIsOne([](const Type &type) { return type.isPointer(); }, "a pointer");
}

Result<void> CoreRules::team() const {
  switch (op_.kind()) {
  case OpKind::TeamParallel:
    TRY(inIs(0, Type::index()));
    TRY(regions(1, 1));
    return region(0, {Type::index(), Type::index()}, {});
  case OpKind::TeamSingle:
    TRY(regions(1, 1));
    return region(0, {}, {});
  case OpKind::TeamThread:
  case OpKind::TeamThreads:
    return outIs(0, Type::index());
  case OpKind::TeamClock:
    return outIs(0, Type::scalar(DType::I64));
  case OpKind::TeamFail:
    TRY(intAttr("code", 0));
    for (int64_t i = 0; i < op_.numOperands(); i++)
      if (op_.operand(i))
        TRY(inIsOne(
            i, [](const Type &type) { return isInteger(type) && !type.isVector(); }, "an integer"));
    return {};
  default:
    return {};
  }
}

/// Ops that stand in the regions of kernel-level ops.
Result<void> CoreRules::inKernel() const {
  if (op_.kind() == OpKind::RegionCheckIndex) {
    TRY(inIsOne(
        0, [](const Type &type) { return isInteger(type) && !type.isVector(); }, "an integer"));
    TRY(inIs(1, Type::index()));
    return outIs(0, Type::index());
  }
  if (op_.kind() == OpKind::RegionSize) {
    const Attr *dim = op_.attrs.find("dim");
    const Dims *dims = dim ? std::get_if<Dims>(dim) : nullptr;
    if (!dims || dims->size() != 1)
      return badInput("expected one size as attribute 'dim'");
    return outIs(0, Type::index());
  }
  if (op_.kind() == OpKind::RegionRequire) {
    TRY(inIs(0, Type::scalar(DType::Bool)));
    return intAttr("code", 0);
  }
  const Op *kernel = op_.block()->parentOp();
  while (kernel && spec(kernel->kind()).level != Level::Kernel)
    kernel = kernel->block()->parentOp();
  if (!kernel)
    return badInput("expected it in a region of a kernel-level op");
  TRY(intAttr("operand", 0));
  int64_t number = op_.attrs.getInt("operand");
  const Value *read = kernel->operand(number);
  if (!read)
    return badInput("the kernel has no operand " + std::to_string(number));
  if (!read->type.isRanked() || read->type.rank() != op_.numOperands())
    return badInput("expected one index for each dim of " + read->type.str() + ", got " +
                    std::to_string(op_.numOperands()));
  for (int64_t i = 0; i < op_.numOperands(); i++)
    TRY(inIs(i, Type::index()));
  return outIs(0, Type::scalar(read->type.dtype()));
}

Result<void> CoreRules::run() {
  OpKind kind = op_.kind();
  auto within = [&](OpKind first, OpKind last) { return kind >= first && kind <= last; };
  // Which ops have regions is said by the cases that look at them.
  bool hasRegions = within(OpKind::LoopFor, OpKind::LoopIf) || kind == OpKind::TeamParallel ||
                    kind == OpKind::TeamSingle;
  if (!hasRegions)
    TRY(regions(0, 0));
  if (within(OpKind::ScalarConst, OpKind::ScalarSigmoid))
    return scalar();
  if (within(OpKind::RegionAt, OpKind::RegionRequire))
    return inKernel();
  if (within(OpKind::VectorSplat, OpKind::VectorExtract))
    return vector();
  if (kind == OpKind::IndexCheckedAdd || kind == OpKind::IndexCheckedMul) {
    TRY(inIs(0, Type::index()));
    TRY(inIs(1, Type::index()));
    TRY(outIs(0, Type::index()));
    return outIs(1, Type::scalar(DType::Bool));
  }
  if (within(OpKind::LoopLoad, OpKind::LoopPrefetch))
    return memory();
  if (within(OpKind::LoopFor, OpKind::LoopReturn) || kind == OpKind::TeamRun)
    return control();
  if (within(OpKind::FrameInput, OpKind::FrameLeave))
    return frame();
  return team();
}

} // namespace

Result<void> verifyCoreOp(const Module &module, const Op &op) {
  return CoreRules(module, op).run();
}

} // namespace cameo
