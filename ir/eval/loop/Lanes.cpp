// See Lanes.h. Each op is a formula in the wide types of Elements.h; what it gives is rounded once,
// or wraps, when it is stored.
#include "ir/eval/loop/Lanes.h"

#include "ir/OpSpec.h"
#include "ir/eval/graph/Arithmetic.h"
#include "ir/eval/graph/Elements.h"

#include <cstring>
#include <utility>

namespace cameo::eval {
namespace {

template <class W> W get(const Lanes &from, int64_t lane) {
  return withStorage(from.dtype, [&]<class T>() {
    return widen<W>(readAs<T>(from.data + lane * static_cast<int64_t>(sizeof(T))));
  });
}

template <class W> void put(const Lanes &to, int64_t lane, W value) {
  withStorage(to.dtype, [&]<class T>() {
    writeAs(to.data + lane * static_cast<int64_t>(sizeof(T)), narrow<T>(value));
  });
}

void copyLane(const Lanes &to, int64_t lane, const Lanes &from, int64_t fromLane) {
  int64_t bytes = dtypeBytes(to.dtype);
  std::memcpy(to.data + lane * bytes, from.data + fromLane * bytes, bytes);
}

double unaryReal(OpKind kind, double x) {
  switch (kind) {
  case OpKind::ScalarNeg:
    return -x;
  case OpKind::ScalarAbs:
    return std::fabs(x);
  case OpKind::ScalarFloor:
    return std::floor(x);
  case OpKind::ScalarCeil:
    return std::ceil(x);
  case OpKind::ScalarRound:
    return std::nearbyint(x);
  case OpKind::ScalarTrunc:
    return std::trunc(x);
  case OpKind::ScalarSigmoid:
    return sigmoid(x);
#define FUNCTION(kind, name)                                                                       \
  case OpKind::kind:                                                                               \
    return std::name(x);
    FUNCTION(ScalarSqrt, sqrt)
    FUNCTION(ScalarExp, exp)
    FUNCTION(ScalarLog, log)
    FUNCTION(ScalarSin, sin)
    FUNCTION(ScalarCos, cos)
    FUNCTION(ScalarTan, tan)
    FUNCTION(ScalarAsin, asin)
    FUNCTION(ScalarAcos, acos)
    FUNCTION(ScalarAtan, atan)
    FUNCTION(ScalarSinh, sinh)
    FUNCTION(ScalarCosh, cosh)
    FUNCTION(ScalarTanh, tanh)
    FUNCTION(ScalarAsinh, asinh)
    FUNCTION(ScalarAcosh, acosh)
    FUNCTION(ScalarAtanh, atanh)
    FUNCTION(ScalarErf, erf)
#undef FUNCTION
  default:
    ICE("'" + std::string(spec(kind).name) + "' is no function of a float");
  }
}

template <class W> W unaryInteger(OpKind kind, DType dtype, W x) {
  switch (kind) {
  case OpKind::ScalarNeg:
    return negate(x);
  case OpKind::ScalarAbs:
    return absolute(x);
  case OpKind::ScalarNot:
    return dtype == DType::Bool ? W{x == 0} : static_cast<W>(~x);
  default:
    ICE("'" + std::string(spec(kind).name) + "' is no function of an integer");
  }
}

template <class W> W unaryOf(OpKind kind, DType dtype, W x) {
  if constexpr (std::is_same_v<W, double>)
    return unaryReal(kind, x);
  else
    return unaryInteger(kind, dtype, x);
}

/// What floats and integers have in common; nothing for other kinds.
template <class W> std::optional<W> arithmetic(OpKind kind, W a, W b) {
  switch (kind) {
  case OpKind::ScalarAdd:
    return add(a, b);
  case OpKind::ScalarSub:
    return subtract(a, b);
  case OpKind::ScalarMul:
    return multiply(a, b);
  case OpKind::ScalarDiv:
    return divide(a, b);
  case OpKind::ScalarRem:
    return remainder(a, b);
  case OpKind::ScalarMin:
    return minimum(a, b);
  case OpKind::ScalarMax:
    return maximum(a, b);
  default:
    return std::nullopt;
  }
}

/// `bits` is the width of the integers' type.
template <class W> W bitwise(OpKind kind, int64_t bits, W a, W b) {
  switch (kind) {
  case OpKind::ScalarAnd:
    return a & b;
  case OpKind::ScalarOr:
    return a | b;
  case OpKind::ScalarXor:
    return a ^ b;
  case OpKind::ScalarShl:
  case OpKind::ScalarShr:
    return shift(a, b, kind == OpKind::ScalarShl, bits);
  default:
    ICE("'" + std::string(spec(kind).name) + "' is no function of two integers");
  }
}

template <class W> W binaryOf(OpKind kind, DType dtype, W a, W b) {
  if (std::optional<W> result = arithmetic(kind, a, b))
    return *result;
  if constexpr (std::is_integral_v<W>)
    return bitwise(kind, 8 * dtypeBytes(dtype), a, b);
  ICE_UNLESS(kind == OpKind::ScalarPow,
             "'" + std::string(spec(kind).name) + "' is no function of two floats");
  return std::pow(a, b);
}

/// One rounding on targets with a fused instruction, else two. Products of halves are exact.
double madReal(const Target &target, DType dtype, double a, double b, double c) {
  if (dtype == DType::F64)
    return target.hasFma ? std::fma(a, b, c) : a * b + c;
  if (dtype != DType::F32)
    return a * b + c;
  auto x = static_cast<float>(a), y = static_cast<float>(b), z = static_cast<float>(c);
  return target.hasFma ? std::fma(x, y, z) : x * y + z;
}

template <class W> W madOf(const Target &target, DType dtype, W a, W b, W c) {
  if constexpr (std::is_same_v<W, double>)
    return madReal(target, dtype, a, b, c);
  else
    return static_cast<W>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b) +
                          static_cast<uint64_t>(c));
}

