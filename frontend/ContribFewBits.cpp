// Products with weights of few bits and rows of tables of them: those with dequantized weights.
#include "frontend/ExpandSteps.h"

namespace cameo {
namespace {

/// Elements of `bits` bits (2, 4 or 8), rows of which begin at a byte, as bytes; the first of those
/// in a byte is the lowest.
ConstRef unpacked(const ConstData &packed, int64_t bits, int64_t rows, int64_t columns) {
  int64_t each = 8 / bits, rowBytes = (columns + each - 1) / each;
  std::vector<std::byte> bytes;
  bytes.reserve(rows * columns);
  for (int64_t row = 0; row < rows; row++)
    for (int64_t i = 0; i < columns; i++) {
      std::byte all = packed.bytes[row * rowBytes + i / each];
      bytes.push_back(all >> (i % each * bits) & std::byte((1 << bits) - 1));
    }
  return makeConst(DType::U8, {rows, columns}, std::move(bytes), packed.name);
}

/// Weights of N rows of K elements, in blocks along a row.
struct Blocks {
  int64_t k = 0, n = 0, bits = 4, size = 0;

  int64_t count() const { return (k + size - 1) / size; }
};

Result<void> checkBlocks(Upgrade &u, const Blocks &blocks) {
  if (blocks.bits != 2 && blocks.bits != 4 && blocks.bits != 8)
    return u.unsupported("weights of " + std::to_string(blocks.bits) +
                         " bits are not supported, only of 2, 4 and 8");
  if (blocks.size < 16 || blocks.size & (blocks.size - 1))
    return u.error("attribute 'block_size': expected a power of two from 16 on, got " +
                   std::to_string(blocks.size));
  return {};
}

Result<Blocks> takeBlocks(Upgrade &u) {
  Blocks blocks;
  blocks.k = TRY(u.takeInt("K", 0));
  blocks.n = TRY(u.takeInt("N", 0));
  blocks.bits = TRY(u.takeInt("bits", 4));
  blocks.size = TRY(u.takeInt("block_size", 0));
  u.drop("accuracy_level");
  if (TRY(u.takeInt("weight_prepacked", 0)))
    return u.unsupported("weights packed for a processor are not supported");
  TRY(checkBlocks(u, blocks));
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

/// Rows of one number a block.
Result<Value *> rowsOfBlocks(Upgrade &u, const Blocks &blocks, Value *value) {
  return u.emit(OpKind::Reshape, {value, u.ints({blocks.n, blocks.count()})});
}

/// Input 3, packed as the elements are, or floats; half of the elements' range without it.
Result<Value *> zeroPoints(Upgrade &u, const Blocks &blocks) {
  if (!u.has(3))
    return u.build.constant(
        makeSplat(DType::U8, {blocks.n, blocks.count()}, double(1 << (blocks.bits - 1))));
  if (u.node.inputs[3]->type.dtype() == DType::U8)
    return takeBits(u, 3, blocks, blocks.count());
  return rowsOfBlocks(u, blocks, u.node.inputs[3]);
}

/// Input 4, which names the block of each element; without it they follow each other.
Result<Value *> blockOfElements(Upgrade &u, const Blocks &blocks) {
  if (Value *order = u.input(4))
    return u.emit(OpKind::Slice, {order, u.ints({0}), u.ints({blocks.k})});
  std::vector<int64_t> order(blocks.k);
  for (int64_t i = 0; i < blocks.k; i++)
    order[i] = i / blocks.size;
  return u.ints(order);
}

Result<Value *> firstColumns(Upgrade &u, Value *x, int64_t count) {
  return u.emit(OpKind::Slice, {x, u.ints({0}), u.ints({count}), u.ints({1})});
}

/// The weights [N, K] of inputs 1 to 4.
Result<Value *> dequantizedWeights(Upgrade &u, const Blocks &blocks) {
  Value *elements = TRY(takeBits(u, 1, blocks, blocks.count() * blocks.size));
  Value *scales = TRY(rowsOfBlocks(u, blocks, TRY(u.required(2))));
  Value *zero = TRY(zeroPoints(u, blocks));
  if (!u.has(4) && zero->type.dtype() == DType::U8) {
    Value *weights = TRY(u.emit(OpKind::DequantizeLinear, {elements, scales, zero},
                                attributes({{"axis", int64_t{1}}, {"block_size", blocks.size}})));
    return blocks.k % blocks.size ? firstColumns(u, weights, blocks.k) : weights;
  }
  DType dtype = scales->type.dtype();
  Value *order = TRY(blockOfElements(u, blocks));
  auto each = [&](Value *ofBlocks) {
    return u.emit(OpKind::Gather, {ofBlocks, order}, attributes({{"axis", int64_t{1}}}));
  };
  elements = TRY(u.cast(TRY(firstColumns(u, elements, blocks.k)), dtype));
  zero = TRY(each(TRY(u.cast(zero, dtype))));
  Value *shifted = TRY(u.emit(OpKind::Sub, {elements, zero}));
  return u.emit(OpKind::Mul, {shifted, TRY(each(scales))});
}

/// A, the weights, their scales, zero points and order, a bias.
Result<void> matMulNBits(Upgrade &u) {
  Blocks blocks = TRY(takeBlocks(u));
  Value *a = TRY(u.required(0)), *weights = TRY(dequantizedWeights(u, blocks));
  Value *y = TRY(u.emit(OpKind::MatMul, {a, TRY(transposed(u, weights, {1, 0}))}));
  if (Value *bias = u.input(5))
    y = TRY(u.emit(OpKind::Add, {y, bias}));
  u.node.results = {y};
  return {};
}

/// Rows of a table, input 0, by their numbers, input 1; scales and zero points of blocks of a row.
Result<void> gatherBlocks(Upgrade &u) {
  Blocks blocks;
  blocks.bits = TRY(u.takeInt("bits", 4)), blocks.size = TRY(u.takeInt("block_size", 128));
  int64_t along = TRY(u.takeInt("quantize_axis", 1)), rows = TRY(u.takeInt("gather_axis", 0));
  ConstRef table = u.constant(0);
  if (!table || table->dtype != DType::U8 || table->dims.size() != 2)
    return u.unsupported("a table that is no constant matrix of bytes is not supported");
  if ((along != 1 && along != -1) || (rows != 0 && rows != -2))
    return u.unsupported("blocks that are not parts of what is gathered are not supported");
  TRY(checkBlocks(u, blocks));
  blocks.n = table->dims[0], blocks.k = table->dims[1] * (8 / blocks.bits);
  Value *numbers = TRY(u.required(1));
  Value *scales = TRY(rowsOfBlocks(u, blocks, TRY(u.required(2))));
  auto gathered = [&](Value *x) { return u.emit(OpKind::Gather, {x, numbers}); };
  Value *elements = TRY(gathered(TRY(takeBits(u, 0, blocks, blocks.k))));
  scales = TRY(gathered(scales));
  Value *zero = TRY(gathered(TRY(zeroPoints(u, blocks))));
  u.node.results = {TRY(u.emit(OpKind::DequantizeLinear, {elements, scales, zero},
                               attributes({{"axis", int64_t{-1}}, {"block_size", blocks.size}})))};
  return {};
}

constexpr Expansion kExpansions[] = {
    {"GatherBlockQuantized", gatherBlocks, 4},
    {"MatMulNBits", matMulNBits, 6},
};

} // namespace

std::span<const Expansion> fewBitsExpansions() { return kExpansions; }

} // namespace cameo
