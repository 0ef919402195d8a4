// Products with weights of few bits: those with dequantized weights.
#include "frontend/ContribSteps.h"

namespace cameo {
namespace {

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
  Value *elements = TRY(takeBits(u, 1, blocks, padded)), *scales = TRY(u.required(2));
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
  Value *a = TRY(u.required(0)), *weights = TRY(blockwise(u, blocks));
  if (blocks.k % blocks.size)
    weights = TRY(u.emit(OpKind::Slice, {weights, u.ints({0}), u.ints({blocks.k}), u.ints({1})}));
  AttrDict columns;
  columns.set("perm", std::vector<int64_t>{1, 0});
  weights = TRY(u.emit(OpKind::Transpose, {weights}, std::move(columns)));
  Value *y = TRY(u.emit(OpKind::MatMul, {a, weights}));
  if (Value *bias = u.input(5))
    y = TRY(u.emit(OpKind::Add, {y, bias}));
  u.node.results = {y};
  return {};
}

constexpr Expansion kExpansions[] = {
    {"MatMulNBits", matMulNBits, 6},
};

} // namespace

std::span<const Expansion> fewBitsExpansions() { return kExpansions; }

} // namespace cameo
