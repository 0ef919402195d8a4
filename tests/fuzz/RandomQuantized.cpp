// Grows a quantized module layer by layer. Every scale is a power of two and every sum fits a
// float32's mantissa, so that no implementation has anything to round but the ties that the model
// itself asks for, and results are the same to the bit. See RandomModule.h.
#include "tests/fuzz/RandomModule.h"

#include "ir/Builder.h"
#include "ir/Half.h"

#include <cmath>
#include <random>

namespace cameo {
namespace {

constexpr int64_t kMostChannels = 40;

class QuantizedGrower {
public:
  explicit QuantizedGrower(uint32_t seed) : random_(seed) {}
  std::unique_ptr<Module> grow();

private:
  using Step = Value *(QuantizedGrower::*)();

  int64_t below(int64_t limit) { return static_cast<int64_t>(random_() % limit); }
  Value *pick() { return pool_[below(static_cast<int64_t>(pool_.size()))]; }
  /// The result of a new op, or nullptr if it is not valid.
  Value *add(OpKind kind, std::vector<Value *> operands, AttrDict attrs = {});
  Value *scalar(DType dtype, double value) {
    return builder_.constant(makeSplat(dtype, {}, value));
  }
  double powerOfTwo(int64_t least, int64_t most) {
    return std::ldexp(1.0, static_cast<int>(least + below(most - least + 1)));
  }
  Value *weights(DType dtype, std::vector<int64_t> dims, int64_t most);
  /// Weights of 8 bits as floats, with one scale or one for each index along `axis`.
  Value *dequantizedWeights(std::vector<int64_t> dims, int64_t axis);
  /// A value quantized and dequantized, often behind a Relu.
  Value *requantized(Value *value);

  Value *conv();
  Value *matmul();
  Value *sum();
  Value *activation();
  Value *pool();
  Value *transpose();
  Value *concat();
  /// Adds a sum in bytes, and the scale and zero point that the run finds for it.
  void quantizeDynamically(std::vector<Value *> &results);

