// Layers in primitives, as exporters write them, and some that are not quite those layers. See
// RandomModule.h.
#include "tests/fuzz/RandomModule.h"

#include <algorithm>
#include <cmath>

namespace cameo {
namespace {

class LayerWriter {
public:
  LayerWriter(Builder &builder, Value *x, std::mt19937 &random)
      : builder_(builder), x_(x), random_(random) {}
  Value *write();
  /// A value inside of the layer.
  Value *inside() { return made_[below(static_cast<int64_t>(made_.size()))]; }

private:
  int64_t below(int64_t limit) { return static_cast<int64_t>(random_() % limit); }
  Value *number(double value) { return builder_.constant(makeSplat(DType::F32, {}, value)); }
  Value *add(OpKind kind, std::vector<Value *> operands, AttrDict attrs = {}) {
    made_.push_back(builder_.graphValue(kind, std::move(operands), std::move(attrs)));
    return made_.back();
  }
  /// A number of a formula, now and then another one.
  double maybeOff(double value) { return below(8) ? value : value * 1.25; }

  /// In any order and grouping.
  Value *chain(OpKind kind, std::vector<Value *> parts);
  Value *times(double value, Value *x);
  Value *plus(Value *x, double value) { return chain(OpKind::Add, {x, number(maybeOff(value))}); }
  Value *square(Value *x);
  Value *clipped(Value *x, double most);
  Value *mean(Value *x, int64_t axis);
  Value *divided(Value *x, Value *variance);

  Value *gelu();
  Value *tanhGelu();
  Value *swish();
  Value *hardSwish();
  Value *hardSigmoid();
  Value *mish();
  Value *layerNorm();
  Value *rmsNorm();
  Value *batchNorm();

  Builder &builder_;
  Value *x_;
  std::mt19937 &random_;
  std::vector<Value *> made_;
};

Value *LayerWriter::chain(OpKind kind, std::vector<Value *> parts) {
  while (parts.size() > 1) {
    std::shuffle(parts.begin(), parts.end(), random_);
    Value *last = parts.back();
    parts.pop_back();
    parts.back() = add(kind, {parts.back(), last});
  }
  return parts.front();
}

Value *LayerWriter::times(double value, Value *x) {
  value = maybeOff(value);
  return below(2) ? chain(OpKind::Mul, {x, number(value)})
                  : add(OpKind::Div, {x, number(1 / value)});
}

Value *LayerWriter::square(Value *x) {
  return below(2) ? add(OpKind::Mul, {x, x}) : add(OpKind::Pow, {x, number(2)});
}

Value *LayerWriter::clipped(Value *x, double most) {
  if (below(2))
    return add(OpKind::Clip, {x, number(0), number(most)});
  Value *low = below(2) ? add(OpKind::Relu, {x}) : add(OpKind::Max, {number(0), x});
  return add(OpKind::Min, {low, number(most)});
}

Value *LayerWriter::mean(Value *x, int64_t axis) {
  AttrDict attrs;
  attrs.set("keepdims", below(2));
  Value *axes = builder_.constant(makeConst({axis}));
  Value *result = add(OpKind::ReduceMean, {x, axes}, attrs);
  return attrs.getInt("keepdims") ? result : add(OpKind::Unsqueeze, {result, axes});
}

/// x / sqrt(variance + epsilon). The epsilon is large: with a small one, rows of nearly equal
/// elements have few digits.
Value *LayerWriter::divided(Value *x, Value *variance) {
  Value *sum = plus(variance, 0.25);
  Value *root = below(4) ? add(OpKind::Sqrt, {sum}) : add(OpKind::Pow, {sum, number(0.5)});
  if (below(2))
    return add(OpKind::Div, {x, root});
  return chain(OpKind::Mul, {x, add(OpKind::Reciprocal, {root})});
}

Value *LayerWriter::gelu() {
  Value *error = add(OpKind::Erf, {times(M_SQRT1_2, x_)});
  return chain(OpKind::Mul, {x_, number(maybeOff(0.5)), plus(error, 1)});
}

Value *LayerWriter::tanhGelu() {
  Value *cube = below(2) ? add(OpKind::Pow, {x_, number(3)}) : chain(OpKind::Mul, {x_, x_, x_});
  Value *inner = chain(OpKind::Add, {x_, times(0.044715, cube)});
  Value *tanh = add(OpKind::Tanh, {times(std::sqrt(2 / M_PI), inner)});
  return chain(OpKind::Mul, {x_, number(0.5), plus(tanh, 1)});
}

Value *LayerWriter::swish() {
  Value *sigmoid = add(OpKind::Sigmoid, {below(2) ? x_ : times(1.702, x_)});
  return chain(OpKind::Mul, {x_, sigmoid});
}

Value *LayerWriter::hardSwish() {
  Value *clip = clipped(plus(x_, 3), 6);
  return below(2) ? times(1.0 / 6, chain(OpKind::Mul, {x_, clip}))
                  : chain(OpKind::Mul, {x_, times(1.0 / 6, clip)});
}

Value *LayerWriter::hardSigmoid() { return clipped(plus(times(0.2, x_), 0.5), 1); }

Value *LayerWriter::mish() {
  Value *tanh = add(OpKind::Tanh, {add(OpKind::Softplus, {x_})});
  return chain(OpKind::Mul, {x_, tanh});
}

Value *LayerWriter::layerNorm() {
  int64_t axis = below(4) ? -1 : 0;
  Value *centred = add(OpKind::Sub, {x_, mean(x_, axis)});
  Value *scaled = chain(OpKind::Mul, {divided(centred, mean(square(centred), axis)), number(1.5)});
  return below(2) ? scaled : plus(scaled, 0.5);
}

Value *LayerWriter::rmsNorm() {
  Value *norm = divided(x_, mean(square(x_), -1));
  return below(2) ? norm : times(1.5, norm);
}

/// As TensorFlow does it.
Value *LayerWriter::batchNorm() {
  Value *m = mean(x_, -1), *variance = mean(square(add(OpKind::Sub, {x_, m})), -1);
  Value *root = add(OpKind::Sqrt, {plus(variance, 0.25)});
  Value *factor = times(1.5, add(OpKind::Reciprocal, {root}));
  Value *shift = add(OpKind::Sub, {number(0.5), add(OpKind::Mul, {m, factor})});
  return add(OpKind::Add, {add(OpKind::Mul, {x_, factor}), shift});
}

Value *LayerWriter::write() {
  bool hasAxes = x_->type.rank() > 0;
  switch (below(hasAxes ? 12 : 6)) {
  case 0:
    return gelu();
  case 1:
    return tanhGelu();
  case 2:
    return swish();
  case 3:
    return hardSwish();
  case 4:
    return hardSigmoid();
  case 5:
    return mish();
  case 6:
  case 7:
    return layerNorm();
  case 8:
  case 9:
    return rmsNorm();
  default:
    return batchNorm();
  }
}

} // namespace

std::vector<Value *> randomLayer(Builder &builder, Value *x, std::mt19937 &random) {
  LayerWriter writer(builder, x, random);
  Value *result = writer.write();
  return {writer.inside(), result};
}

} // namespace cameo
