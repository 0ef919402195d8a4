// See Halo.h.
#include "lowering/layout/Halo.h"

#include "ir/infer/Sizes.h"
#include "ir/kernel/Contraction.h"
#include "ir/kernel/ViewOps.h"
#include "lowering/plan/Winograd.h"

#include <algorithm>

namespace cameo {

Halo noHalo(int64_t rank) { return {std::vector<int64_t>(rank, 0), Dims(rank, Dim(0))}; }

bool Halo::empty() const {
  return std::all_of(lo.begin(), lo.end(), [](int64_t x) { return x == 0; }) &&
         std::all_of(hi.begin(), hi.end(), [](const Dim &x) { return x == Dim(0); });
}

bool Halo::covers(const Halo &other) const {
  if (!hasFillOf(other))
    return false;
  for (size_t i = 0; i < lo.size(); i++)
    if (lo[i] < other.lo[i] || !(Dim::max(hi[i], other.hi[i]) == hi[i]))
      return false;
  return true;
}

Halo Halo::within(const Halo &there) const {
  Halo part = hasFillOf(there) ? *this : noHalo(static_cast<int64_t>(lo.size()));
  for (size_t i = 0; i < lo.size(); i++) {
    part.lo[i] = std::min(part.lo[i], there.lo[i]);
    if (!(Dim::max(part.hi[i], there.hi[i]) == there.hi[i]))
      part.hi[i] = there.hi[i];
  }
  return part;
}

void Halo::enlarge(const Halo &other) {
  if (empty()) {
    fill = other.fill;
    fillFrom = other.fillFrom;
  }
  if (!hasFillOf(other))
    return;
  for (size_t i = 0; i < lo.size(); i++) {
    lo[i] = std::max(lo[i], other.lo[i]);
    hi[i] = Dim::max(hi[i], other.hi[i]);
  }
}

Halo haloOf(Op &conv) {
  Halo halo = noHalo(conv.operand(0)->type.rank());
  ConvAttrs attrs = attrsOf<ConvAttrs>(conv);
  const Dims &begin = attrs.padsBegin, &end = attrs.padsEnd;
  const Type &y = conv.result()->type;
  int64_t tile = winogradTile(attrs.algorithm);
  for (size_t i = 0; i < begin.size(); i++) {
    int64_t dim = static_cast<int64_t>(i) + 2;
    std::optional<int64_t> most = rangeOf(begin[i]).high;
    ICE_UNLESS(most, "padding without a bound");
    halo.lo[dim] = *most;
    halo.hi[dim] = end[i];
    // The last tile is read whole.
    if (tile)
      halo.hi[dim] = end[i] + Dim::ceilDiv(y.dim(dim), Dim(tile)) * Dim(tile) - y.dim(dim);
  }
  halo.fill = static_cast<double>(attrs.fill);
  if (attrs.fillOperand >= 0)
    halo.fillFrom = conv.operand(attrs.fillOperand);
  return halo;
}

Halo sliceHalo(Op &slice, const Halo &halo) {
  Halo result = halo;
  std::vector<int64_t> steps = attrsOf<SliceAttrs>(slice).steps;
  for (int64_t i = 0; i < slice.result()->type.rank(); i++)
    if (!(slice.result()->type.dim(i) == slice.operand(0)->type.dim(i)) || steps[i] != 1) {
      result.lo[i] = 0;
      result.hi[i] = Dim(0);
    }
  return result;
}

} // namespace cameo
