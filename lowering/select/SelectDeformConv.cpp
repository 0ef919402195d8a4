// Deformable convolution: what each tap reads at its shifted position, by
// linear interpolation, as rows of a matrix product with the weights. Channels
// are innermost, so that positions are computed once a tap where the input has
// them innermost too.
#include "lowering/select/Select.h"

#include "lowering/build/Shapes.h"

namespace cameo {
namespace {

struct Deform {
  Selection &s;
  LoopBuilder &b;
  Type x, offset;
  int64_t rank, group, offsetGroups;
  Dims kernel, out;   // spatial
  Dim channels, taps; // of a group
  std::vector<int64_t> strides, dilations, pads;
  DType work;

  explicit Deform(Selection &s)
      : s(s), b(s.b), x(s.in(0)), offset(s.in(2)), rank(x.rank() - 2),
        group(s.op.attrs.getInt("group")), offsetGroups(s.op.attrs.getInt("offset_group")),
        kernel(s.in(1).shape().begin() + 2, s.in(1).shape().end()),
        out(s.out().shape().begin() + 2, s.out().shape().end()), channels(s.in(1).dim(1)),
        taps(cameo::product(kernel)), strides(list("strides", 1)), dilations(list("dilations", 1)),
        pads(list("pads", 0)), work(x.dtype() == DType::F64 ? DType::F64 : DType::F32) {}

  /// An attribute with an entry, or two, a spatial dim.
  std::vector<int64_t> list(const char *name, int64_t otherwise) const {
    return s.op.attrs.getInts(name, std::vector<int64_t>(2 * rank, otherwise));
  }

  Value *real(double value) { return b.constant(Type::scalar(DType::F64), value); }

  /// Weights [M, C/g, kernel...] as [g, taps * C/g, M/g].
  Result<Value *> weights() {
    const Dim groups(group), outputs = Dim::floorDiv(s.in(1).dim(0), groups);
    // Constant weights are rearranged here, whose sizes are known.
    auto reshaped = [&](Value *from, const Dims &shape) -> Result<Value *> {
      std::optional<std::vector<int64_t>> sizes = constantDims(shape);
      if (!sizes)
        return reshapeView(b, from, shape);
      return lowered(s, OpKind::Reshape, {from, b.Builder::constant(makeConst(*sizes))});
    };
    Value *w = TRY(reshaped(s.op.operand(1), {groups, outputs, channels, taps}));
    AttrDict attrs;
    attrs.set("perm", std::vector<int64_t>{0, 3, 2, 1});
    w = TRY(lowered(s, OpKind::Transpose, {w}, std::move(attrs)));
    return reshaped(w, {groups, taps * channels, outputs});
  }

  struct Along {
    Value *low, *ratio; // f64
  };

  /// Where a tap reads along one dim.
  Along along(size_t i, Value *at, Value *tap, Value *first, const std::vector<Value *> &where) {
    Value *start = b.sub(b.mul(at, b.index(strides[i])), b.index(pads[i]));
    Value *regular = b.add(start, b.mul(tap, b.index(dilations[i])));
    std::vector<Value *> shift = where;
    shift[1] = b.add(first, b.index(static_cast<int64_t>(i)));
    Value *position = b.add(b.cast(b.cast(regular, DType::I64), DType::F64),
                            b.cast(elementAt(b, offset, 1, shift), DType::F64));
    Value *low = b.unary(OpKind::ScalarFloor, position);
    return {low, b.sub(position, low)};
  }

