// QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear: per tensor, per axis, or in blocks along
// an axis.
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/EvalContext.h"
#include "ir/eval/graph/Quant.h"

#include <algorithm>

namespace cameo::eval {
namespace {

/// Which scale (and zero point) an element of x has.
struct Granularity {
  int64_t n = 1, inner = 1; // length of the axis, elements within it
  int64_t scales = 1;       // elements of the scale
  int64_t block = 0;        // 0: one scale a position of the axis

  int64_t scaleOf(int64_t i) const {
    if (scales == 1)
      return 0;
    int64_t position = i / inner % n;
    if (!block)
      return position;
    int64_t blocks = (n + block - 1) / block;
    return (i / (inner * n) * blocks + position / block) * inner + i % inner;
  }
};

Result<Granularity> granularity(EvalContext &c) {
  const Tensor &x = c.in(0), &scale = c.in(1);
  Granularity g;
  g.scales = scale.size();
  TRY(c.require(!c.has(2) || c.in(2).dims == scale.dims || c.in(2).size() == 1,
                "scale " + dimsText(scale.dims) + " and zero point " + dimsText(c.in(2).dims) +
                    " differ in shape"));
  if (g.scales == 1)
    return g;
  int64_t axis = TRY(c.axis(c.intAttr("axis", 1), x.rank()));
  g.n = x.dims[axis], g.inner = product(x.dims, axis + 1, x.rank());
  g.block = c.intAttr("block_size");
  std::vector<int64_t> expected = {g.n};
  TRY(c.require(g.block >= 0 && g.block < INT64_MAX - g.n, "block_size is out of range"));
  if (g.block) {
    expected = x.dims;
    expected[axis] = (g.n + g.block - 1) / g.block;
  }
  TRY(c.require(scale.dims == expected, c.inputName(1) + ": expected shape " + dimsText(expected) +
                                            ", got " + dimsText(scale.dims)));
  return g;
}

/// The value as a float type holds it; integers and f64 stay as they are.
double roundedTo(DType dtype, double value) {
  if (dtype == DType::F32)
    return static_cast<float>(value);
  if (!isStorageOnly(dtype))
    return value;
  std::byte bytes[2];
  storeDouble(dtype, bytes, value);
  return loadDouble(dtype, bytes);
}

double elementOr0(EvalContext &c, int64_t input, int64_t i) {
  if (!c.has(input))
    return 0;
  return load<double>(c.in(input), c.in(input).size() == 1 ? 0 : i);
}

} // namespace

/// rne(x / scale) + zero point, saturated; the quotient is rounded to `precision`, else to the
/// scale's type.
EvalResult evalQuantizeLinear(EvalContext &c) {
  const Tensor &x = c.in(0), &scale = c.in(1);
  Granularity g = TRY(granularity(c));
  std::optional<DType> stated;
  if (const Attr *attr = c.op.attrs.find("precision")) {
    if (const DType *dtype = std::get_if<DType>(attr))
      stated = *dtype;
    else if (c.intAttr("precision") != 0)
      stated = dtypeFromOnnx(c.intAttr("precision"));
  }
  DType precision = stated.value_or(scale.dtype);
  Tensor y = TRY(c.allocate(c.resultDType(0), x.dims));
  for (int64_t i = 0; i < x.size(); i++) {
    int64_t s = g.scaleOf(i);
    double dividend = roundedTo(precision, load<double>(x, i));
    double ratio = roundedTo(precision, dividend / load<double>(scale, s));
    store(y, i, std::nearbyint(ratio) + elementOr0(c, 2, s));
  }
  return one(y);
}

/// (x - zero point) * scale, in 32 bits, then rounded to the result's type.
EvalResult evalDequantizeLinear(EvalContext &c) {
  const Tensor &x = c.in(0), &scale = c.in(1);
  Granularity g = TRY(granularity(c));
  Tensor y = TRY(c.allocate(c.resultDType(0), x.dims));
  for (int64_t i = 0; i < x.size(); i++) {
    int64_t s = g.scaleOf(i);
    float difference =
        static_cast<float>(load<double>(x, i)) - static_cast<float>(elementOr0(c, 2, s));
    store<double>(y, i, difference * static_cast<float>(load<double>(scale, s)));
  }
  return one(y);
}

/// Results y (u8), y_scale, y_zero_point: the range always includes 0.
EvalResult evalDynamicQuantizeLinear(EvalContext &c) {
  const Tensor &x = c.in(0);
  float low = 0, high = 0;
  for (int64_t i = 0; i < x.size(); i++) {
    float value = static_cast<float>(load<double>(x, i));
    // A NaN makes a NaN of the scale.
    low = value < low || value != value ? value : low;
    high = value > high || value != value ? value : high;
  }
  const auto [scale, zero] = dynamicRange(low, high);
  Tensor y = TRY(c.allocate(DType::U8, x.dims));
  for (int64_t i = 0; i < x.size(); i++)
    store(y, i, quantize(load<double>(x, i), scale, zero));
  Tensor yScale = TRY(c.allocate(DType::F32, {})), yZero = TRY(c.allocate(DType::U8, {}));
  store<double>(yScale, 0, scale), store<double>(yZero, 0, zero);
  return Values{y, yScale, yZero};
}

} // namespace cameo::eval
