// Resize. Nearest is one read by index. Linear and cubic interpolation, with and without
// antialiasing, go one axis after another, the last axis first, so that most of the work is on
// whole lines along it: each is a sum of a few neighbours along the axis, whose positions and
// weights are computed in f64 from the output index, by the interpreter's formulas
// (ir/eval/graph/Resize.cpp), so that both pick the same neighbours.
#include "lowering/select/Select.h"

#include "ir/infer/Infer.h"
#include "lowering/build/Shapes.h"

#include <algorithm>
#include <cmath>

namespace cameo {
namespace {

// More taps than this are a loop.
constexpr int64_t kUnrolled = 8;
// The filter of antialiasing is as wide as the scale is small; this keeps it finite.
constexpr double kSmallestScale = 1.0 / (1 << 20);

struct ResizeAxis {
  int64_t axis;
  size_t listed; // position in the axes attribute
  Dim in, out;
  std::optional<double> scale; // where it is known
};

struct Resize {
  Selection &s;
  std::string mode, transform, nearest, policy;
  double cubicA, extrapolation;
  bool antialias, excludeOutside, crop;
  std::vector<ResizeAxis> axes;
  /// Operands that kernels read at run time, or nullptr: scales, where they say more than sizes,
  /// and the region to crop.
  Value *scales = nullptr, *roi = nullptr;
  /// The sizes asked for, where the one scale that keeps the ratio of the axes follows from them.
  Value *wanted = nullptr;

  explicit Resize(Selection &s);
  std::string collectAxes();
  void keepAspect();

  // Inside a region; operand numbers are those of `operandsFor`.
  std::vector<Value *> operandsFor(Value *x) const;
  Value *real(double value) { return s.b.constant(Type::scalar(DType::F64), value); }
  Value *sizeOf(const Dim &dim);
  Value *listElement(Value *list, int64_t operand, size_t i);
  Value *scaleOf(const ResizeAxis &a);
  Value *position(const ResizeAxis &a, Value *out);
  Value *outside(const ResizeAxis &a, Value *position);