  std::mt19937 random_;
  std::unique_ptr<Module> module_ = std::make_unique<Module>();
  Builder builder_{*module_};
  std::vector<Value *> pool_; // of dequantized values
};

template <class T> AttrDict attr(const char *name, T value) {
  AttrDict attrs;
  attrs.set(name, std::move(value));
  return attrs;
}

Value *QuantizedGrower::add(OpKind kind, std::vector<Value *> operands, AttrDict attrs) {
  builder_.loc = Loc{{"n" + std::to_string(builder_.block()->ops().size())}};
  Result<Op *> op = builder_.graph(kind, std::move(operands), std::move(attrs));
  return op ? (*op)->result() : nullptr;
}

/// Integers between -most and most.
Value *QuantizedGrower::weights(DType dtype, std::vector<int64_t> dims, int64_t most) {
  int64_t count = checkedNumElements(dims).value();
  std::vector<std::byte> bytes(count * dtypeBytes(dtype));
  for (int64_t i = 0; i < count; i++)
    storeDouble(dtype, bytes.data() + i * dtypeBytes(dtype),
                static_cast<double>(below(2 * most + 1) - most));
  return builder_.constant(makeConst(dtype, std::move(dims), std::move(bytes),
                                     "w" + std::to_string(builder_.block()->ops().size())));
}

Value *QuantizedGrower::dequantizedWeights(std::vector<int64_t> dims, int64_t axis) {
  int64_t channels = dims[axis];
  Value *stored = weights(DType::I8, std::move(dims), 100);
  if (below(2))
    return add(OpKind::DequantizeLinear,
               {stored, scalar(DType::F32, powerOfTwo(-8, -6)), scalar(DType::I8, 0)});
  std::vector<std::byte> scales(channels * sizeof(float));
  for (int64_t i = 0; i < channels; i++)
    storeDouble(DType::F32, scales.data() + i * sizeof(float), powerOfTwo(-8, -6));
  Value *scale = builder_.constant(makeConst(DType::F32, {channels}, std::move(scales)));
  return add(OpKind::DequantizeLinear, {stored, scale}, attr("axis", axis));
}

Value *QuantizedGrower::requantized(Value *value) {
  if (value && below(2))
    value = add(OpKind::Relu, {value});
  if (!value)
    return nullptr;
  bool isSigned = below(2);
  Value *scale = scalar(DType::F32, powerOfTwo(-6, -2));
  Value *zero = isSigned ? scalar(DType::I8, static_cast<double>(below(9) - 4))
                         : scalar(DType::U8, below(2) ? 128 : static_cast<double>(below(5)));
  Value *stored = add(OpKind::QuantizeLinear, {value, scale, zero});
  return add(OpKind::DequantizeLinear, {stored, scale, zero});
}

Value *QuantizedGrower::conv() {
  Value *value = pick();
  if (value->type.rank() != 4 || !value->type.dim(1).isConst())
    return nullptr;
  int64_t channels = value->type.dim(1).value(), kernel = 1 + 2 * below(2);
  // Sums stay below 2^24.
  if (channels > kMostChannels)
    return nullptr;
  bool isDepthwise = below(3) == 0;
  int64_t filters = isDepthwise ? channels : 1 + below(20);
  AttrDict attrs = attr("pads", std::vector<int64_t>(4, kernel / 2));
  attrs.set("strides", std::vector<int64_t>(2, 1 + below(2)));
  attrs.set("group", isDepthwise ? channels : int64_t{1});
  Value *w = dequantizedWeights({filters, isDepthwise ? 1 : channels, kernel, kernel}, 0);
  std::vector<Value *> operands = {value, w};
  if (below(2)) {
    Value *scale = scalar(DType::F32, std::ldexp(1.0, -12));
    operands.push_back(
        add(OpKind::DequantizeLinear, {weights(DType::I32, {filters}, 1000), scale}));
  }
  return requantized(add(OpKind::Conv, operands, std::move(attrs)));
}

Value *QuantizedGrower::matmul() {
  Value *value = pick();
  if (value->type.rank() < 2 || !value->type.shape().back().isConst())
    return nullptr;
  int64_t depth = value->type.shape().back().value();
  return requantized(add(OpKind::MatMul, {value, dequantizedWeights({depth, 1 + below(20)}, 1)}));
}

Value *QuantizedGrower::sum() { return requantized(add(OpKind::Add, {pick(), pick()})); }

Value *QuantizedGrower::activation() {
  if (below(2))
    return requantized(add(OpKind::LeakyRelu, {pick()}, attr("alpha", 0.25)));
  AttrDict attrs = attr("alpha", 0.125);
  attrs.set("beta", 0.5);
  return requantized(add(OpKind::HardSigmoid, {pick()}, std::move(attrs)));
}

Value *QuantizedGrower::pool() {
  AttrDict attrs = attr("kernel_shape", std::vector<int64_t>{2, 2});
  attrs.set("strides", std::vector<int64_t>{2, 2});
  Value *value = pick();
  if (value->type.rank() != 4)
    return nullptr;
  return requantized(add(below(2) ? OpKind::MaxPool : OpKind::AveragePool, {value}, attrs));
}

Value *QuantizedGrower::transpose() {
  Value *value = pick();
  if (value->type.rank() != 4)
    return nullptr;
  return requantized(
      add(OpKind::Transpose, {value}, attr("perm", std::vector<int64_t>{0, 1, 3, 2})));
}

Value *QuantizedGrower::concat() {
  return requantized(add(OpKind::Concat, {pick(), pick()}, attr("axis", int64_t{1})));
}

void QuantizedGrower::quantizeDynamically(std::vector<Value *> &results) {
  Value *sum = add(OpKind::Add, {pick(), pick()});
  if (!sum)
    return;
  Result<Op *> op = builder_.graph(OpKind::DynamicQuantizeLinear, {sum}, {}, 3);
  for (int64_t i = 0; op && i < (*op)->numResults(); i++)
    results.push_back((*op)->result(i));
}

std::unique_ptr<Module> QuantizedGrower::grow() {
  static constexpr Step kSteps[] = {
      &QuantizedGrower::conv, &QuantizedGrower::conv,      &QuantizedGrower::matmul,
      &QuantizedGrower::sum,  &QuantizedGrower::pool,      &QuantizedGrower::concat,
      &QuantizedGrower::conv, &QuantizedGrower::transpose, &QuantizedGrower::activation,
  };
  Func *func = module_->addFunc("main");
  builder_.atEnd(func->body);
  Value *x = func->body.addArg(Type::tensor(DType::F32, {Dim::symbol("N"), 3, 6, 6}), "x");
  pool_.push_back(requantized(x));
  int64_t steps = 2 + below(8);
  for (int64_t i = 0; i < steps; i++)
    if (Value *value = (this->*kSteps[below(std::size(kSteps))])())
      pool_.push_back(value);
  // The last layer's bytes, and the floats of any, or of a layer that is not quantized.
  Value *last = pool_.back()->definingOp()->operand(0);
  Value *floats = below(2) ? pick() : randomLayer(builder_, pick(), random_).back();
  std::vector<Value *> results = {last, floats};
  if (below(2))
    quantizeDynamically(results);
  for (size_t i = 0; i < results.size(); i++)
    func->resultNames.push_back("y" + std::to_string(i));
  builder_.create(OpKind::LoopReturn, results, {});
  return std::move(module_);
}

} // namespace

std::unique_ptr<Module> randomQuantizedModule(uint32_t seed) {
  return QuantizedGrower(seed).grow();
}

} // namespace cameo
