// See RunTimeShapes.h. A rule for each operator: the sizes of its results, in the words of ONNX's
// operator pages.
#include "lowering/select/RunTimeShapes.h"

#include "ir/infer/Infer.h"
#include "ir/kernel/RunTime.h"
#include "lowering/build/Shapes.h"
#include "runtime/abi.h"

#include <algorithm>
#include <unordered_map>

namespace cameo {

namespace {

/// The sizes of one result, one i64 a dim; nullptr where the type says it.
using Sizes = std::vector<Value *>;
/// The sizes of the first results; empty if there is no telling.
using SizesFn = std::vector<Sizes> (*)(OperandReader &);

constexpr int64_t kMostPadding = int64_t{1} << 40;
constexpr double kLargestImage = 1e15; // of one axis

Value *isZero(OperandReader &r, Value *x) { return r.b.cmp("eq", x, r.number(0)); }

std::vector<Sizes> reshapeSizes(OperandReader &r) {
  LoopBuilder &b = r.b;
  const Type &x = r.s.in(0);
  bool allowZero = r.s.op.attrs.getInt("allowzero") != 0;
  Value *total = r.number(1), *others = total, *one = total, *minus = r.number(-1);
  for (const Dim &dim : x.shape())
    total = b.mul(total, r.size(dim));
  Sizes given;
  for (int64_t i = 0; i < *r.length(1); i++) {
    Value *size = r.element(1, i);
    if (!allowZero && i < x.rank())
      size = b.select(isZero(r, size), r.size(x.dim(i)), size);
    given.push_back(size);
    others = b.mul(others, b.select(b.cmp("eq", size, minus), one, size));
  }
  Sizes sizes;
  Value *product = one;
  for (Value *size : given) {
    sizes.push_back(b.select(b.cmp("eq", size, minus), b.div(total, others), size));
    product = b.mul(product, sizes.back());
  }
  require(r.b, b.cmp("eq", product, total), CAMEO_FAULT_RESHAPE, total, product);
  return {sizes};
}

std::vector<Sizes> expandSizes(OperandReader &r) {
  LoopBuilder &b = r.b;
  const Type &x = r.s.in(0);
  int64_t rank = r.s.out().rank(), length = *r.length(1);
  Sizes sizes;
  Value *one = r.number(1);
  for (int64_t i = 0; i < rank; i++) {
    int64_t own = i - (rank - x.rank()), wanted = i - (rank - length);
    Value *a = own < 0 ? one : r.size(x.dim(own));
    Value *given = wanted < 0 ? one : r.element(1, wanted);
    Value *isOne = b.cmp("eq", a, one);
    Value *fits = b.binary(OpKind::ScalarOr, b.cmp("eq", given, one), b.cmp("eq", a, given));
    require(r.b, b.binary(OpKind::ScalarOr, isOne, fits), CAMEO_FAULT_NO_BROADCAST, a, given);
    sizes.push_back(b.select(isOne, given, a));
  }
  return {sizes};
}

/// The elements of an operand.
std::vector<Sizes> listed(OperandReader &r, int64_t operand) {
  Sizes sizes;
  for (int64_t i = 0; i < *r.length(operand); i++)
    sizes.push_back(r.element(operand, i));
  return {sizes};
}

std::vector<Sizes> listSizes(OperandReader &r) { return listed(r, 0); }

std::vector<Sizes> tileSizes(OperandReader &r) {
  Sizes sizes;
  for (int64_t i = 0; i < r.s.in(0).rank(); i++) {
    Value *size = r.size(r.s.in(0).dim(i)), *repeats = r.element(1, i);
    Value *most = r.b.div(r.number(INT64_MAX), r.b.max(size, r.number(1)));
    r.requireBetween(r.number(0), repeats, most);
    sizes.push_back(r.b.mul(size, repeats));
  }
  return {sizes};
}

/// max(ceil((limit - start) / delta), 0). Of integers without sign, which hold any distance of two
/// with one.
std::vector<Sizes> rangeSizes(OperandReader &r) {
  LoopBuilder &b = r.b;
  if (isFloat(r.s.in(0).dtype())) {
    auto real = [&](int64_t i) { return b.cast(r.raw(i, 0), DType::F64); };
    Value *delta = real(2), *zero = b.constant(delta->type, 0);
    require(r.b, b.cmp("ne", delta, zero), CAMEO_FAULT_ZERO_STEP);
    Value *length = b.unary(OpKind::ScalarCeil, b.div(b.sub(real(1), real(0)), delta));
    // NaN is not below either.
    require(b, b.cmp("lt", length, b.constant(length->type, 0x1p62)), CAMEO_FAULT_SIZES);
    return {{b.max(b.cast(length, DType::I64), r.number(0))}};
  }
  Value *delta = r.element(2, 0), *zero = r.number(0);
  require(r.b, b.cmp("ne", delta, zero), CAMEO_FAULT_ZERO_STEP);
  Value *start = r.element(0, 0), *limit = r.element(1, 0);
  auto natural = [&](Value *value) { return b.cast(value, DType::U64); };
  Value *up = b.cmp("gt", delta, zero), *one = natural(r.number(1));
  Value *first = b.select(up, start, limit), *last = b.select(up, limit, start);
  Value *step = natural(b.unary(OpKind::ScalarAbs, delta));
  Value *count = b.add(b.div(b.sub(natural(b.sub(last, first)), one), step), one);
  return {{b.select(b.cmp("lt", first, last), b.cast(count, DType::I64), zero)}};
}

std::vector<Sizes> sliceSizes(OperandReader &r) {
  r.requireAxes(3, r.s.in(0).rank());
  Sizes sizes;
  for (int64_t i = 0; i < r.s.in(0).rank(); i++) {
    if (!isSliced(r, i)) {
      sizes.push_back(nullptr);
      continue;
    }
    SliceBounds bounds = sliceBounds(r, i);
    require(r.b, r.b.cmp("ne", bounds.step, r.number(0)), CAMEO_FAULT_ZERO_STEP);
    sizes.push_back(bounds.count);
  }
  return {sizes};
}

std::vector<Sizes> topKSizes(OperandReader &r) {
  LoopBuilder &b = r.b;
  const Type &x = r.s.in(0);
  int64_t axis = *normalizeAxis(r.s.op.attrs.getInt("axis"), x.rank());
  Sizes sizes(x.rank());
  Value *count = r.element(1, 0), *whole = r.size(x.dim(axis));
  require(r.b, b.cmp("le", count, whole), CAMEO_FAULT_VALUE, count, whole);
  sizes[axis] = count;
  return {sizes, sizes};
}

std::vector<Sizes> oneHotSizes(OperandReader &r) {
  int64_t axis = *normalizeAxis(r.s.op.attrs.getInt("axis"), r.s.out().rank());
  Sizes sizes(r.s.out().rank());
  sizes[axis] = r.element(1, 0);
  return {sizes};
}

std::vector<Sizes> splitSizes(OperandReader &r) {
  LoopBuilder &b = r.b;
  const Type &x = r.s.in(0);
  int64_t axis = *normalizeAxis(r.s.op.attrs.getInt("axis"), x.rank());
  std::vector<Sizes> all;
  Value *sum = r.number(0), *whole = r.size(x.dim(axis));
  for (int64_t i = 0; i < r.s.op.numResults(); i++) {
    Sizes sizes(x.rank());
    sizes[axis] = r.element(1, i);
    r.requireBetween(r.number(0), sizes[axis], whole);
    sum = b.add(sum, sizes[axis]);
    all.push_back(sizes);
  }
  require(r.b, b.cmp("eq", sum, whole), CAMEO_FAULT_SPLIT, sum, whole);
  return all;
}

std::vector<Sizes> padSizes(OperandReader &r) {
  r.requireAxes(3, r.s.in(0).rank());
  Sizes sizes;
  for (int64_t d = 0; d < r.s.in(0).rank(); d++) {
    Value *size = r.size(r.s.in(0).dim(d));
    for (bool after : {false, true}) {
      Value *amount = padAmount(r, d, after);
      // As far as sums of two and a size do not wrap.
      r.requireBetween(r.number(-kMostPadding), amount, r.number(kMostPadding));
      size = r.b.add(size, amount);
    }
    sizes.push_back(size);
  }
  return {sizes};
}

std::vector<Sizes> unsqueezeSizes(OperandReader &r) {
  LoopBuilder &b = r.b;
  int64_t rank = r.s.out().rank();
  r.requireAxes(1, rank);
  Sizes sizes;
  Value *next = r.number(0);
  for (int64_t d = 0; d < rank; d++) {
    Value *isNew = b.constantInt(Type::scalar(DType::Bool), 0), *size = r.number(1);
    for (int64_t i = 0; i < *r.length(1); i++) {
      Value *axis = r.axis(r.element(1, i), rank);
      isNew = b.binary(OpKind::ScalarOr, isNew, b.cmp("eq", axis, r.number(d)));
    }
    for (int64_t k = 0; k < r.s.in(0).rank(); k++)
      size = b.select(b.cmp("eq", next, r.number(k)), r.size(r.s.in(0).dim(k)), size);
    sizes.push_back(b.select(isNew, r.number(1), size));
    next = b.select(isNew, next, b.add(next, r.number(1)));
  }
  require(r.b, b.cmp("eq", next, r.number(r.s.in(0).rank())), CAMEO_FAULT_AXIS, r.element(1, 0),
          r.number(rank));
  return {sizes};
}

std::vector<Sizes> squeezeSizes(OperandReader &r) {
  LoopBuilder &b = r.b;
  const Type &x = r.s.in(0);
  r.requireAxes(1, x.rank());
  Sizes sizes(r.s.out().rank(), r.number(1));
  Value *next = r.number(0);
  for (int64_t d = 0; d < x.rank(); d++) {
    Value *goes = b.constantInt(Type::scalar(DType::Bool), 0), *size = r.size(x.dim(d));
    for (int64_t i = 0; i < *r.length(1); i++) {
      Value *axis = r.axis(r.element(1, i), x.rank());
      goes = b.binary(OpKind::ScalarOr, goes, b.cmp("eq", axis, r.number(d)));
    }
    Value *isOne = b.cmp("eq", size, r.number(1));
    Value *stays = b.unary(OpKind::ScalarNot, goes);
    require(r.b, b.binary(OpKind::ScalarOr, stays, isOne), CAMEO_FAULT_DIMS_DIFFER, size,
            r.number(1));
    for (size_t k = 0; k < sizes.size(); k++) {
      Value *here = b.cmp("eq", next, r.number(static_cast<int64_t>(k)));
      sizes[k] = b.select(b.binary(OpKind::ScalarAnd, stays, here), size, sizes[k]);
    }
    next = b.add(next, b.select(stays, r.number(1), r.number(0)));
  }
  require(r.b, b.cmp("eq", next, r.number(r.s.out().rank())), CAMEO_FAULT_AXIS, r.element(1, 0),
          r.number(x.rank()));
  return {sizes};
}

std::vector<Sizes> cropSizes(OperandReader &r) {
  int64_t rank = r.s.in(0).rank();
  Sizes sizes(rank);
  std::vector<int64_t> axes = r.s.op.attrs.getInts("axes");
  for (int64_t i = 0; i < *r.length(1); i++)
    sizes[r.s.op.attrs.has("axes") ? *normalizeAxis(axes[i], rank) : i] = r.element(1, i);
  return {sizes};
}

/// floor(size * scale) in 32 bits, where scale may be that of a region to crop; or sizes that keep
/// the ratio of the axes, rounded half up.
std::vector<Sizes> resizeSizes(OperandReader &r) {
  LoopBuilder &b = r.b;
  const Type &x = r.s.in(0);
  std::vector<int64_t> axes = r.s.op.attrs.getInts("axes");
  if (!r.s.op.attrs.has("axes"))
    for (int64_t i = 0; i < x.rank(); i++)
      axes.push_back(i);
  int64_t count = static_cast<int64_t>(axes.size());
  bool crop = r.s.op.attrs.getString("coordinate_transformation_mode") == "tf_crop_and_resize";
  std::string policy = r.s.op.attrs.getString("keep_aspect_ratio_policy", "stretch");
  Sizes sizes(x.rank());
  auto real = [&](Value *value, DType dtype) { return b.cast(value, dtype); };
  Value *ratio = nullptr;
  for (int64_t i = 0; i < count; i++) {
    int64_t axis = *normalizeAxis(axes[i], x.rank());
    Value *size = r.size(x.dim(axis));
    if (isGiven(r.s.op.operand(2))) {
      Value *scale = real(r.raw(2, i), DType::F32), *zero = b.constant(scale->type, 0);
      Value *isPositive = b.cmp("gt", scale, zero);
      if (crop)
        scale = b.mul(b.sub(real(r.raw(1, i + count), DType::F32), real(r.raw(1, i), DType::F32)),
                      scale);
      Value *scaled = b.unary(OpKind::ScalarFloor, b.mul(real(size, DType::F32), scale));
      // NaN is neither.
      Value *fits = both(b, b.cmp("ge", scaled, zero),
                         b.cmp("lt", scaled, b.constant(scaled->type, kLargestImage)));
      require(b, both(b, isPositive, fits), CAMEO_FAULT_SCALE, r.number(i));
      sizes[axis] = b.cast(scaled, DType::I64);
      continue;
    }
    sizes[axis] = r.element(3, i);
    Value *fits = b.binary(OpKind::ScalarOr, b.cmp("gt", size, r.number(0)),
                           b.cmp("eq", sizes[axis], r.number(0)));
    require(b, fits, CAMEO_FAULT_NO_ELEMENTS, size);
    Value *own = b.div(real(sizes[axis], DType::F64), real(size, DType::F64));
    ratio = !ratio ? own : policy == "not_larger" ? b.min(ratio, own) : b.max(ratio, own);
  }
  for (int64_t axis : axes) {
    if (isGiven(r.s.op.operand(2)) || policy == "stretch")
      break;
    axis = *normalizeAxis(axis, x.rank());
    Value *exact = b.mul(ratio, real(r.size(x.dim(axis)), DType::F64));
    Value *rounded = b.unary(OpKind::ScalarFloor, b.add(exact, b.constant(exact->type, 0.5)));
    sizes[axis] = b.cast(rounded, DType::I64);
  }
  return {sizes};
}

std::vector<Sizes> unpoolSizes(OperandReader &r) { return listed(r, 2); }

/// [batch, image..., coordinates] of an image [batch, channels, image...].
std::vector<Sizes> gridSizes(OperandReader &r) {
  Sizes sizes = {r.element(1, 0)};
  for (int64_t i = 2; i < *r.length(1); i++)
    sizes.push_back(r.element(1, i));
  sizes.push_back(nullptr);
  Value *batch = r.size(r.s.in(0).dim(0));
  require(r.b, r.b.cmp("eq", sizes[0], batch), CAMEO_FAULT_DIMS_DIFFER, sizes[0], batch);
  return {sizes};
}

/// For sums that inference gave up on.
std::vector<Sizes> concatSizes(OperandReader &r) {
  int64_t rank = r.s.out().rank(), axis = *normalizeAxis(r.s.op.attrs.getInt("axis"), rank);
  Sizes sizes(rank);
  sizes[axis] = r.number(0);
  for (const Value *operand : r.s.op.operands())
    sizes[axis] = r.b.add(sizes[axis], r.size(operand->type.dim(axis)));
  return {sizes};
}

/// A rule, and the lists that it reads.
struct SizesRule {
  SizesFn sizes;
  std::vector<int64_t> lists;
};

const SizesRule *sizesOf(OpKind kind) {
  static const std::unordered_map<OpKind, SizesRule> table = {
      {OpKind::Reshape, {reshapeSizes, {1}}},
      {OpKind::Expand, {expandSizes, {1}}},
      {OpKind::ConstantOfShape, {listSizes, {0}}},
      {OpKind::Tile, {tileSizes, {1}}},
      {OpKind::Range, {rangeSizes, {0, 1, 2}}},
      {OpKind::Slice, {sliceSizes, {1, 2, 3, 4}}},
      {OpKind::TopK, {topKSizes, {1}}},
      {OpKind::OneHot, {oneHotSizes, {1}}},
      {OpKind::Split, {splitSizes, {1}}},
      {OpKind::Pad, {padSizes, {1, 3}}},
      {OpKind::Unsqueeze, {unsqueezeSizes, {1}}},
      {OpKind::Squeeze, {squeezeSizes, {1}}},
      {OpKind::CenterCropPad, {cropSizes, {1}}},
      {OpKind::Resize, {resizeSizes, {2, 3}}},
      {OpKind::MaxUnpool, {unpoolSizes, {2}}},
      {OpKind::AffineGrid, {gridSizes, {1}}},
      {OpKind::HannWindow, {listSizes, {0}}},
      {OpKind::HammingWindow, {listSizes, {0}}},
      {OpKind::BlackmanWindow, {listSizes, {0}}},
      {OpKind::Concat, {concatSizes, {}}},
  };
  auto found = table.find(kind);
  return found == table.end() ? nullptr : &found->second;
}

/// The symbol that a size of a result still lacks: the size itself, or the larger of it and another
/// size with which it broadcasts.
std::optional<std::string> missingSymbol(const Dim &dim, const std::vector<std::string> &bound) {
  std::vector<std::string> symbols = missingSymbols(dim, bound);
  return symbols.size() == 1 ? std::optional(symbols.front()) : std::nullopt;
}

/// Whether operands are numbers, or lists to be read one by one: of a known length, or with at most
/// one entry an axis. Absent ones are not read.
bool areReadable(Selection &s, const std::vector<int64_t> &lists) {
  bool isOfAxes = s.op.kind() == OpKind::Slice || s.op.kind() == OpKind::Pad;
  OperandReader reader(s);
  return std::all_of(lists.begin(), lists.end(), [&](int64_t i) {
    if (i >= s.op.numOperands() || !s.op.operand(i))
      return true;
    return s.in(i).rank() > 1 ? reader.length(i) == 1 : isOfAxes || reader.length(i);
  });
}

/// The dim that entry i of a list means, unless only the run knows.
std::optional<int64_t> namedAxis(const OperandReader &r, int64_t axes, int64_t i) {
  Value *operand = r.s.op.operand(axes);
  if (!operand)
    return i;
  std::optional<std::vector<int64_t>> known = constantInts(operand);
  return known ? normalizeAxis((*known)[static_cast<size_t>(i)], r.s.in(0).rank()) : std::nullopt;
}

} // namespace

void writeSizes(LoopBuilder &b, const std::function<void(SymbolValues &)> &write) {
  Op *sizes = b.create(OpKind::KernelSizes, {}, {}, {}, 1);
  b.atEnd(sizes->region());
  SymbolValues written;
  write(written);
  b.create(OpKind::LoopYield, written.values, {});
  b.after(sizes);
  sizes->setOperands(std::move(written.operands));
  sizes->attrs = dictOf(SizesAttrs{std::move(written.symbols)});
}

void generateReading(Selection &s, const ReadingElementFn &write) {
  OperandReader reader(s);
  reader.position(0);
  Value *result =
      generated(s, reader.operands, s.out(), [&](LoopBuilder &, const std::vector<Value *> &index) {
        return write(reader, index);
      });
  result->definingOp()->setOperands(reader.operands);
  s.replaceWithValue(result);
}

Value *ofAxis(OperandReader &r, int64_t axes, int64_t i, int64_t dim,
              const std::function<Value *()> &given, Value *otherwise) {
  std::optional<int64_t> named = namedAxis(r, axes, i);
  if (named && *named != dim)
    return otherwise;
  Value *condition = r.isThere(r.s.op.operand(axes) ? axes : 1, i);
  if (!named) {
    Value *axis = r.axis(r.element(axes, i), r.s.in(0).rank());
    condition = both(r.b, condition, r.b.cmp("eq", axis, r.number(dim)));
  }
  return condition ? r.b.select(condition, given(), otherwise) : given();
}

Value *padAmount(OperandReader &r, int64_t dim, bool after) {
  std::optional<int64_t> length = r.length(1);
  int64_t count = length ? *length / 2 : r.entries(3);
  Value *amount = r.number(0);
  for (int64_t i = 0; i < count; i++) {
    auto given = [&] {
      if (length)
        return r.element(1, after ? count + i : i);
      Value *skip = after ? sizeValue(r.b, r.s.in(3).dim(0)) : r.b.index(0);
      return r.elementAt(1, r.b.add(skip, r.b.index(i)));
    };
    amount = ofAxis(r, 3, i, dim, given, amount);
  }
  return amount;
}

bool isSliced(const OperandReader &r, int64_t dim) {
  for (int64_t i = 0; i < r.entries(1); i++)
    if (namedAxis(r, 3, i).value_or(dim) == dim)
      return true;
  return false;
}

SliceBounds sliceBounds(OperandReader &r, int64_t dim) {
  LoopBuilder &b = r.b;
  Value *size = r.size(r.s.in(0).dim(dim)), *zero = r.number(0), *one = r.number(1);
  Value *start = zero, *end = size, *step = one;
  for (int64_t i = 0; i < r.entries(1); i++) {
    start = ofAxis(r, 3, i, dim, [&] { return r.element(1, i); }, start);
    end = ofAxis(r, 3, i, dim, [&] { return r.element(2, i); }, end);
    if (r.s.op.operand(4))
      step = ofAxis(r, 3, i, dim, [&] { return r.element(4, i); }, step);
  }
  auto fromBegin = [&](Value *at) { return b.select(b.cmp("lt", at, zero), b.add(at, size), at); };
  auto clamp = [&](Value *at, Value *low, Value *high) { return b.max(b.min(at, high), low); };
  Value *back = b.cmp("lt", step, zero), *last = b.sub(size, one), *minus = r.number(-1);
  start = fromBegin(start), end = fromBegin(end);
  // Backwards at least the first element is taken, if there is one: `last` may be -1.
  start = b.select(back, b.min(b.max(start, zero), last), clamp(start, zero, size));
  end = b.select(back, clamp(end, minus, last), clamp(end, zero, size));
  // ceil((end - start) / step) where that is positive.
  Value *distance = b.select(back, b.sub(start, end), b.sub(end, start));
  Value *length = b.select(back, b.unary(OpKind::ScalarNeg, step), step);
  Value *any = b.cmp("gt", distance, zero);
  Value *count = b.add(b.div(b.sub(distance, one), length), one);
  return {start, step, b.select(any, count, zero)};
}

Result<void> defineSizes(Selection &s, std::vector<std::string> &bound) {
  const SizesRule *rule = sizesOf(s.op.kind());
  bool isMissing = false;
  for (const std::unique_ptr<Value> &result : s.op.results())
    if (result->type.isRanked())
      for (const Dim &dim : result->type.shape())
        isMissing = isMissing || missingSymbol(dim, bound);
  if (!rule || !isMissing || !areReadable(s, rule->lists))
    return {};
  writeSizes(s.b, [&](SymbolValues &to) {
    OperandReader reader(s);
    std::vector<Sizes> sizes = rule->sizes(reader);
    for (size_t r = 0; r < sizes.size() && r < static_cast<size_t>(s.op.numResults()); r++)
      for (size_t d = 0; d < sizes[r].size(); d++) {
        std::optional<std::string> symbol =
            missingSymbol(s.out(static_cast<int64_t>(r)).dim(static_cast<int64_t>(d)), bound);
        if (!symbol || !sizes[r][d])
          continue;
        bound.push_back(*symbol);
        to.symbols.push_back(*symbol);
        Value *zero = reader.number(0);
        require(s.b, s.b.cmp("ge", sizes[r][d], zero), CAMEO_FAULT_NEGATIVE_SIZE, zero,
                sizes[r][d]);
        to.values.push_back(s.b.toIndex(sizes[r][d]));
      }
    to.operands = reader.operands;
  });
  return {};
}

} // namespace cameo
