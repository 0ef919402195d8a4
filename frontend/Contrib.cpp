// See Contrib.h. A quantized operator is the float one between DequantizeLinear and QuantizeLinear;
// the passes of lowering/quant make integer arithmetic of it. Products with weights of few bits are
// those with dequantized weights.
#include "frontend/Contrib.h"

#include <unordered_map>

namespace cameo {
namespace {

using Values = std::vector<Value *>;

Value *input(Upgrade &u, size_t i) { return u.has(i) ? u.node.inputs[i] : nullptr; }

Result<Value *> required(Upgrade &u, size_t i) {
  if (!u.has(i))
    return u.error("input " + std::to_string(i) + " is missing");
  return u.node.inputs[i];
}

/// The dequantized tensor of inputs first, first + 1 (scale) and first + 2 (zero point).
Result<Value *> dequantize(Upgrade &u, size_t first, AttrDict attrs = {}) {
  Value *x = TRY(required(u, first)), *scale = TRY(required(u, first + 1));
  return u.emit(OpKind::DequantizeLinear, {x, scale, input(u, first + 2)}, std::move(attrs));
}

/// Sets the result: y quantized with inputs scale and scale + 1 (zero point).
Result<void> finish(Upgrade &u, Value *y, size_t scale) {
  Value *step = TRY(required(u, scale));
  AttrDict attrs;
  // Without a zero point the result has the type of the first quantized input.
  if (!u.has(scale + 1))
    attrs.set("output_dtype", TRY(required(u, 0))->type.dtype());
  u.node.results = {
      TRY(u.emit(OpKind::QuantizeLinear, {y, step, input(u, scale + 1)}, std::move(attrs)))};
  return {};
}

/// x, scale, zero point, result's scale, result's zero point; the node's attributes are the float
/// operator's.
template <OpKind kind> Result<void> unary(Upgrade &u) {
  Value *x = TRY(dequantize(u, 0));
  return finish(u, TRY(u.emit(kind, {x}, u.node.attrs)), 3);
}

template <OpKind kind> Result<void> binary(Upgrade &u) {
  Value *a = TRY(dequantize(u, 0)), *b = TRY(dequantize(u, 3));
  return finish(u, TRY(u.emit(kind, {a, b})), 6);
}

template <OpKind kind> Result<void> pool(Upgrade &u) {
  if (TRY(u.takeInt("channels_last", 0)))
    return u.unsupported("channels_last is not supported");
  return unary<kind>(u);
}

/// The opset whose Softmax is meant says what `axis` is.
Result<void> softmax(Upgrade &u) {
  if (TRY(u.takeInt("opset", 13)) < 13)
    return u.unsupported("the softmax of opsets before 13 is not supported");
  return unary<OpKind::Softmax>(u);
}

/// Result's scale and zero point, then x, scale, zero point of each operand.
Result<void> concat(Upgrade &u) {
  Values operands;
  for (size_t i = 2; i < u.node.inputs.size(); i += 3)
    operands.push_back(TRY(dequantize(u, i)));
  Value *joined = TRY(u.emit(OpKind::Concat, std::move(operands), u.node.attrs));
  AttrDict attrs;
  if (!u.has(1))
    attrs.set("output_dtype", DType::U8);
  u.node.results = {TRY(u.emit(OpKind::QuantizeLinear, {joined, TRY(required(u, 0)), input(u, 1)},
                               std::move(attrs)))};
  return {};
}

/// a, scale, zero point, b, scale, zero point, c in units of alpha * the two scales; without a
/// scale of the result it is a float.
Result<void> gemm(Upgrade &u) {
  bool transB = TRY(u.takeInt("transB", 0));
  AttrDict attrs, columns;
  attrs.set("transA", TRY(u.takeInt("transA", 0)));
  attrs.set("transB", int64_t(transB));
  columns.set("axis", int64_t(transB ? 0 : 1));
  double alpha = TRY(u.takeFloat("alpha", 1));
  Value *a = TRY(dequantize(u, 0)), *b = TRY(dequantize(u, 3, std::move(columns)));
  Values operands = {a, b};
  if (Value *c = input(u, 6)) {
    Value *scale = TRY(u.emit(OpKind::Mul, {u.node.inputs[1], u.node.inputs[4]}));
    AttrDict axis;
    axis.set("axis", int64_t(-1));
    operands.push_back(TRY(u.emit(OpKind::DequantizeLinear, {c, scale}, std::move(axis))));
  }
  Value *y = TRY(u.emit(OpKind::Gemm, std::move(operands), std::move(attrs)));
  if (alpha != 1)
    y = TRY(u.emit(OpKind::Mul, {y, u.scalar(y->type.dtype(), alpha)}));
  if (u.has(7))
    return finish(u, y, 7);
  u.node.results = {y};
  return {};
}

/// Elements of `bits` bits (4 or 8), rows of which begin at a byte, as bytes; the first of two is
/// in the low half.
ConstRef unpacked(const ConstData &packed, int64_t bits, int64_t rows, int64_t columns) {
  int64_t each = 8 / bits, rowBytes = (columns + each - 1) / each;
  std::vector<std::byte> bytes;
  bytes.reserve(rows * columns);
  for (int64_t row = 0; row < rows; row++)
    for (int64_t i = 0; i < columns; i++) {
      std::byte pair = packed.bytes[row * rowBytes + i / each];
      bytes.push_back(bits == 8 ? pair : i % 2 ? pair >> 4 : pair & std::byte(15));
    }
  return makeConst(DType::U8, {rows, columns}, std::move(bytes), packed.name);
}

/// What MatMulNBits says of its weights: N rows of K elements, in blocks along a row.
struct Blocks {
  int64_t k = 0, n = 0, bits = 4, size = 0;