  /// The sum over the corners of the dims from `dim` on; a corner outside
  /// counts 0.
  Value *corners(const std::vector<Along> &dims, size_t dim, std::vector<Value *> at) {
    if (dim == dims.size())
      return b.cast(elementAt(b, x, 0, at), work);
    Value *total = nullptr, *size = sizeValue(b, x.dim(static_cast<int64_t>(dim) + 2));
    Value *extent = b.cast(b.cast(size, DType::I64), DType::F64);
    for (int64_t corner = 0; corner < 2; corner++) {
      Value *position = b.add(dims[dim].low, real(static_cast<double>(corner)));
      Value *weight = corner ? dims[dim].ratio : b.sub(real(1), dims[dim].ratio);
      Value *seen = both(b, b.cmp("ge", position, real(0)), b.cmp("lt", position, extent));
      seen = both(b, seen, b.cmp("ne", weight, real(0)));
      Value *index = b.toIndex(b.cast(position, DType::I64));
      at[dim + 2] = clampedIndex(b, index, x.dim(static_cast<int64_t>(dim) + 2));
      Value *term = b.mul(corners(dims, dim + 1, at), b.cast(weight, work));
      term = b.select(seen, term, b.constant(Type::scalar(work), 0));
      total = total ? b.add(total, term) : term;
    }
    return total;
  }

  /// Element (image, out..., group, tap, channel) of the samples.
  Value *sample(const std::vector<Value *> &index) {
    Value *tap = index[rank + 2];
    Value *channel = b.add(b.mul(index[rank + 1], sizeValue(b, channels)), index[rank + 3]);
    Value *part = b.index(0);
    if (offsetGroups > 1)
      part = b.div(channel, sizeValue(b, Dim::floorDiv(channels * Dim(group), Dim(offsetGroups))));
    Value *line = b.add(b.mul(part, sizeValue(b, taps)), tap);
    std::vector<Value *> where = {index[0], line};
    where.insert(where.end(), index.begin() + 1, index.begin() + 1 + rank);
    Value *first = b.mul(line, b.index(rank)), *left = tap;
    std::vector<Along> dims(rank);
    for (size_t i = static_cast<size_t>(rank); i-- > 0;) {
      Value *extent = sizeValue(b, kernel[i]);
      Value *step = i == 0 ? left : b.rem(left, extent);
      left = i == 0 ? left : b.div(left, extent);
      dims[i] = along(i, index[i + 1], step, first, where);
    }
    std::vector<Value *> at(rank + 2, nullptr);
    at[0] = index[0], at[1] = channel;
    Value *result = corners(dims, 0, at);
    if (Value *mask = s.op.operand(4))
      result = b.mul(result, b.cast(elementAt(b, mask->type, 2, where), work));
    return result;
  }

  Result<Value *> product() {
    Dims shape = {x.dim(0)};
    shape.insert(shape.end(), out.begin(), out.end());
    shape.insert(shape.end(), {Dim(group), taps, channels});
    std::vector<Value *> operands = {s.op.operand(0), s.op.operand(2)};
    if (Value *mask = s.op.operand(4))
      operands.push_back(mask);
    Value *samples =
        generated(s, operands, x.withShape(shape),
                  [&](LoopBuilder &, const std::vector<Value *> &index) { return sample(index); });
    Dim positions = cameo::product(out);
    samples = reshapeView(b, samples, {x.dim(0), positions, Dim(group), taps * channels});
    samples = transposeView(b, samples, {0, 2, 1, 3});
    Value *y = matrixProduct(s, samples, TRY(weights()), x.dtype());
    return reshapeView(b, transposeView(b, y, {0, 1, 3, 2}), s.out().shape());
  }
};

} // namespace

Result<void> selectDeformConv(Selection &s) {
  Deform f(s);
  if (f.rank > 3)
    return s.unsupportedBecause("more than three spatial dims are not supported yet");
  Value *y = TRY(f.product()), *bias = s.op.operand(3);
  if (bias) {
    Dims shape(s.out().rank() - 1, Dim(1));
    shape[0] = bias->type.dim(0);
    y = pointwise(s, {y, reshapeView(s.b, bias, shape)}, s.out(),
                  [&](LoopBuilder &b, const std::vector<Value *> &e) {
                    return b.add(b.cast(e[0], f.work), b.cast(e[1], f.work));
                  });
  }
  s.replaceWithValue(y);
  return {};
}

} // namespace cameo
