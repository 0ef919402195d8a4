// Convolutions by weights whose sizes only the run knows. What the window reads at each position is
// written out as a column of a matrix, and the weights multiply it (im2col); transposed, the
// product comes first and each output sums what falls on it. Sizes known at compile time need
// neither: their kernels read the input where it is (SelectContraction.cpp,
// SelectConvTranspose.cpp).
#include "lowering/select/Contractions.h"

#include "lowering/build/Shapes.h"

namespace cameo {
namespace {

using Values = LoopBuilder::Values;

/// What both directions need to know.
struct Geometry {
  LoopBuilder &b;
  Type x;
  int64_t group;
  size_t rank;
  Dims weights, kernel, in, out; // all of the weights' dims; the others spatial
  std::vector<int64_t> strides, dilations;

  Geometry(Selection &s, Value *input, Value *w)
      : b(s.b), x(input->type), group(s.op.attrs.getInt("group", 1)),
        rank(static_cast<size_t>(x.rank()) - 2), weights(w->type.shape()),
        kernel(weights.begin() + 2, weights.end()), in(x.shape().begin() + 2, x.shape().end()),
        out(s.out().shape().begin() + 2, s.out().shape().end()),
        strides(s.op.attrs.getInts("strides", std::vector<int64_t>(rank, 1))),
        dilations(s.op.attrs.getInts("dilations", std::vector<int64_t>(rank, 1))) {}

  Dim extent(size_t i) const { return (kernel[i] - Dim(1)) * Dim(dilations[i]) + Dim(1); }
};

Dims joined(Dims first, const Dims &second, const Dims &third = {}) {
  first.insert(first.end(), second.begin(), second.end());
  first.insert(first.end(), third.begin(), third.end());
  return first;
}

} // namespace

bool hasOpenSizes(const Type &weights) { return !constantDims(weights.shape()); }

Value *openConv(Selection &s, Value *x, Value *w, DType dtype) {
  Geometry g(s, x, w);
  LoopBuilder &b = s.b;
  const Dim groups(g.group), &batch = g.x.dim(0), &channels = g.weights[1];
  Type columns = g.x.withShape(joined({batch, groups, channels}, g.kernel, g.out));
  Value *read = generated(s, {x}, columns, [&](LoopBuilder &, const std::vector<Value *> &index) {
    Value *channel = b.add(b.mul(index[1], sizeValue(b, channels)), index[2]), *inside = nullptr;
    std::vector<Value *> at = {index[0], channel};
    for (size_t i = 0; i < g.rank; i++) {
      Value *first = b.sub(b.mul(index[3 + g.rank + i], b.index(g.strides[i])),
                           sizeValue(b, padsOf(s.op, i, g.extent(i)).begin));
      Value *position = b.add(first, b.mul(index[3 + i], b.index(g.dilations[i])));
      at.push_back(within(b, position, g.in[i], inside));
    }
    Value *element = elementAt(b, g.x, 0, at);
    return inside ? b.select(inside, element, b.constant(element->type, 0)) : element;
  });
  Dim depth = channels * product(g.kernel), outputs = Dim::floorDiv(g.weights[0], groups);
  Value *right = reshapeView(b, read, {batch, groups, depth, product(g.out)});
  Value *left = reshapeView(b, w, {groups, outputs, depth});
  return reshapeView(b, matrixProduct(s, left, right, dtype), joined({batch, g.weights[0]}, g.out));
}

void selectOpenConvTranspose(Selection &s) {
  Value *x = s.op.operand(0), *w = s.op.operand(1), *bias = s.op.operand(2);
  Geometry g(s, x, w);
  LoopBuilder &b = s.b;
  const Dim groups(g.group), &batch = g.x.dim(0), &outputs = g.weights[1];
  Dim channels = Dim::floorDiv(g.weights[0], groups), columns = outputs * product(g.kernel);
  Value *left = transposeView(b, reshapeView(b, w, {groups, channels, columns}), {0, 2, 1});
  Value *right = reshapeView(b, x, {batch, groups, channels, product(g.in)});
  Value *parts = matrixProduct(s, left, right, workType(g.x.dtype()));
  parts = reshapeView(b, parts, joined({batch, groups * outputs}, g.kernel, g.in));
  Type type = parts->type;
  std::vector<Value *> operands = {parts};
  if (bias)
    operands.push_back(bias);
  std::vector<int64_t> extra =
      s.op.attrs.getInts("output_padding", std::vector<int64_t>(g.rank, 0));
  generate(s, operands, [&](LoopBuilder &, const std::vector<Value *> &index) {
    std::vector<Value *> taps, at = {index[0], index[1]};
    std::function<Value *(size_t, Value *, Value *)> sum = [&](size_t i, Value *now,
                                                               Value *inside) {
      if (i == g.rank) {
        std::vector<Value *> from = {at[0], at[1]};
        from.insert(from.end(), taps.begin(), taps.end());
        from.insert(from.end(), at.begin() + 2, at.end());
        Value *element = elementAt(b, type, 0, from);
        return b.add(now,
                     inside ? b.select(inside, element, b.constant(element->type, 0)) : element);
      }
      Dim full = Dim(g.strides[i]) * (g.in[i] - Dim(1)) + Dim(extra[i]) + g.extent(i);
      Value *start = b.add(index[i + 2], sizeValue(b, transposedPad(s.op, i, full)));
      return b.forLoop(b.index(0), sizeValue(b, g.kernel[i]), 1, {now},
                       [&](Value *tap, const Values &carried) {
                         Value *from = b.sub(start, b.mul(tap, b.index(g.dilations[i])));
                         Value *stride = b.index(g.strides[i]);
                         Value *hit = both(b, inside, b.cmp("eq", b.rem(from, stride), b.index(0)));
                         hit = both(b, hit, b.cmp("ge", from, b.index(0)));
                         at.push_back(within(b, b.div(from, stride), g.in[i], hit));
                         taps.push_back(tap);
                         Values next = {sum(i + 1, carried[0], hit)};
                         at.pop_back();
                         taps.pop_back();
                         return next;
                       })[0];
    };
    Value *start = b.constant(Type::scalar(type.dtype()), 0);
    if (bias)
      start = b.cast(elementAt(b, bias->type, 1, {index[1]}), type.dtype());
    return sum(0, start, nullptr);
  });
}

} // namespace cameo