  Value *nearestIndex(const ResizeAxis &a, Value *position);
  Value *weight(const ResizeAxis &a, Value *distance, Value *stretch, Value *source);
  Value *interpolated(const ResizeAxis &a, const Type &x, std::vector<Value *> index, DType work);
  Value *cropped(const std::vector<Value *> &index, Value *element);
  void selectNearest();
  void selectAlong(const ResizeAxis &a, Value *&x, DType work, bool last);
};

Resize::Resize(Selection &s)
    : s(s), mode(s.op.attrs.getString("mode", "nearest")),
      transform(s.op.attrs.getString("coordinate_transformation_mode", "half_pixel")),
      nearest(s.op.attrs.getString("nearest_mode", "round_prefer_floor")),
      policy(s.op.attrs.getString("keep_aspect_ratio_policy", "stretch")),
      cubicA(s.op.attrs.getFloat("cubic_coeff_a", -0.75)),
      extrapolation(s.op.attrs.getFloat("extrapolation_value", 0)),
      antialias(s.op.attrs.getInt("antialias") && mode != "nearest"),
      excludeOutside(s.op.attrs.getInt("exclude_outside")),
      crop(transform == "tf_crop_and_resize") {}

/// One scale for all axes, from the sizes asked for.
void Resize::keepAspect() {
  std::optional<std::vector<int64_t>> wanted = constantInts(s.op.operand(3));
  double smallest = HUGE_VAL, largest = 0;
  for (const ResizeAxis &a : axes) {
    double scale = static_cast<double>((*wanted)[a.listed]) / static_cast<double>(a.in.value());
    smallest = std::min(smallest, scale), largest = std::max(largest, scale);
  }
  for (ResizeAxis &a : axes)
    a.scale = policy == "not_larger" ? smallest : largest;
}

/// Finds the axes and what is known of their scales; why it cannot, or "".
std::string Resize::collectAxes() {
  const Type &x = s.in(0);
  std::vector<int64_t> listed = s.op.attrs.getInts("axes");
  if (!s.op.attrs.has("axes"))
    for (int64_t i = 0; i < x.rank(); i++)
      listed.push_back(i);
  bool byScales = isGiven(s.op.operand(2));
  ConstRef data = byScales ? constantData(s.op.operand(2)) : nullptr;
  scales = byScales && !data ? s.op.operand(2) : nullptr;
  roi = crop ? s.op.operand(1) : nullptr;
  if (crop && !roi)
    return "tf_crop_and_resize without a roi";
  bool constant = true;
  for (size_t i = 0; i < listed.size(); i++) {
    int64_t axis = *normalizeAxis(listed[i], x.rank());
    ResizeAxis a{axis, i, x.dim(axis), s.out().dim(axis), std::nullopt};
    constant = constant && a.in.isConst() && a.in.value() > 0;
    if (data)
      a.scale = constFloat(*data, static_cast<int64_t>(i));
    else if (!byScales && a.in == a.out)
      a.scale = 1;
    else if (!byScales && a.in.isConst() && a.out.isConst() && a.in.value() > 0)
      a.scale = static_cast<double>(a.out.value()) / static_cast<double>(a.in.value());
    if (antialias && a.scale && !(*a.scale >= kSmallestScale))
      return "antialiasing by a scale this small is not supported";
    if (crop || a.scale != 1 || !(a.in == a.out))
      axes.push_back(a);
  }
  if (byScales || policy == "stretch")
    return "";
  if (constant && constantInts(s.op.operand(3)))
    keepAspect();
  else
    wanted = s.op.operand(3);
  return "";
}

std::vector<Value *> Resize::operandsFor(Value *x) const {
  std::vector<Value *> operands = {x};
  if (roi)
    operands.push_back(roi);
  if (scales || wanted)
    operands.push_back(scales ? scales : wanted);
  return operands;
}

Value *Resize::sizeOf(const Dim &dim) {
  if (dim.isConst())
    return real(static_cast<double>(dim.value()));
  return s.b.cast(s.b.cast(sizeValue(s.b, dim), DType::I64), DType::F64);
}

Value *Resize::listElement(Value *list, int64_t operand, size_t i) {
  Value *at = s.b.index(static_cast<int64_t>(i));
  return s.b.cast(elementAt(s.b, list->type, operand, {at}), DType::F64);
}

Value *Resize::scaleOf(const ResizeAxis &a) {
  if (a.scale)
    return real(*a.scale);
  int64_t list = roi ? 2 : 1;
  if (scales)
    return listElement(scales, list, a.listed);
  if (!wanted)
    return s.b.div(sizeOf(a.out), sizeOf(a.in));
  Value *scale = nullptr;
  for (const ResizeAxis &other : axes) {
    Value *own = s.b.div(listElement(wanted, list, other.listed), sizeOf(other.in));
    bool smallest = policy == "not_larger";
    scale = !scale ? own : smallest ? s.b.min(scale, own) : s.b.max(scale, own);
  }
  return scale;
}

/// The position in the input, f64, that an output position stands for.
Value *Resize::position(const ResizeAxis &a, Value *out) {
  LoopBuilder &b = s.b;
  Value *x = b.cast(b.cast(out, DType::I64), DType::F64), *in = sizeOf(a.in), *scale = scaleOf(a);
  Value *one = real(1), *zero = real(0), *half = real(0.5);
  // Not an integer in general: what the scale says, before it was rounded down.
  Value *extent = b.mul(scale, in), *lone = b.cmp("eq", extent, one);
  if (transform == "align_corners")
    return b.select(lone, zero, b.div(b.mul(x, b.sub(in, one)), b.sub(extent, one)));
  if (transform == "asymmetric")
    return b.div(x, scale);
  if (crop) {
    size_t count = s.op.attrs.has("axes") ? s.op.attrs.getInts("axes").size() : s.in(0).rank();
    Value *start = listElement(roi, 1, a.listed), *end = listElement(roi, 1, a.listed + count);
    Value *last = b.sub(in, one), *width = b.mul(b.sub(end, start), last);
    Value *inside = b.select(lone, b.mul(width, half), b.div(b.mul(x, width), b.sub(extent, one)));
    return b.add(inside, b.mul(start, last));
  }
  Value *result = b.sub(b.div(b.add(x, half), scale), half);
  if (transform == "pytorch_half_pixel")
    return b.select(lone, real(-0.5), result);
  if (transform == "half_pixel_symmetric")
    return b.add(result, b.mul(b.mul(in, half), b.sub(one, b.div(sizeOf(a.out), extent))));
  return result;
}

/// Whether a position lies outside the input, where crops show the extrapolation value.
Value *Resize::outside(const ResizeAxis &a, Value *at) {
  LoopBuilder &b = s.b;
  Value *inside = b.binary(OpKind::ScalarAnd, b.cmp("ge", at, real(0)),
                           b.cmp("le", at, b.sub(sizeOf(a.in), real(1))));
  return b.unary(OpKind::ScalarNot, inside);
}

/// The pixel before a position is ceil(x) - 1: the ratio of the position to it is in (0, 1].
Value *Resize::nearestIndex(const ResizeAxis &a, Value *at) {
  LoopBuilder &b = s.b;
  Value *base = b.sub(b.unary(OpKind::ScalarCeil, at), real(1)), *ratio = b.sub(at, base);
  Value *left;
  if (nearest == "round_prefer_floor")
    left = b.cmp("le", ratio, real(0.5));
  else if (nearest == "round_prefer_ceil")
    left = b.cmp("lt", ratio, real(0.5));
  else
    left = b.cmp("lt", ratio, real(nearest == "floor" ? 1 : 0));
  Value *picked = b.select(left, base, b.add(base, real(1)));
  return clampedIndex(b, b.toIndex(b.cast(picked, DType::I64)), a.in);
}

/// The filter's weight at a distance in pixels, 0 for sources that exclude_outside leaves out.
Value *Resize::weight(const ResizeAxis &a, Value *distance, Value *stretch, Value *source) {
  LoopBuilder &b = s.b;
  Value *x = b.unary(OpKind::ScalarAbs, stretch ? b.mul(distance, stretch) : distance), *result;
  if (mode == "cubic") {
    auto step = [&](Value *sum, double c) { return b.add(b.mul(sum, x), real(c)); };
    Value *near = step(b.mul(step(real(cubicA + 2), -(cubicA + 3)), x), 1);
    Value *far = step(step(step(real(cubicA), -5 * cubicA), 8 * cubicA), -4 * cubicA);
    Value *beyond = b.select(b.cmp("lt", x, real(2)), far, real(0));
    result = b.select(b.cmp("le", x, real(1)), near, beyond);
  } else {
    result = b.max(b.sub(real(1), x), real(0));
  }
  if (!excludeOutside)
    return result;
  Value *inside = b.binary(OpKind::ScalarAnd, b.cmp("ge", source, b.index(0)),
                           b.cmp("lt", source, sizeValue(b, a.in)));
  return b.select(inside, result, real(0));
}

/// The weighted sum of the neighbours along one axis.
Value *Resize::interpolated(const ResizeAxis &a, const Type &x, std::vector<Value *> index,
                            DType work) {
  LoopBuilder &b = s.b;
  Value *at = position(a, index[a.axis]);
  Value *base = b.sub(b.unary(OpKind::ScalarCeil, at), real(1)), *ratio = b.sub(at, base);
  Value *before = b.toIndex(b.cast(base, DType::I64)), *stretch = nullptr;
  double reach = mode == "cubic" ? 2 : 1;
  // Antialiasing stretches the filter when shrinking.
  Value *first;
  if (antialias) {
    stretch = b.max(b.min(scaleOf(a), real(1)), real(kSmallestScale));
    Value *wide = a.scale ? real(reach / std::min(*a.scale, 1.0)) : b.div(real(reach), stretch);
    Value *lowest = b.unary(OpKind::ScalarFloor, b.unary(OpKind::ScalarNeg, wide));
    first = a.scale
                ? b.index(static_cast<int64_t>(std::floor(-reach / std::min(*a.scale, 1.0))) + 1)
                : b.add(b.toIndex(b.cast(lowest, DType::I64)), b.index(1));
  } else {
    first = b.index(static_cast<int64_t>(1 - reach));
  }
  auto tap = [&](Value *t, const LoopBuilder::Values &sums) -> LoopBuilder::Values {
    Value *source = b.add(before, t);
    Value *distance = b.sub(b.cast(b.cast(t, DType::I64), DType::F64), ratio);
    Value *factor = weight(a, distance, stretch, source);
    std::vector<Value *> where = index;
    where[a.axis] = clampedIndex(b, source, a.in);
    Value *element = b.cast(elementAt(b, x, 0, where), work);
    // A weight of 0 must not bring in an infinity.
    Value *none = b.cmp("eq", factor, real(0));
    Value *term = b.mul(element, b.cast(factor, work));
    term = b.select(none, b.constant(Type::scalar(work), 0), term);
    return {b.add(sums[0], term), b.add(sums[1], factor)};
  };
  LoopBuilder::Values sums = {b.constant(Type::scalar(work), 0), real(0)};
  std::optional<int64_t> lowest = b.constantIndex(first);
  if (lowest && 2 - 2 * *lowest <= kUnrolled)
    for (int64_t t = *lowest; t < 2 - *lowest; t++)
      sums = tap(b.index(t), sums);
  else
    sums = b.forLoop(first, b.sub(b.index(2), first), 1, sums, tap);
  if (!antialias && !excludeOutside)
    return sums[0];
  return b.div(sums[0], b.cast(sums[1], work));
}

/// The element, or the extrapolation value where any axis is outside the input.
Value *Resize::cropped(const std::vector<Value *> &index, Value *element) {
  if (!crop)
    return element;
  Value *beyond = nullptr;
  for (const ResizeAxis &a : axes) {
    Value *here = outside(a, position(a, index[a.axis]));
    beyond = beyond ? s.b.binary(OpKind::ScalarOr, beyond, here) : here;
  }
  return beyond ? s.b.select(beyond, s.b.constant(element->type, extrapolation), element) : element;
}

void Resize::selectNearest() {
  Type x = s.in(0);
  generate(s, operandsFor(s.op.operand(0)), [&](LoopBuilder &b, const std::vector<Value *> &index) {
    std::vector<Value *> at = index;
    for (const ResizeAxis &a : axes)
      at[a.axis] = nearestIndex(a, position(a, index[a.axis]));
    return cropped(index, elementAt(b, x, 0, at));
  });
}

/// Replaces x by the value resized along one axis; the last one is the op's result.
void Resize::selectAlong(const ResizeAxis &a, Value *&x, DType work, bool last) {
  Type from = x->type;
  std::vector<Value *> operands = operandsFor(x);
  if (last)
    return generate(s, operands, [&](LoopBuilder &b, const std::vector<Value *> &index) {
      Value *element = cropped(index, interpolated(a, from, index, work));
      // Weights like 0.1 leave whole numbers a hair short in double; truncate what a float holds.
      return isInt(s.out().dtype()) ? b.cast(element, DType::F32) : element;
    });
  Dims shape = from.shape();
  shape[a.axis] = a.out;
  x = generated(s, operands, Type::tensor(work, shape),
                [&](LoopBuilder &, const std::vector<Value *> &index) {
                  return interpolated(a, from, index, work);
                });
}

} // namespace

Result<void> selectResize(Selection &s) {
  if (s.in(0).dtype() == DType::String)
    return s.unsupportedBecause("strings are not supported yet");
  Resize resize(s);
  std::string refused = resize.collectAxes();
  if (!refused.empty())
    return s.unsupportedBecause(refused);
  if (resize.axes.empty()) {
    s.op.result()->replaceAllUsesWith(s.op.operand(0));
    return {};
  }
  if (resize.mode == "nearest") {
    resize.selectNearest();
    return {};
  }
  DType dtype = s.in(0).dtype();
  bool wide = isInt(dtype) || dtype == DType::F64 || dtype == DType::Bool;
  Value *x = s.op.operand(0);
  for (size_t i = resize.axes.size(); i-- > 0;)
    resize.selectAlong(resize.axes[i], x, wide ? DType::F64 : DType::F32, i == 0);
  return {};
}

} // namespace cameo
