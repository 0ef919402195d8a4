// See PadChannels.h.
#include "lowering/plan/PadChannels.h"

#include "ir/TileRegisters.h"
#include "ir/kernel/ViewOps.h"
#include "lowering/build/Shapes.h"
#include "lowering/build/ViewBuilder.h"
#include "lowering/plan/Tiles.h"

#include <algorithm>

namespace cameo {

/// Pixels with so few channels are made anew for little.
constexpr int64_t kFewChannels = 4;

/// Whether steps are whole for tiles in tile registers only with the channels added.
static bool gainsTileRegisters(const Target &target, const Op &conv, const Packing &packing,
                               int64_t stepsOfPixel) {
  ConvAttrs attrs = attrsOf<ConvAttrs>(conv);
  DType stored = packing.rounded.value_or(conv.operand(0)->type.dtype());
  if (!target.hasTileRegisters || attrs.dilations.back() != 1 ||
      dtypeBytes(stored) * packing.interleave != kTileStepBytes)
    return false;
  const Dims &y = conv.result()->type.shape();
  int64_t steps = stepsOfTileRegister(stepsOfPixel * attrs.kernel.back());
  return tileOfRegisters(target, y.back(), y[1], steps).has_value();
}

int64_t channelsToAdd(const Target &target, const Op &conv, const Packing &packing) {
  ConvAttrs attrs = attrsOf<ConvAttrs>(conv);
  const Type &x = conv.operand(0)->type;
  // Weights of zero must stay zero as they are stored.
  bool isPlain = attrs.algorithm == ConvAlgorithm::Direct && attrs.group == 1 &&
                 attrs.inputs.w.isZero() && !packing.flipWeights;
  if (!isPlain || !x.dim(1).isConst() || !constantData(conv.operand(1)))
    return 0;
  int64_t channels = x.dim(1).value(), stepsOfPixel = ceilDiv(channels, packing.interleave);
  // A step of floats that is not whole is one of its own at each tap.
  bool hasRest = isFloat(x.dtype()) && channels < kFewChannels;
  bool gains = hasRest || gainsTileRegisters(target, conv, packing, stepsOfPixel);
  return gains ? stepsOfPixel * packing.interleave - channels : 0;
}

Value *withZeroInputs(LoopBuilder &b, Value *weights, int64_t more) {
  ConstRef data = constantData(weights);
  std::vector<int64_t> dims = data->dims;
  size_t row = data->bytes.size() / static_cast<size_t>(dims[0]);
  size_t wideRow = row / static_cast<size_t>(dims[1]) * static_cast<size_t>(dims[1] + more);
  std::vector<std::byte> bytes(wideRow * static_cast<size_t>(dims[0]));
  for (size_t o = 0; o < static_cast<size_t>(dims[0]); o++)
    std::copy_n(data->bytes.data() + o * row, row, bytes.data() + o * wideRow);
  dims[1] += more;
  return b.constant(makeConst(data->dtype, dims, std::move(bytes), data->name));
}

Value *withZeroChannels(LoopBuilder &b, Value *x, int64_t more) {
  Dims added = x->type.shape(), all = added;
  added[1] = Dim(more);
  all[1] = all[1] + Dim(more);
  std::vector<int64_t> ones(added.size(), 1);
  Value *zeros = broadcastView(b, b.constant(makeSplat(x->type.dtype(), ones, 0)), added);
  return b
      .create(OpKind::KernelConcat, {x, zeros}, {x->type.withShape(all)},
              dictOf(ConcatAttrs{.axis = 1, .offsets = {}}))
      ->result();
}

} // namespace cameo