template <class W> bool compare(std::string_view predicate, W a, W b) {
  if (predicate == "eq")
    return a == b;
  if (predicate == "ne")
    return a != b;
  if (predicate == "lt")
    return a < b;
  if (predicate == "le")
    return a <= b;
  return predicate == "gt" ? a > b : a >= b;
}

void elementwise(const Op &op, const Target &target, std::span<const Lanes> in, const Lanes &out) {
  OpKind kind = op.kind();
  withWide(in[0].dtype, [&]<class W>() {
    for (int64_t lane = 0; lane < out.count; lane++) {
      W a = get<W>(in[0], lane);
      if (kind == OpKind::ScalarCast)
        put(out, lane, a);
      else if (kind == OpKind::ScalarCmp)
        put<uint64_t>(out, lane, compare(op.attrs.getString("pred"), a, get<W>(in[1], lane)));
      else if (kind == OpKind::ScalarMad)
        put(out, lane, madOf(target, out.dtype, a, get<W>(in[1], lane), get<W>(in[2], lane)));
      else if (in.size() == 2)
        put(out, lane, binaryOf(kind, out.dtype, a, get<W>(in[1], lane)));
      else
        put(out, lane, unaryOf(kind, out.dtype, a));
    }
  });
}

/// To an index that is narrower than the integer: what would be cut off saturates.
void castToNarrowIndex(const Lanes &in, const Lanes &out) {
  for (int64_t lane = 0; lane < out.count; lane++) {
    bool isHuge = in.dtype == DType::U64 && get<uint64_t>(in, lane) > INT32_MAX;
    int64_t value = isHuge ? INT32_MAX : get<int64_t>(in, lane);
    put(out, lane, std::clamp<int64_t>(value, INT32_MIN, INT32_MAX));
  }
}

void constant(const Op &op, const Lanes &out) {
  const Attr &value = *op.attrs.find("value");
  for (int64_t lane = 0; lane < out.count; lane++)
    if (const int64_t *integer = std::get_if<int64_t>(&value))
      put(out, lane, *integer);
    else
      put(out, lane, std::get<double>(value));
}

void select(std::span<const Lanes> in, const Lanes &out) {
  for (int64_t lane = 0; lane < out.count; lane++) {
    bool first = get<uint64_t>(in[0], in[0].count == 1 ? 0 : lane);
    copyLane(out, lane, in[first ? 1 : 2], lane);
  }
}

OpKind combination(const std::string &name, DType dtype) {
  static constexpr std::pair<const char *, OpKind> kKinds[] = {
      {"add", OpKind::ScalarAdd}, {"mul", OpKind::ScalarMul}, {"min", OpKind::ScalarMin},
      {"max", OpKind::ScalarMax}, {"and", OpKind::ScalarAnd}, {"or", OpKind::ScalarOr}};
  for (auto [text, kind] : kKinds)
    if (name == text && dtype != DType::Bool)
      return kind;
  // Of bools, `min` is `and`, and everything else `or`.
  return name == "min" || name == "and" ? OpKind::ScalarAnd : OpKind::ScalarOr;
}

/// Lane i with lane i + half; of an odd number of lanes the middle one is left over.
void reduceLanes(const Op &op, const Lanes &in, const Lanes &out) {
  OpKind kind = combination(op.attrs.getString("op"), in.dtype);
  std::vector<std::byte> copy(in.data, in.data + in.numBytes());
  Lanes lanes{in.dtype, in.count, copy.data()};
  withWide(in.dtype, [&]<class W>() {
    for (int64_t count = in.count; count > 1; count = (count + 1) / 2)
      for (int64_t lane = 0; lane < count / 2; lane++)
        put(lanes, lane,
            binaryOf(kind, in.dtype, get<W>(lanes, lane), get<W>(lanes, lane + (count + 1) / 2)));
  });
  copyLane(out, 0, lanes, 0);
}

