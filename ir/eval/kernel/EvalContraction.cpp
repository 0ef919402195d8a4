// Convolutions and products, and the packing of their weights.
//
// The elements of weights packed for Winograd's algorithm are between a pack and a conv of that
// algorithm: what the two mean is the convolution with the weights. Here the first points have the
// window itself.
#include "ir/eval/kernel/KernelRegion.h"
#include "ir/eval/kernel/Packed.h"

#include "ir/Half.h"
#include "ir/kernel/Contraction.h"

#include <fmt/format.h>
#include <limits>

namespace cameo::eval {
namespace {

int64_t roundUp(int64_t count, int64_t step) { return (count + step - 1) / step * step; }

/// Where a convolution's weights are: of output o of its group, channel c of that, and a tap.
struct ConvWeights {
  const View &view;
  PackForm form;
  int64_t group, interleave;
  std::vector<int64_t> kernel;
  int64_t channels; // of a group

  int64_t numTaps() const {
    int64_t taps = 1;
    for (int64_t extent : kernel)
      taps *= extent;
    return taps;
  }

  int64_t plain(int64_t output, int64_t channel, int64_t tap) const {
    std::vector<int64_t> index(kernel.size() + 2);
    index[0] = output, index[1] = channel;
    for (size_t i = kernel.size(); i-- > 0; tap /= kernel[i])
      index[i + 2] = tap % kernel[i];
    return view.at(index);
  }

