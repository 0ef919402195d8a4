// Transposed convolution as a convolution. With stride s, output position s*q + r takes the
// kernel's elements r, r + s, r + 2s ... only: the outputs of each phase r are an ordinary
// convolution at stride 1, and all phases together one convolution with s times the channels (in
// each dim), whose channels are then spread out over the output. No multiplication is by an
// inserted zero, but for kernels that are no multiple of the stride. This is what sub-pixel
// convolution does (Shi et al., "Is the deconvolution layer the same as a convolutional layer?",
// 2016).
#include "lowering/select/Contractions.h"

#include "lowering/build/Shapes.h"

namespace cameo {
namespace {

// Strides beyond this, and phases with this many times more taps than the kernel has elements,
// waste more than they are worth.
constexpr int64_t kLargestStride = 1 << 16;
constexpr int64_t kMostWaste = 16;

/// One spatial dim.
struct Along {
  int64_t kernel, stride, dilation;
  /// Taps of each phase, and how far apart they are in the convolution.
  int64_t taps, spread;
  /// Where output 0 is in the convolution's output of all phases; never negative.
  int64_t skip;
  int64_t padBegin, padEnd;
};

struct Plan {
  int64_t group, in, out; // channels of a group
  int64_t phases = 1;
  std::vector<Along> dims;
};

int64_t ceilDiv(int64_t a, int64_t b) { return a >= 0 ? (a + b - 1) / b : -(-a / b); }
int64_t floorDiv(int64_t a, int64_t b) { return -ceilDiv(-a, b); }

std::optional<Along> planDim(const Op &op, size_t i, int64_t kernel) {
  size_t rank = op.operand(0)->type.rank() - 2;
  auto attr = [&](const char *name, int64_t otherwise) {
    return op.attrs.getInts(name, std::vector<int64_t>(rank, otherwise))[i];
  };
  Along a;
  a.kernel = kernel, a.stride = attr("strides", 1), a.dilation = attr("dilations", 1);
  if (a.stride > kLargestStride || a.dilation > kLargestStride)
    return std::nullopt;
  int64_t extent = (kernel - 1) * a.dilation + 1;
  a.taps = a.stride == 1 ? kernel : ceilDiv(extent, a.stride);
  a.spread = a.stride == 1 ? a.dilation : 1;
  Dim in = op.operand(0)->type.dim(static_cast<int64_t>(i) + 2);
  Dim out = op.result()->type.dim(static_cast<int64_t>(i) + 2), stride(a.stride);
  std::vector<int64_t> extra = op.attrs.getInts("output_padding");
  Dim full = stride * (in - Dim(1)) + Dim((extra.empty() ? 0 : extra[i]) + extent);
  Dim begin = transposedPad(op, i, full), rest = out - stride * in;
  if (!begin.isConst() || !rest.isConst())
    return std::nullopt;
  // The convolution starts at the phases that hold output 0, where that is inside.
  int64_t reach = (a.taps - 1) * a.spread, first = floorDiv(begin.value(), a.stride);
  first = std::min(first, reach);
  a.skip = begin.value() - first * a.stride;
  a.padBegin = reach - first;
  a.padEnd = std::max<int64_t>(ceilDiv(a.skip + rest.value(), a.stride) + reach - a.padBegin, 0);
  return a;
}

std::optional<Plan> planOf(const Op &op) {
  std::optional<std::vector<int64_t>> w = constantDims(op.operand(1)->type.shape());
  int64_t group = op.attrs.getInt("group", 1);
  if (!w)
    return std::nullopt;
  Plan plan{group, (*w)[0] / group, (*w)[1], 1, {}};
  double waste = 1;
  for (size_t i = 0; i + 2 < w->size(); i++) {
    std::optional<Along> a = planDim(op, i, (*w)[i + 2]);
    if (!a)
      return std::nullopt;
    plan.phases *= a->stride;
    plan.dims.push_back(*a);
    waste *= static_cast<double>(a->taps) * static_cast<double>(a->stride) /
             static_cast<double>(a->kernel);
    if (waste > kMostWaste)
      return std::nullopt;
  }
  return plan;
}

Value *constantOf(Selection &s, const std::vector<int64_t> &values) {
  return s.b.Builder::constant(makeConst(values));
}

Result<Value *> reshaped(Selection &s, Value *x, const std::vector<int64_t> &shape) {
  return lowered(s, OpKind::Reshape, {x, constantOf(s, shape)});
}

/// The kernel with zeros between its elements, so that a phase's taps are neighbours.
Result<Value *> dilated(Selection &s, Value *w, const Plan &plan) {
  std::vector<int64_t> apart = {plan.group * plan.in, plan.out}, merged = apart;
  std::vector<int64_t> pads(2 + 2 * plan.dims.size(), 0), after = pads;
  bool needed = false;
  for (size_t i = 0; i < plan.dims.size(); i++) {
    const Along &a = plan.dims[i];
    int64_t by = a.stride == 1 ? 1 : a.dilation;
    needed = needed || by > 1;
    apart.insert(apart.end(), {a.kernel, 1});
    after[3 + 2 * i] = by - 1;
    merged.push_back(a.kernel * by);
  }
  if (!needed)
    return w;
  pads.insert(pads.end(), after.begin(), after.end());
  w = TRY(reshaped(s, w, apart));
  w = TRY(lowered(s, OpKind::Pad, {w, constantOf(s, pads)}));
  return reshaped(s, w, merged);
}

/// [C, M/g, K...] as the convolution's [g phases M/g, C/g, taps...], taps in reverse.
Result<Value *> phaseWeights(Selection &s, Value *w, const Plan &plan) {
  size_t rank = plan.dims.size();
  w = TRY(dilated(s, w, plan));
  std::vector<int64_t> pads(2 * (rank + 2), 0), split = {plan.group, plan.in, plan.out};
  std::vector<int64_t> perm = {0}, taps, merged = {plan.group * plan.phases * plan.out, plan.in};
  for (size_t i = 0; i < rank; i++) {
    const Along &a = plan.dims[i];
    int64_t axis = static_cast<int64_t>(2 * i) + 3;
    // Negative where the last element's zeros are too many.
    pads[rank + 4 + i] = a.taps * a.stride - w->type.dim(static_cast<int64_t>(i) + 2).value();
    split.insert(split.end(), {a.taps, a.stride});
    merged.push_back(a.taps);
    taps.push_back(axis);
    perm.push_back(axis + 1);
  }
  perm.insert(perm.end(), {2, 1});
  perm.insert(perm.end(), taps.begin(), taps.end());
  w = TRY(lowered(s, OpKind::Pad, {w, constantOf(s, pads)}));
  w = TRY(reshaped(s, w, split));
  std::vector<int64_t> last(rank, -1), end(rank, INT64_MIN);
  w = TRY(lowered(
      s, OpKind::Slice,
      {w, constantOf(s, last), constantOf(s, end), constantOf(s, taps), constantOf(s, last)}));
  AttrDict attrs;
  attrs.set("perm", perm);
  w = TRY(lowered(s, OpKind::Transpose, {w}, std::move(attrs)));
  return reshaped(s, w, merged);
}

/// [M] for every phase.
Result<Value *> phaseBias(Selection &s, Value *bias, const Plan &plan) {
  if (!bias || plan.phases == 1)
    return bias;
  bias = TRY(reshaped(s, bias, {plan.group, 1, plan.out}));
  bias =
      TRY(lowered(s, OpKind::Expand, {bias, constantOf(s, {plan.group, plan.phases, plan.out})}));
  return reshaped(s, bias, {plan.group * plan.phases * plan.out});
}

Result<Value *> convolution(Selection &s, const Plan &plan) {
  Value *w = TRY(phaseWeights(s, s.op.operand(1), plan));
  Value *bias = TRY(phaseBias(s, s.op.operand(2), plan));
  std::vector<int64_t> pads, ends, dilations;
  for (const Along &a : plan.dims) {
    pads.push_back(a.padBegin);
    ends.push_back(a.padEnd);
    dilations.push_back(a.spread);
  }
  pads.insert(pads.end(), ends.begin(), ends.end());
  AttrDict attrs;
  attrs.set("pads", pads);
  attrs.set("dilations", dilations);
  attrs.set("group", plan.group);
  return lowered(s, OpKind::Conv, {s.op.operand(0), w, bias}, std::move(attrs));
}

} // namespace

Dim transposedPad(const Op &op, size_t i, const Dim &full) {
  size_t rank = op.operand(0)->type.rank() - 2;
  std::string autoPad = op.attrs.getString("auto_pad", "NOTSET");
  bool same = autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER";
  if (op.attrs.getInts("output_shape").empty() && !same)
    return autoPad == "VALID" ? 0 : op.attrs.getInts("pads", std::vector<int64_t>(2 * rank, 0))[i];
  // Rounded down, also when the output is larger than what the input reaches.
  Dim total = full - op.result()->type.dim(static_cast<int64_t>(i) + 2);
  Dim half = Dim::floorDiv(total, Dim(2));
  return autoPad == "SAME_UPPER" ? half : total - half;
}

Result<void> selectConvTranspose(Selection &s) {
  std::optional<Plan> plan = planOf(s.op);
  if (!plan) {
    selectOpenConvTranspose(s);
    return {};
  }
  Value *conv = TRY(convolution(s, *plan));
  bool cropped = false;
  for (const Along &a : plan->dims)
    cropped = cropped || a.skip > 0;
  if (plan->phases == 1 && !cropped && conv->type.shape() == s.out().shape()) {
    s.replaceWithValue(conv);
    return {};
  }
  Type type = conv->type;
  generate(s, {conv}, [&](LoopBuilder &b, const std::vector<Value *> &index) {
    std::vector<Value *> at = {index[0], nullptr};
    Value *phase = b.index(0);
    for (size_t i = 0; i < plan->dims.size(); i++) {
      const Along &a = plan->dims[i];
      Value *position = b.add(index[i + 2], b.index(a.skip));
      at.push_back(b.div(position, b.index(a.stride)));
      phase = b.add(b.mul(phase, b.index(a.stride)), b.rem(position, b.index(a.stride)));
    }
    Value *first = b.mul(phase, b.index(plan->out)), *channel = index[1];
    if (plan->group > 1) {
      Value *out = b.index(plan->out), *group = b.div(channel, out);
      first = b.add(first, b.mul(group, b.index(plan->phases * plan->out)));
      channel = b.rem(channel, out);
    }
    at[1] = b.add(first, channel);
    return elementAt(b, type, 0, at);
  });
  return {};
}

} // namespace cameo
