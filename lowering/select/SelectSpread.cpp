// Images made of parts or positions: AffineGrid, Col2Im, MaxUnpool.
#include "lowering/select/Select.h"

#include "ir/infer/Infer.h"
#include "ir/kernel/Elements.h"
#include "lowering/build/Shapes.h"

namespace cameo {

/// Each position is a product of a row of theta with the output element's own
/// coordinates, which run from -1 to 1, innermost first.
Result<void> selectAffineGrid(Selection &s) {
  Type theta = s.in(0);
  Dims out = s.out().shape();
  int64_t rank = s.out().rank() - 2;
  bool corners = s.op.attrs.getInt("align_corners");
  DType work = theta.dtype() == DType::F64 ? DType::F64 : DType::F32;
  generate(s, {s.op.operand(0)}, [&](LoopBuilder &b, const std::vector<Value *> &index) {
    auto number = [&](double value) { return b.constant(Type::scalar(DType::F64), value); };
    auto real = [&](Value *i) { return b.cast(b.cast(i, DType::I64), DType::F64); };
    auto entry = [&](int64_t column) {
      Value *batch = indexWithin(b, index[0], out[0], theta.dim(0));
      return b.cast(elementAt(b, theta, 0, {batch, index.back(), b.index(column)}), work);
    };
    Value *sum = entry(rank);
    for (int64_t k = 0; k < rank; k++) {
      int64_t dim = rank - k;
      Value *size = real(sizeValue(b, out[dim])), *at = b.mul(real(index[dim]), number(2)), *x;
      if (corners) {
        Value *last = b.sub(size, number(1));
        Value *lone = b.cmp("eq", size, number(1));
        x = b.select(lone, number(0), b.sub(b.div(at, last), number(1)));
      } else {
        x = b.sub(b.div(b.add(at, number(1)), size), number(1));
      }
      sum = b.add(sum, b.mul(entry(k), b.cast(x, work)));
    }
    return sum;
  });
  return {};
}

/// Each element of the image is the sum of the blocks that cover it.
Result<void> selectCol2Im(Selection &s) {
  InferContext context(s.module, s.op);
  std::optional<std::vector<int64_t>> block = context.knownInts(2);
  constexpr int64_t mostTaps = 1 << 20;
  int64_t taps = 1;
  if (!block)
    return s.unsupportedBecause("blocks of a size known only at run time are not supported yet");
  for (int64_t extent : *block)
    if (__builtin_mul_overflow(taps, extent, &taps) || taps > mostTaps)
      return s.unsupportedBecause("a block this large is not supported");
  size_t rank = block->size();
  std::vector<int64_t> strides = s.op.attrs.getInts("strides", std::vector<int64_t>(rank, 1));
  std::vector<int64_t> dilations = s.op.attrs.getInts("dilations", std::vector<int64_t>(rank, 1));
  std::vector<int64_t> pads = s.op.attrs.getInts("pads", std::vector<int64_t>(2 * rank, 0));
  Type x = s.in(0);
  Dims out = s.out().shape(), counts;
  Dim positions(1);
  for (size_t i = 0; i < rank; i++) {
    Dim room = out[i + 2] + Dim(pads[i]) + Dim(pads[i + rank] - 1) -
               Dim((*block)[i] - 1) * Dim(dilations[i]);
    counts.push_back(Dim::floorDiv(room, Dim(strides[i])) + Dim(1));
    positions = positions * counts.back();
  }
  generate(s, {s.op.operand(0)}, [&](LoopBuilder &b, const std::vector<Value *> &index) {
    DType dtype = workType(x.dtype());
    Type work = Type::scalar(dtype);
    auto add = [&](Value *tap, const LoopBuilder::Values &now) -> LoopBuilder::Values {
      Value *left = tap, *column = b.index(0), *inside = nullptr, *zero = b.index(0);
      std::vector<Value *> at(rank);
      for (size_t i = rank; i-- > 0;) {
        Value *along = i == 0 ? left : b.rem(left, b.index((*block)[i]));
        left = i == 0 ? left : b.div(left, b.index((*block)[i]));
        Value *from =
            b.sub(b.add(index[i + 2], b.index(pads[i])), b.mul(along, b.index(dilations[i])));
        Value *stride = b.index(strides[i]), *count = sizeValue(b, counts[i]);
        Value *which = b.div(from, stride);
        inside = both(b, inside, b.cmp("ge", from, zero));
        inside = both(b, inside, b.cmp("eq", b.rem(from, stride), zero));
        inside = both(b, inside, b.cmp("lt", which, count));
        at[i] = which;
      }
      for (size_t i = 0; i < rank; i++)
        column = b.add(b.mul(column, sizeValue(b, counts[i])), at[i]);
      column = b.select(inside, column, zero);
      Value *row = b.add(b.mul(index[1], b.index(taps)), tap);
      Value *element = b.cast(
          elementAt(b, x, 0, {index[0], row, indexWithin(b, column, positions, x.dim(2))}), dtype);
      return {b.add(now[0], b.select(inside, element, b.constant(work, 0)))};
    };
    return b.forLoop(b.index(0), b.index(taps), 1, {b.constant(work, 0)}, add)[0];
  });
  return {};
}

/// Elements go back where MaxPool found them, zeros elsewhere. With an
/// output_shape the indices still are those of the shape that attributes imply.
Result<void> selectMaxUnpool(Selection &s) {
  Type x = s.in(0);
  Dims out = s.out().shape(), implied = {x.dim(0), x.dim(1)};
  size_t rank = x.rank() - 2;
  std::vector<int64_t> kernel = s.op.attrs.getInts("kernel_shape");
  std::vector<int64_t> strides = s.op.attrs.getInts("strides", std::vector<int64_t>(rank, 1));
  std::vector<int64_t> pads = s.op.attrs.getInts("pads", std::vector<int64_t>(2 * rank, 0));
  for (size_t i = 0; i < rank; i++)
    implied.push_back((x.dim(static_cast<int64_t>(i) + 2) - Dim(1)) * Dim(strides[i]) +
                      Dim(kernel[i]) - Dim(pads[i]) - Dim(pads[i + rank]));
  Type indexType = s.in(1).withShape({product(s.in(1).shape()), Dim(1)});
  Value *where = reshapeView(s.b, s.op.operand(1), indexType.shape());
  where = generated(s, {where}, indexType, [&](LoopBuilder &b, const std::vector<Value *> &index) {
    Value *left = positionFrom(b, elementAt(b, indexType, 0, index), product(implied));
    std::vector<Value *> at(implied.size());
    for (size_t i = implied.size(); i-- > 0;) {
      Value *extent = sizeValue(b, implied[i]);
      at[i] = indexWithin(b, i == 0 ? left : b.rem(left, extent), implied[i], out[i]);
      left = i == 0 ? left : b.div(left, extent);
    }
    Value *number = b.index(0);
    for (size_t i = 0; i < at.size(); i++)
      number = b.add(b.mul(number, sizeValue(b, out[i])), at[i]);
    return b.cast(number, DType::I64);
  });
  Type flat = s.out().withShape({product(out)});
  Value *zeros = generated(s, {}, flat, [&](LoopBuilder &b, const std::vector<Value *> &) {
    return b.constant(Type::scalar(flat.dtype()), 0);
  });
  Value *updates = reshapeView(s.b, s.op.operand(0), {product(x.shape())});
  Op *scatter = s.b.create(OpKind::KernelScatter, {zeros, where, updates}, {flat},
                           dictOf(ScatterAttrs{ScatterForm::Tuples, 0}), 1);
  scatter->region().addArg(Type::scalar(flat.dtype()));
  Value *update = scatter->region().addArg(Type::scalar(flat.dtype()));
  s.b.atEnd(scatter->region());
  s.b.create(OpKind::LoopYield, {update}, {});
  s.b.after(scatter);
  s.replaceWithValue(reshapeView(s.b, scatter->result(), out));
  return {};
}

} // namespace cameo
