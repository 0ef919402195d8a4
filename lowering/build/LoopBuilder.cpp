// See LoopBuilder.h.
#include "lowering/build/LoopBuilder.h"

#include <algorithm>

namespace cameo {

Type sameLanes(const Type &type, DType dtype) {
  return type.isVector() ? Type::vector(dtype, type.lanes()) : Type::scalar(dtype);
}

int64_t internNode(TextTable &names, const Loc &loc) {
  return loc.nodes.empty() ? -1 : names.add(loc.str());
}

Value *LoopBuilder::index(int64_t value) {
  AttrDict attrs;
  attrs.set("value", value);
  return create(OpKind::ScalarConst, {}, {Type::index()}, std::move(attrs))->result();
}

Value *LoopBuilder::constant(const Type &type, double value) {
  if (!isFloat(type.dtype()))
    return constantInt(type, static_cast<int64_t>(value));
  AttrDict attrs;
  attrs.set("value", value);
  return create(OpKind::ScalarConst, {}, {type}, std::move(attrs))->result();
}

Value *LoopBuilder::constantInt(const Type &type, int64_t value) {
  if (isFloat(type.dtype()) && !type.isIndex())
    return constant(type, static_cast<double>(value));
  AttrDict attrs;
  attrs.set("value", value);
  return create(OpKind::ScalarConst, {}, {type}, std::move(attrs))->result();
}

Value *LoopBuilder::unary(OpKind kind, Value *a) { return create(kind, {a}, {a->type})->result(); }

std::optional<int64_t> LoopBuilder::constantIndex(Value *value) const {
  Op *op = value->definingOp();
  if (!op || op->kind() != OpKind::ScalarConst || !value->type.isIndex())
    return std::nullopt;
  return op->attrs.getInt("value");
}

/// The folded result of index arithmetic, or nullptr. Sizes are never negative here, and emitters
/// keep them far from the limits, so wrapping cannot be seen.
Value *LoopBuilder::foldIndex(OpKind kind, Value *a, Value *b) {
  std::optional<int64_t> x = constantIndex(a), y = constantIndex(b);
  bool add = kind == OpKind::ScalarAdd, mul = kind == OpKind::ScalarMul;
  if (x && y) {
    int64_t result = 0;
    if ((add && !__builtin_add_overflow(*x, *y, &result)) ||
        (mul && !__builtin_mul_overflow(*x, *y, &result)) ||
        (kind == OpKind::ScalarSub && !__builtin_sub_overflow(*x, *y, &result)))
      return index(result);
    if (kind == OpKind::ScalarDiv && *y > 0)
      return index(*x / *y);
    if (kind == OpKind::ScalarRem && *y > 0)
      return index(*x % *y);
    if (kind == OpKind::ScalarMin || kind == OpKind::ScalarMax)
      return index(kind == OpKind::ScalarMin ? std::min(*x, *y) : std::max(*x, *y));
    return nullptr;
  }
  if ((add && y == 0) || (kind == OpKind::ScalarSub && y == 0) || (mul && y == 1) ||
      (kind == OpKind::ScalarDiv && y == 1))
    return a;
  if ((add && x == 0) || (mul && x == 1))
    return b;
  if (mul && (x == 0 || y == 0))
    return index(0);
  return nullptr;
}

Value *LoopBuilder::binary(OpKind kind, Value *a, Value *b) {
  if (a->type.isIndex())
    if (Value *folded = foldIndex(kind, a, b))
      return folded;
  return create(kind, {a, b}, {a->type})->result();
}

Value *LoopBuilder::mad(Value *a, Value *b, Value *c) {
  return create(OpKind::ScalarMad, {a, b, c}, {a->type})->result();
}

Value *LoopBuilder::cmp(const std::string &pred, Value *a, Value *b) {
  AttrDict attrs;
  attrs.set("pred", pred);
  return create(OpKind::ScalarCmp, {a, b}, {sameLanes(a->type, DType::Bool)}, std::move(attrs))
      ->result();
}

Value *LoopBuilder::select(Value *condition, Value *a, Value *b) {
  return create(OpKind::ScalarSelect, {condition, a, b}, {a->type})->result();
}

Value *LoopBuilder::cast(Value *a, DType dtype) {
  if (a->type.dtype() == dtype && !a->type.isIndex())
    return a;
  return create(OpKind::ScalarCast, {a}, {sameLanes(a->type, dtype)})->result();
}

Value *LoopBuilder::castForDot(Value *a) {
  Value *rounded = cast(a, DType::BF16);
  rounded->definingOp()->attrs.set("flush", int64_t{1});
  return rounded;
}

Value *LoopBuilder::toIndex(Value *a) {
  if (a->type.isIndex())
    return a;
  return create(OpKind::ScalarCast, {a}, {Type::index()})->result();
}

Value *LoopBuilder::bitcast(Value *a, const Type &type) {
  return a->type == type ? a : create(OpKind::ScalarBitcast, {a}, {type})->result();
}

Value *LoopBuilder::dot(Value *sum, Value *a, Value *b) {
  return create(OpKind::VectorDot, {sum, a, b}, {sum->type})->result();
}

Value *LoopBuilder::matrixDot(Value *sum, Value *a, Value *b) {
  return create(OpKind::VectorMatrixDot, {sum, a, b}, {sum->type})->result();
}

Value *LoopBuilder::splat(Value *scalar, int64_t lanes) {
  if (lanes == 1)
    return scalar;
  return create(OpKind::VectorSplat, {scalar}, {Type::vector(scalar->type.dtype(), lanes)})
      ->result();
}

Value *LoopBuilder::laneMask(Value *count, int64_t lanes) {
  if (lanes == 1)
    return cmp("gt", count, index(0));
  return create(OpKind::VectorMask, {count}, {Type::vector(DType::Bool, lanes)})->result();
}

Value *LoopBuilder::shuffle(Value *a, Value *b, const std::vector<int64_t> &lanes) {
  AttrDict attrs;
  attrs.set("lanes", lanes);
  Type type = Type::vector(a->type.dtype(), std::ssize(lanes));
  return create(OpKind::VectorShuffle, {a, b}, {type}, std::move(attrs))->result();
}

Value *LoopBuilder::reduceLanes(Value *vector, const std::string &op) {
  if (!vector->type.isVector())
    return vector;
  AttrDict attrs;
  attrs.set("op", op);
  return create(OpKind::VectorReduce, {vector}, {Type::scalar(vector->type.dtype())},
                std::move(attrs))
      ->result();
}

Value *LoopBuilder::load(Value *pointer, Value *at, int64_t lanes, Value *mask) {
  DType dtype = pointer->type.dtype();
  Type type = lanes == 1 ? Type::scalar(dtype) : Type::vector(dtype, lanes);
  Values operands = {pointer, at};
  if (mask)
    operands.push_back(mask);
  return create(OpKind::LoopLoad, operands, {type})->result();
}

Value *LoopBuilder::stridedLoad(Value *pointer, Value *at, Value *stride, int64_t lanes,
                                Value *mask) {
  if (lanes == 1 || constantIndex(stride) == 1)
    return load(pointer, at, lanes, mask);
  Value *lane = create(OpKind::VectorIota, {}, {Type::vector(DType::I64, lanes)})->result();
  Values operands = {offset(pointer, at), mul(lane, splat(cast(stride, DType::I64), lanes))};
  if (mask)
    operands.push_back(mask);
  Type type = Type::vector(pointer->type.dtype(), lanes);
  return create(OpKind::LoopGatherLoad, operands, {type})->result();
}

void LoopBuilder::store(Value *value, Value *pointer, Value *at, Value *mask) {
  Values operands = {value, pointer, at};
  if (mask)
    operands.push_back(mask);
  create(OpKind::LoopStore, operands, {});
}

void LoopBuilder::prefetch(Value *pointer, Value *at, int64_t level) {
  AttrDict attrs;
  attrs.set("level", level);
  create(OpKind::LoopPrefetch, {pointer, at}, {}, std::move(attrs));
}

void LoopBuilder::tileConfigure(const std::vector<int64_t> &rows,
                                const std::vector<int64_t> &bytes) {
  AttrDict attrs;
  attrs.set("rows", rows);
  attrs.set("bytes", bytes);
  create(OpKind::TileConfigure, {}, {}, std::move(attrs));
}

static AttrDict tileNumber(int64_t tile) {
  AttrDict attrs;
  attrs.set("tile", tile);
  return attrs;
}

void LoopBuilder::tileZero(int64_t tile) { create(OpKind::TileZero, {}, {}, tileNumber(tile)); }

void LoopBuilder::tileLoad(int64_t tile, Value *pointer, Value *at, Value *stride) {
  create(OpKind::TileLoad, {pointer, at, stride}, {}, tileNumber(tile));
}

void LoopBuilder::tileStore(int64_t tile, Value *pointer, Value *at, Value *stride) {
  create(OpKind::TileStore, {pointer, at, stride}, {}, tileNumber(tile));
}

void LoopBuilder::tileDot(int64_t sum, int64_t a, DType aType, int64_t b, DType bType) {
  AttrDict attrs;
  attrs.set("sum", sum);
  attrs.set("a", a);
  attrs.set("b", b);
  attrs.set("a_type", std::string(dtypeName(aType)));
  attrs.set("b_type", std::string(dtypeName(bType)));
  create(OpKind::TileDot, {}, {}, std::move(attrs));
}

void LoopBuilder::tileRelease() { create(OpKind::TileRelease, {}, {}); }

Value *LoopBuilder::offset(Value *pointer, Value *by) {
  if (constantIndex(by) == 0)
    return pointer;
  return create(OpKind::LoopOffset, {pointer, by}, {pointer->type})->result();
}

Value *LoopBuilder::retype(Value *pointer, DType dtype) {
  if (pointer->type.dtype() == dtype)
    return pointer;
  return create(OpKind::LoopRetype, {pointer}, {Type::pointer(dtype)})->result();
}

Value *LoopBuilder::scratch(DType dtype, int64_t count) {
  AttrDict attrs;
  attrs.set("count", count);
  return create(OpKind::LoopScratch, {}, {Type::pointer(dtype)}, std::move(attrs))->result();
}

LoopBuilder::Values
LoopBuilder::forLoop(Value *lower, Value *upper, int64_t step, const Values &init,
                     const std::function<Values(Value *, const Values &)> &body) {
  Values operands = {lower, upper, index(step)};
  std::vector<Type> types;
  for (Value *value : init) {
    operands.push_back(value);
    types.push_back(value->type);
  }
  Op *loop = create(OpKind::LoopFor, operands, types, {}, 1);
  Block &block = loop->region();
  Value *induction = block.addArg(Type::index());
  Values carried;
  for (const Type &type : types)
    carried.push_back(block.addArg(type));
  atEnd(block);
  create(OpKind::LoopYield, body(induction, carried), {});
  after(loop);
  Values results;
  for (const std::unique_ptr<Value> &result : loop->results())
    results.push_back(result.get());
  return results;
}

void LoopBuilder::forLoop(Value *lower, Value *upper, int64_t step,
                          const std::function<void(Value *)> &body) {
  forLoop(lower, upper, step, {}, [&](Value *induction, const Values &) {
    body(induction);
    return Values{};
  });
}

LoopBuilder::Values LoopBuilder::whileLoop(const Values &init,
                                           const std::function<Value *(const Values &)> &condition,
                                           const std::function<Values(const Values &)> &body) {
  std::vector<Type> types;
  for (Value *value : init)
    types.push_back(value->type);
  Op *loop = create(OpKind::LoopWhile, init, types, {}, 2);
  auto carriedBy = [&](Block &block) {
    Values carried;
    for (const Type &type : types)
      carried.push_back(block.addArg(type));
    atEnd(block);
    return carried;
  };
  Values now = carriedBy(loop->region(0)), yielded = {condition(now)};
  yielded.insert(yielded.end(), now.begin(), now.end());
  create(OpKind::LoopYield, yielded, {});
  now = carriedBy(loop->region(1));
  create(OpKind::LoopYield, body(now), {});
  after(loop);
  Values results;
  for (const std::unique_ptr<Value> &result : loop->results())
    results.push_back(result.get());
  return results;
}

LoopBuilder::Values LoopBuilder::ifElse(Value *condition, const std::vector<Type> &types,
                                        const std::function<Values()> &then,
                                        const std::function<Values()> &otherwise) {
  Op *branch = create(OpKind::LoopIf, {condition}, types, {}, 2);
  atEnd(branch->region(0));
  create(OpKind::LoopYield, then(), {});
  atEnd(branch->region(1));
  create(OpKind::LoopYield, otherwise(), {});
  after(branch);
  Values results;
  for (const std::unique_ptr<Value> &result : branch->results())
    results.push_back(result.get());
  return results;
}

void LoopBuilder::ifElse(Value *condition, const std::function<void()> &then,
                         const std::function<void()> &otherwise) {
  auto withoutResults = [](const std::function<void()> &write) {
    return [&write] {
      write();
      return Values{};
    };
  };
  ifElse(condition, {}, withoutResults(then), withoutResults(otherwise));
}

void LoopBuilder::ifThen(Value *condition, const std::function<void()> &then) {
  ifElse(condition, then, [] {});
}

void LoopBuilder::parallel(Value *units, const std::function<void(Value *, Value *)> &body) {
  Op *op = create(OpKind::TeamParallel, {units}, {}, {}, 1);
  Value *begin = op->region().addArg(Type::index());
  Value *end = op->region().addArg(Type::index());
  atEnd(op->region());
  body(begin, end);
  create(OpKind::LoopYield, {}, {});
  after(op);
}

void LoopBuilder::call(const std::string &callee, const Values &args) {
  AttrDict attrs;
  attrs.set("callee", callee);
  create(OpKind::LoopCall, args, {}, std::move(attrs));
}

void LoopBuilder::ret(const Values &values) { create(OpKind::LoopReturn, values, {}); }

} // namespace cameo