  int64_t count() const { return (k + size - 1) / size; }
};

Result<Blocks> takeBlocks(Upgrade &u) {
  Blocks blocks;
  blocks.k = TRY(u.takeInt("K", 0));
  blocks.n = TRY(u.takeInt("N", 0));
  blocks.bits = TRY(u.takeInt("bits", 4));
  blocks.size = TRY(u.takeInt("block_size", 0));
  u.drop("accuracy_level");
  if (blocks.bits != 4 && blocks.bits != 8)
    return u.unsupported("weights of " + std::to_string(blocks.bits) +
                         " bits are not supported, only of 4 and 8");
  if (blocks.size < 16 || blocks.size & (blocks.size - 1))
    return u.error("attribute 'block_size': expected a power of two from 16 on, got " +
                   std::to_string(blocks.size));
  if (blocks.k < 1 || blocks.n < 1)
    return u.error("attributes 'K' and 'N': expected sizes of the weights, got " +
                   std::to_string(blocks.k) + " and " + std::to_string(blocks.n));
  return blocks;
}

/// Input i as bytes, one an element.
Result<Value *> takeBits(Upgrade &u, size_t i, const Blocks &blocks, int64_t columns) {
  ConstRef packed = u.constant(i);
  if (!packed)
    return u.unsupported("input " + std::to_string(i) + " must be a constant");
  int64_t bytes = blocks.n * ((columns * blocks.bits + 7) / 8);
  if (packed->dtype != DType::U8 || std::ssize(packed->bytes) != bytes)
    return u.error("input " + std::to_string(i) + ": expected " + std::to_string(bytes) +
                   " bytes, got " + std::to_string(packed->numElements()) + " elements of " +
                   std::string(dtypeName(packed->dtype)));
  return u.build.constant(unpacked(*packed, blocks.bits, blocks.n, columns));
}

/// The weights [N, K] of inputs 1 to 3: elements, scales and zero points, which are half of the
/// elements' range if there are none, packed as the elements are, or floats.
Result<Value *> blockwise(Upgrade &u, const Blocks &blocks) {
  int64_t padded = blocks.count() * blocks.size;
  Value *elements = TRY(takeBits(u, 1, blocks, padded)), *scales = TRY(required(u, 2));
  DType dtype = scales->type.dtype();
  auto asBlocks = [&](Value *value, std::vector<int64_t> dims) {
    return u.emit(OpKind::Reshape, {value, u.ints(dims)});
  };
  scales = TRY(asBlocks(scales, {blocks.n, blocks.count()}));
  bool isFloat = u.has(3) && u.node.inputs[3]->type.dtype() != DType::U8;
  if (isFloat) {
    Value *steps = TRY(asBlocks(TRY(u.cast(elements, dtype)), {blocks.n, blocks.count(), -1}));
    Value *zero = TRY(asBlocks(u.node.inputs[3], {blocks.n, blocks.count(), 1}));
    Value *scale = TRY(asBlocks(scales, {blocks.n, blocks.count(), 1}));
    Value *shifted = TRY(u.emit(OpKind::Sub, {steps, zero}));
    return asBlocks(TRY(u.emit(OpKind::Mul, {shifted, scale})), {blocks.n, padded});
  }
  Value *zero = u.has(3) ? TRY(takeBits(u, 3, blocks, blocks.count()))
                         : u.build.constant(makeSplat(DType::U8, {blocks.n, blocks.count()},
                                                      double(1 << (blocks.bits - 1))));
  AttrDict attrs;
  attrs.set("axis", int64_t{1});
  attrs.set("block_size", blocks.size);
  return u.emit(OpKind::DequantizeLinear, {elements, scales, zero}, std::move(attrs));
}

/// A, the weights, their scales and zero points, the order of the blocks, a bias.
Result<void> matMulNBits(Upgrade &u) {
  if (u.has(4))
    return u.unsupported("g_idx is not supported");
  Blocks blocks = TRY(takeBlocks(u));
  Value *a = TRY(required(u, 0)), *weights = TRY(blockwise(u, blocks));
  if (blocks.k % blocks.size)
    weights = TRY(u.emit(OpKind::Slice, {weights, u.ints({0}), u.ints({blocks.k}), u.ints({1})}));
  AttrDict columns;
  columns.set("perm", std::vector<int64_t>{1, 0});
  weights = TRY(u.emit(OpKind::Transpose, {weights}, std::move(columns)));
  Value *y = TRY(u.emit(OpKind::MatMul, {a, weights}));
  if (Value *bias = input(u, 5))
    y = TRY(u.emit(OpKind::Add, {y, bias}));
  u.node.results = {y};
  return {};
}

/// The operator is ONNX's own.
template <OpKind kind> Result<void> same(Upgrade &u) {
  u.node.results = {TRY(u.emit(kind, u.node.inputs, u.node.attrs))};
  return {};
}

using Expansion = Result<void> (*)(Upgrade &);

const std::unordered_map<std::string_view, Expansion> &expansions() {
  static const std::unordered_map<std::string_view, Expansion> table = {
      {"QuantizeLinear", same<OpKind::QuantizeLinear>},
      {"DequantizeLinear", same<OpKind::DequantizeLinear>},
      {"Gelu", same<OpKind::Gelu>},
      {"QLinearAdd", binary<OpKind::Add>},
      {"QLinearMul", binary<OpKind::Mul>},
      {"QLinearAveragePool", pool<OpKind::AveragePool>},
      {"QLinearGlobalAveragePool", pool<OpKind::GlobalAveragePool>},
      {"QLinearLeakyRelu", unary<OpKind::LeakyRelu>},
      {"QLinearSigmoid", unary<OpKind::Sigmoid>},
      {"QLinearSoftmax", softmax},
      {"QLinearConcat", concat},
      {"QGemm", gemm},
      {"MatMulNBits", matMulNBits},
  };
  return table;
}

} // namespace

bool isContribOperator(const std::string &op) { return expansions().count(op) > 0; }

Result<void> expandContrib(OldNode &node, Builder &build) {
  Upgrade upgrade(node, build);
  return expansions().at(node.op)(upgrade);
}

} // namespace cameo
