// Resize, one axis after another: for each output position of an axis, the source positions and
// their weights. Nearest moves elements untouched; the other modes compute in double. Formulas are
// those of the ONNX specification, where every filter prefers the pixel on the left: the ratio of a
// position to the pixel before it is in (0, 1].
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/EvalContext.h"

#include <algorithm>

namespace cameo::eval {
namespace {

struct ResizeAxis {
  int64_t axis = 0, in = 0, out = 0;
  double scale = 1, roiStart = 0, roiEnd = 1;
};

struct ResizeAttrs {
  std::string mode, transform, nearest;
  double cubicA = 0, extrapolation = 0;
  bool antialias = false, excludeOutside = false;
};

/// The position in the input that output position o stands for.
double sourcePosition(const ResizeAttrs &attrs, const ResizeAxis &a, int64_t o) {
  double x = static_cast<double>(o), in = static_cast<double>(a.in);
  // Not an integer in general: what the scale says, before it was rounded down.
  double out = a.scale * in;
  if (attrs.transform == "align_corners")
    return out == 1 ? 0 : x * (in - 1) / (out - 1);
  if (attrs.transform == "asymmetric")
    return x / a.scale;
  if (attrs.transform == "tf_crop_and_resize") {
    double extent = (a.roiEnd - a.roiStart) * (in - 1);
    return (out == 1 ? extent / 2 : x * extent / (out - 1)) + a.roiStart * (in - 1);
  }
  if (attrs.transform == "pytorch_half_pixel" && out == 1)
    return -0.5;
  double position = (x + 0.5) / a.scale - 0.5;
  if (attrs.transform == "half_pixel_symmetric")
    position += in / 2 * (1 - static_cast<double>(a.out) / out);
  return position;
}

double cubicKernel(double x, double a) {
  x = std::fabs(x);
  if (x <= 1)
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/// Weights of the taps base + first .. base + first + count of every output position.
struct Filter {
  std::vector<int64_t> bases;
  int64_t first = 0, count = 2;
  Tensor weights;                 // F64, out x count
  std::vector<bool> extrapolated; // positions that take the extrapolation value
};

void fillWeights(const ResizeAttrs &attrs, const ResizeAxis &a, const Filter &f, double ratio,
                 int64_t base, double *weights) {
  // Antialiasing stretches the filter when shrinking.
  double stretch = attrs.antialias ? std::min(a.scale, 1.0) : 1;
  double sum = 0;
  for (int64_t t = 0; t < f.count; t++) {
    double distance = (static_cast<double>(f.first + t) - ratio) * stretch;
    weights[t] = attrs.mode == "cubic" ? cubicKernel(distance, attrs.cubicA)
                                       : std::clamp(1 - std::fabs(distance), 0.0, 1.0);
    int64_t source = base + f.first + t;
    if (attrs.excludeOutside && (source < 0 || source >= a.in))
      weights[t] = 0;
    sum += weights[t];
  }
  if (attrs.antialias || attrs.excludeOutside)
    for (int64_t t = 0; t < f.count; t++)
      weights[t] /= sum;
}

void nearestWeights(const ResizeAttrs &attrs, double ratio, double *weights) {
  bool left = attrs.nearest == "round_prefer_floor"  ? ratio <= 0.5
              : attrs.nearest == "round_prefer_ceil" ? ratio < 0.5
                                                     : attrs.nearest == "floor";
  // On a pixel, the ratio is 1.
  left = left && ratio != 1;
  weights[0] = left, weights[1] = !left;
}

Result<Filter> filterOf(EvalContext &c, const ResizeAttrs &attrs, const ResizeAxis &a) {
  Filter f;
  double reach = attrs.mode == "cubic" ? 2 : 1;
  if (attrs.antialias)
    reach /= std::min(a.scale, 1.0);
  TRY(c.require(reach < 1e9, "the scale " + std::to_string(a.scale) + " is too small"));
  f.first = static_cast<int64_t>(std::floor(-reach)) + 1;
  f.count = 2 - 2 * f.first;
  f.weights = TRY(c.doubles({a.out, f.count}));
  f.bases.resize(a.out);
  f.extrapolated.resize(a.out);
  for (int64_t o = 0; o < a.out; o++) {
    double x = sourcePosition(attrs, a, o);
    f.extrapolated[o] =
        attrs.transform == "tf_crop_and_resize" && !(x >= 0 && x <= static_cast<double>(a.in - 1));
    TRY(c.require(std::fabs(x) < 1e15 || f.extrapolated[o], "scales are out of range"));
    if (f.extrapolated[o])
      continue;
    int64_t base = static_cast<int64_t>(std::ceil(x)) - 1;
    f.bases[o] = base;
    double *weights = f64Out(f.weights) + o * f.count;
    if (attrs.mode == "nearest")
      nearestWeights(attrs, x - static_cast<double>(base), weights);
    else
      fillWeights(attrs, a, f, x - static_cast<double>(base), base, weights);
  }
  return f;
}

/// Copies along one axis, any element type.
Result<Tensor> resizeNearest(EvalContext &c, const Tensor &x, const ResizeAttrs &attrs,
                             const ResizeAxis &a) {
  Filter f = TRY(filterOf(c, attrs, a));
  std::vector<int64_t> dims = x.dims;
  dims[a.axis] = a.out;
  Tensor y = TRY(c.allocate(x.dtype, dims));
  int64_t outer = product(dims, 0, a.axis), inner = product(dims, a.axis + 1, x.rank());
  for (int64_t i = 0; y.size() > 0 && i < outer * a.out; i++) {
    int64_t o = i % a.out;
    if (f.extrapolated[o]) {
      for (int64_t k = 0; k < inner && x.dtype != DType::String; k++)
        store(y, i * inner + k, attrs.extrapolation);
      continue;
    }
    int64_t source = f.bases[o] + (f64(f.weights)[o * 2] != 0 ? 0 : 1);
    source = std::clamp<int64_t>(source, 0, a.in - 1);
    copyElements(y, i * inner, 1, x, (i / a.out * a.in + source) * inner, 1, inner);
  }
  return y;
}

/// Weighted sums along one axis of an F64 tensor.
Result<Tensor> resizeLinear(EvalContext &c, const Tensor &x, const ResizeAttrs &attrs,
                            const ResizeAxis &a) {
  Filter f = TRY(filterOf(c, attrs, a));
  std::vector<int64_t> dims = x.dims;
  dims[a.axis] = a.out;
  Tensor y = TRY(c.doubles(dims));
  TRY(c.charge({y.size(), f.count}));
  int64_t outer = product(dims, 0, a.axis), inner = product(dims, a.axis + 1, x.rank());
  for (int64_t i = 0; y.size() > 0 && i < outer * a.out; i++) {
    int64_t o = i % a.out;
    double *to = f64Out(y) + i * inner;
    if (f.extrapolated[o])
      std::fill_n(to, inner, attrs.extrapolation);
    for (int64_t t = 0; t < f.count && !f.extrapolated[o]; t++) {
      double weight = f64(f.weights)[o * f.count + t];
      int64_t source = std::clamp<int64_t>(f.bases[o] + f.first + t, 0, a.in - 1);
      const double *from = f64(x) + (i / a.out * a.in + source) * inner;
      // A weight of 0 must not bring in an infinity.
      for (int64_t k = 0; weight != 0 && k < inner; k++)
        to[k] += weight * from[k];
    }
  }
  return y;
}

/// Output sizes and scales from `scales` or `sizes` for the listed axes.
Result<void> resizeSizes(EvalContext &c, std::vector<ResizeAxis> &axes) {
  bool hasScales = c.has(2) && c.in(2).size() > 0, hasSizes = c.has(3) && c.in(3).size() > 0;
  int64_t given = hasScales ? c.in(2).size() : hasSizes ? c.in(3).size() : 0;
  TRY(c.require(hasScales != hasSizes && given == static_cast<int64_t>(axes.size()),
                "expected scales or sizes for " + std::to_string(axes.size()) + " axes"));
  std::string policy = c.stringAttr("keep_aspect_ratio_policy", "stretch");
  double smallest = HUGE_VAL, largest = 0;
  for (size_t i = 0; i < axes.size(); i++) {
    ResizeAxis &a = axes[i];
    if (hasScales) {
      a.scale = load<double>(c.in(2), static_cast<int64_t>(i));
      TRY(c.require(a.scale > 0 && a.scale * static_cast<double>(a.in) < 1e15,
                    "scale " + std::to_string(a.scale) + " is out of range"));
      // In 32 bits, as shape inference and ONNX Runtime compute it.
      float scale = static_cast<float>(a.scale * (a.roiEnd - a.roiStart));
      float out = std::floor(static_cast<float>(a.in) * scale);
      TRY(c.require(out >= 0 && out < 1e15f, "roi and scales are out of range"));
      a.out = static_cast<int64_t>(out);
      continue;
    }
    a.out = load<int64_t>(c.in(3), static_cast<int64_t>(i));
    TRY(c.require(a.out >= 0 && (a.in > 0 || a.out == 0),
                  "cannot resize " + std::to_string(a.in) + " to " + std::to_string(a.out)));
    a.scale = a.in ? static_cast<double>(a.out) / static_cast<double>(a.in) : 1;
    smallest = std::min(smallest, a.scale), largest = std::max(largest, a.scale);
  }
  if (hasScales || policy == "stretch")
    return {};
  for (ResizeAxis &a : axes) {
    a.scale = policy == "not_larger" ? smallest : largest;
    double out = a.scale * static_cast<double>(a.in) + 0.5;
    TRY(c.require(out < 1e15, "sizes are out of range"));
    a.out = static_cast<int64_t>(out);
  }
  return {};
}

Result<std::vector<ResizeAxis>> resizeAxes(EvalContext &c) {
  const Tensor &x = c.in(0);
  std::vector<int64_t> listed = c.intsAttr("axes");
  if (!c.hasAttr("axes"))
    for (int64_t d = 0; d < x.rank(); d++)
      listed.push_back(d);
  std::vector<ResizeAxis> axes;
  for (int64_t axis : TRY(c.axes(listed, x.rank()))) {
    ResizeAxis &a = axes.emplace_back();
    a.axis = axis, a.in = a.out = x.dims[axis];
  }
  int64_t count = static_cast<int64_t>(axes.size());
  if (c.stringAttr("coordinate_transformation_mode") == "tf_crop_and_resize") {
    TRY(c.require(c.has(1) && c.in(1).size() == 2 * count,
                  "roi: expected " + std::to_string(2 * count) + " elements"));
    for (int64_t i = 0; i < count; i++) {
      axes[i].roiStart = load<double>(c.in(1), i);
      axes[i].roiEnd = load<double>(c.in(1), count + i);
    }
  }
  TRY(resizeSizes(c, axes));
  return axes;
}

} // namespace

/// Inputs X, roi, scales, sizes.
EvalResult evalResize(EvalContext &c) {
  const Tensor &x = c.in(0);
  ResizeAttrs attrs;
  attrs.mode = c.stringAttr("mode", "nearest");
  attrs.transform = c.stringAttr("coordinate_transformation_mode", "half_pixel");
  attrs.nearest = c.stringAttr("nearest_mode", "round_prefer_floor");
  attrs.cubicA = c.floatAttr("cubic_coeff_a", -0.75);
  attrs.extrapolation = c.floatAttr("extrapolation_value");
  attrs.antialias = c.intAttr("antialias") != 0 && attrs.mode != "nearest";
  attrs.excludeOutside = c.intAttr("exclude_outside") != 0;
  std::vector<ResizeAxis> axes = TRY(resizeAxes(c));
  bool nearest = attrs.mode == "nearest";
  TRY(c.require(nearest || x.dtype != DType::String, "strings cannot be interpolated"));
  Tensor y = nearest ? x : TRY(c.toF64(x));
  for (const ResizeAxis &a : axes) {
    if (a.scale == 1 && a.out == a.in && a.roiStart == 0 && a.roiEnd == 1)
      continue;
    y = nearest ? TRY(resizeNearest(c, y, attrs, a)) : TRY(resizeLinear(c, y, attrs, a));
  }
  if (nearest || isFloat(x.dtype))
    return one(nearest ? y : TRY(c.fromF64(y, x.dtype)));
  // Weights like 0.1 leave whole numbers a hair short in double; truncate what a float holds.
  return one(TRY(c.fromF64(TRY(c.fromF64(y, DType::F32)), x.dtype)));
}

} // namespace cameo::eval