void lookup(const Op &op, const Lanes &in, const Lanes &out) {
  const auto &table = std::get<std::vector<int64_t>>(*op.attrs.find("table"));
  for (int64_t lane = 0; lane < out.count; lane++)
    put(out, lane, table[static_cast<uint8_t>(get<int64_t>(in, lane))]);
}

void nearest(const Lanes &in, const Lanes &out) {
  for (int64_t lane = 0; lane < out.count; lane++) {
    double x = std::nearbyint(get<double>(in, lane));
    put<int64_t>(out, lane, std::fabs(x) < 0x1p31 ? static_cast<int64_t>(x) : INT32_MIN);
  }
}

void dot(std::span<const Lanes> in, const Lanes &out) {
  std::memcpy(out.data, in[0].data, out.numBytes());
  addProducts(out, in[1], in[2]);
}

void matrixDot(std::span<const Lanes> in, const Lanes &out) {
  constexpr int64_t kSide = 2, kDepth = 8;
  for (int64_t lane = 0; lane < out.count; lane++) {
    auto sum = get<int64_t>(in[0], lane);
    for (int64_t k = 0; k < kDepth; k++)
      sum += get<int64_t>(in[1], lane / kSide * kDepth + k) *
             get<int64_t>(in[2], lane % kSide * kDepth + k);
    put(out, lane, sum);
  }
}

void checked(bool adds, std::span<const Lanes> in, std::span<const Lanes> out) {
  int64_t a = integerAt(in[0]), b = integerAt(in[1]), result = 0;
  bool overflow =
      adds ? __builtin_add_overflow(a, b, &result) : __builtin_mul_overflow(a, b, &result);
  put(out[0], 0, result);
  put<uint64_t>(out[1], 0, overflow || integerAt(out[0]) != result);
}

} // namespace

DType registerType(const Type &type, const Target &target) {
  if (type.isIndex())
    return target.indexBytes == 8 ? DType::I64 : DType::I32;
  return type.dtype();
}

void addProducts(const Lanes &sums, const Lanes &a, const Lanes &b) {
  int64_t products = a.count / sums.count;
  for (int64_t lane = 0; lane < sums.count; lane++) {
    if (sums.dtype == DType::F32) {
      auto sum = get<double>(sums, lane);
      for (int64_t i = products * lane; i < products * (lane + 1); i++)
        sum = static_cast<float>(sum + get<double>(a, i) * get<double>(b, i));
      put(sums, lane, sum);
      continue;
    }
    auto sum = get<int64_t>(sums, lane);
    for (int64_t i = products * lane; i < products * (lane + 1); i++)
      sum += get<int64_t>(a, i) * get<int64_t>(b, i);
    put(sums, lane, sum);
  }
}

int64_t integerAt(const Lanes &lanes, int64_t lane) { return get<int64_t>(lanes, lane); }
void storeInteger(const Lanes &lanes, int64_t value, int64_t lane) { put(lanes, lane, value); }

void evalLanes(const Op &op, const Target &target, std::span<const Lanes> in,
               std::span<const Lanes> results) {
  const Lanes &out = results[0];
  switch (op.kind()) {
  case OpKind::ScalarConst:
    return constant(op, out);
  case OpKind::ScalarSelect:
    return select(in, out);
  case OpKind::ScalarBitcast:
    std::memcpy(out.data, in[0].data, out.numBytes());
    return;
  case OpKind::ScalarLookup:
    return lookup(op, in[0], out);
  case OpKind::ScalarNearest:
    return nearest(in[0], out);
  case OpKind::VectorSplat:
    for (int64_t lane = 0; lane < out.count; lane++)
      copyLane(out, lane, in[0], 0);
    return;
  case OpKind::VectorMask:
    for (int64_t lane = 0; lane < out.count; lane++)
      put<uint64_t>(out, lane, lane < integerAt(in[0]));
    return;
  case OpKind::VectorIota:
    for (int64_t lane = 0; lane < out.count; lane++)
      put(out, lane, lane);
    return;
  case OpKind::VectorReduce:
    return reduceLanes(op, in[0], out);
  case OpKind::VectorDot:
    return dot(in, out);
  case OpKind::VectorMatrixDot:
    return matrixDot(in, out);
  case OpKind::VectorShuffle: {
    std::vector<int64_t> from = op.attrs.getInts("lanes");
    for (int64_t lane = 0; lane < out.count; lane++)
      copyLane(out, lane, in[from[lane] / in[0].count], from[lane] % in[0].count);
    return;
  }
  case OpKind::IndexCheckedAdd:
  case OpKind::IndexCheckedMul:
    return checked(op.kind() == OpKind::IndexCheckedAdd, in, results);
  case OpKind::ScalarCast:
    if (op.result()->type.isIndex() && dtypeBytes(in[0].dtype) > dtypeBytes(out.dtype))
      return castToNarrowIndex(in[0], out);
    [[fallthrough]];
  default:
    return elementwise(op, target, in, out);
  }
}

} // namespace cameo::eval