  int64_t packed(int64_t g, int64_t o, int64_t channel, int64_t tap, int64_t piece = 0) const {
    int64_t row = (piece * numTaps() + tap) * roundUp(channels, interleave) + channel;
    switch (form) {
    case PackForm::Depthwise:
      return view.at({tap, g + o});
    case PackForm::Winograd4:
    case PackForm::Winograd2:
      return packedElement(view, {0}, o, tap * channels + channel, 1);
    default:
      return packedElement(view, {g}, o, row, interleave);
    }
  }
};

/// What a byte is with the other sign, a piece of an f32, or the element as it is.
void packElement(KernelContext &c, const PackAttrs &attrs, int64_t to, int64_t from,
                 int64_t piece) {
  const View &w = c.in(0), &p = c.out();
  if (attrs.pieces > 1) {
    auto element = static_cast<float>(c.get<double>(w, from));
    return c.put<double>(p, to, bfloatToFloat(bfloatPieces(element)[static_cast<size_t>(piece)]));
  }
  if (!attrs.flipSign && w.dtype == p.dtype)
    c.move(p, to, w, from);
  else if (!attrs.flipSign)
    c.put(p, to, c.get<double>(w, from));
  else
    c.put(p, to, c.get<int64_t>(w, from) + (w.dtype == DType::I8 ? 128 : -128));
}

void packGemm(KernelContext &c, const PackAttrs &attrs) {
  c.forEach(c.in(0).dims, [&](const std::vector<int64_t> &index) {
    std::vector<int64_t> batch(index.begin(), index.end() - 2);
    int64_t k = index[index.size() - 2], depth = c.out().dims[batch.size() + 1] / attrs.pieces;
    for (int64_t p = 0; p < attrs.pieces; p++)
      packElement(c, attrs,
                  packedElement(c.out(), batch, index.back(), p * depth + k, attrs.interleave),
                  c.in(0).at(index), p);
  });
}

void packConv(KernelContext &c, const PackAttrs &attrs) {
  const View &w = c.in(0);
  std::vector<int64_t> kernel(w.dims.begin() + 2, w.dims.end());
  ConvWeights to{c.out(), attrs.form, attrs.group, attrs.interleave, kernel, w.dims[1]};
  ConvWeights from{w, attrs.form, attrs.group, 1, kernel, w.dims[1]};
  bool isDepthwise = attrs.form == PackForm::Depthwise;
  int64_t outputs = isDepthwise ? 1 : w.dims[0] / attrs.group;
  c.forEach({w.dims[0], w.dims[1], to.numTaps()}, [&](const std::vector<int64_t> &index) {
    int64_t g = index[0] / outputs, o = index[0] % outputs;
    for (int64_t p = 0; p < attrs.pieces; p++)
      packElement(c, attrs, to.packed(g, o, index[1], index[2], p),
                  from.plain(index[0], index[1], index[2]), p);
  });
}

} // namespace

void evalKernelPack(KernelContext &c) {
  PackAttrs attrs = attrsOf<PackAttrs>(c.op);
  // Zeros fill up the last panels and steps.
  double rest = winogradTile(attrs.form) ? std::numeric_limits<double>::quiet_NaN() : 0;
  c.forEach(c.out().dims,
            [&](const std::vector<int64_t> &index) { c.put(c.out(), c.out().at(index), rest); });
  attrs.form == PackForm::Gemm ? packGemm(c, attrs) : packConv(c, attrs);
}

namespace {

/// What is subtracted from an operand of plain integers, for the result at an index.
template <class W>
W zeroPoint(KernelContext &c, const ZeroPoint &zero, const std::vector<int64_t> &index) {
  if (zero.operand < 0)
    return static_cast<W>(zero.value);
  View element = c.in(zero.operand).broadcastTo(c.out().dims);
  return c.get<W>(element, element.at(index));
}

/// The sum of products for the result at an index.
template <class W>
W dot(KernelContext &c, const ContractionInputs &inputs, const std::vector<W> &x,
      const std::vector<W> &w, const std::vector<int64_t> &index) {
  W zeroX = zeroPoint<W>(c, inputs.x, index), zeroW = zeroPoint<W>(c, inputs.w, index), sum = 0;
  for (size_t i = 0; i < x.size(); i++)
    sum += (x[i] - zeroX) * (w[i] - zeroW);
  return sum;
}

/// For messages.
double number(double value) { return value; }
int64_t number(uint64_t value) { return static_cast<int64_t>(value); }

/// A convolution whose sums are of type W: double, or uint64_t modulo 2^64.
template <class W> struct Conv {
  KernelContext &c;
  ConvAttrs attrs;
  const View &x, &y;
  ConvWeights weights;
  std::vector<int64_t> padsBegin = {};

  explicit Conv(KernelContext &c)
      : c(c), attrs(attrsOf<ConvAttrs>(c.op)), x(c.in(0)), y(c.out()),
        weights{c.in(1),      packFormFor(attrs.algorithm), attrs.group, attrs.interleave,
                attrs.kernel, x.dims[1] / attrs.group} {
    for (const Dim &pad : attrs.padsBegin)
      padsBegin.push_back(c.size(pad));
  }

  bool isPlain() const { return attrs.inputs.weights == WeightForm::Plain; }

  W fill() {
    if (isPlain())
      return zeroPoint<W>(c, attrs.inputs.x, std::vector<int64_t>(y.dims.size(), 0));
    return attrs.fillOperand < 0 ? static_cast<W>(attrs.fill)
                                 : c.get<W>(c.in(attrs.fillOperand), 0);
  }

  /// An element of x or of its padding, which, where there are layouts, is in the halo.
  W input(const std::vector<int64_t> &at) {
    bool isPadding = false;
    for (size_t i = 2; i < at.size(); i++)
      isPadding = isPadding || at[i] < 0 || at[i] >= x.dims[i];
    if (isPadding && !c.isPlaced)
      return fill();
    W element = c.get<W>(x, x.at(at));
    if (isPadding && !c.failed() && element != fill())
      c.fail(fmt::format("the halo of {} holds {} where {} is expected",
                         c.memory.names[x.place.number], number(element), number(fill())));
    return element;
  }

  /// What a result at a position of a group is made of: the elements of its window.
  std::vector<W> window(const std::vector<int64_t> &index) {
    std::vector<W> elements;
    std::vector<int64_t> at = index;
    for (int64_t tap = 0; tap < weights.numTaps(); tap++) {
      int64_t rest = tap;
      for (size_t i = attrs.kernel.size(); i-- > 0; rest /= attrs.kernel[i])
        at[i + 2] = index[i + 2] * attrs.strides[i] - padsBegin[i] +
                    rest % attrs.kernel[i] * attrs.dilations[i];
      for (int64_t channel = 0; channel < weights.channels; channel++) {
        at[1] = index[1] * weights.channels + channel;
        elements.push_back(input(at));
      }
    }
    return elements;
  }

  /// The sum of its pieces.
  W packedWeight(int64_t output, int64_t channel, int64_t tap) {
    int64_t outputs = y.dims[1] / attrs.group;
    W sum = 0;
    for (int64_t p = 0; p < attrs.pieces; p++)
      sum += c.get<W>(c.in(1), weights.packed(output / outputs, output % outputs, channel, tap, p));
    return sum;
  }

  /// The weights of an output in the order of windows.
  std::vector<W> weightsOf(int64_t output) {
    std::vector<W> elements;
    for (int64_t tap = 0; tap < weights.numTaps(); tap++)
      for (int64_t channel = 0; channel < weights.channels; channel++)
        elements.push_back(isPlain() ? c.get<W>(c.in(1), weights.plain(output, channel, tap))
                                     : packedWeight(output, channel, tap));
    return elements;
  }

  void run() {
    KernelRegion region(c, 0);
    std::vector<std::vector<W>> columns;
    for (int64_t output = 0; output < y.dims[1]; output++)
      columns.push_back(weightsOf(output));
    std::vector<int64_t> groups = y.dims;
    groups[1] = attrs.group;
    int64_t outputs = y.dims[1] / attrs.group;
    c.forEach(groups, [&](const std::vector<int64_t> &first) {
      std::vector<W> row = window(first);
      std::vector<int64_t> index = first;
      for (index[1] = first[1] * outputs; index[1] < (first[1] + 1) * outputs; index[1]++) {
        region.set(0, dot(c, attrs.inputs, row, columns[index[1]], index));
        region.loadEpilogue(1, 2, index);
        region.run();
        region.store(y, y.at(index));
      }
    });
    // Winograd's algorithm reads its last tiles whole.
    int64_t tile = winogradTile(attrs.algorithm);
    std::vector<int64_t> tiles = groups;
    for (size_t i = 2; tile && i < tiles.size(); i++)
      tiles[i] = roundUp(tiles[i], tile);
    if (c.isPlaced && tiles != groups)
      c.forEach(tiles, [&](const std::vector<int64_t> &index) { window(index); });
  }
};

template <class W> struct Gemm {
  KernelContext &c;
  GemmAttrs attrs = attrsOf<GemmAttrs>(c.op);
  bool isPlain = attrs.inputs.weights == WeightForm::Plain;
  const View &y = c.out();
  View a = ofBatches(c.in(0), y, 2), b = ofBatches(c.in(1), y, isPlain ? 2 : 3);

  std::vector<W> rowOf(std::vector<int64_t> index) {
    std::vector<W> elements;
    for (int64_t &k = index.back() = 0; k < a.dims.back(); k++)
      elements.push_back(c.get<W>(a, a.at(index)));
    return elements;
  }

  /// The sum of its pieces.
  W packedWeight(const std::vector<int64_t> &batch, int64_t column, int64_t k) {
    int64_t depth = b.dims[batch.size() + 1] / attrs.pieces;
    W sum = 0;
    for (int64_t p = 0; p < attrs.pieces; p++)
      sum += c.get<W>(b, packedElement(b, batch, column, p * depth + k, attrs.interleave));
    return sum;
  }

  std::vector<W> columnOf(const std::vector<int64_t> &batch, int64_t column) {
    std::vector<W> elements;
    std::vector<int64_t> index = batch;
    index.insert(index.end(), {0, column});
    for (int64_t &k = index[batch.size()]; k < a.dims.back(); k++)
      elements.push_back(isPlain ? c.get<W>(b, b.at(index)) : packedWeight(batch, column, k));
    return elements;
  }

  void run() {
    KernelRegion region(c, 0);
    c.forEach({y.dims.begin(), y.dims.end() - 2}, [&](const std::vector<int64_t> &batch) {
      std::vector<std::vector<W>> columns;
      for (int64_t column = 0; column < y.dims.back(); column++)
        columns.push_back(columnOf(batch, column));
      std::vector<int64_t> index = batch;
      index.resize(batch.size() + 2);
      for (int64_t &m = index[batch.size()]; m < y.dims[batch.size()] && !c.failed(); m++) {
        std::vector<W> row = rowOf(index);
        for (index.back() = 0; index.back() < y.dims.back(); index.back()++) {
          region.set(0, dot(c, attrs.inputs, row, columns[index.back()], index));
          region.loadEpilogue(1, 2, index);
          region.run();
          region.store(y, y.at(index));
        }
      }
    });
  }
};

bool sumsFloats(const Op &op) { return isFloat(op.region().arg(0)->type.dtype()); }

} // namespace

void evalKernelConv(KernelContext &c) {
  sumsFloats(c.op) ? Conv<double>(c).run() : Conv<uint64_t>(c).run();
}

void evalKernelGemm(KernelContext &c) {
  sumsFloats(c.op) ? Gemm<double>{c}.run() : Gemm<uint64_t>{c}.run();
}

} // namespace cameo::eval
