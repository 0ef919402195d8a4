// See RangeNotes.h.
#include "lowering/emit/RangeNotes.h"

#include "ir/kernel/Range.h"

namespace cameo {
namespace {

int64_t lanesOf(const KernelFunc &k) { return k.op.attrs.getInt("lanes"); }

} // namespace

RangeSoFar RangeSoFar::with(LoopBuilder &b, Value *element, Value *mask) const {
  int64_t lanes = high->type.isVector() ? high->type.lanes() : 1;
  if (lanes > 1 && !element->type.isVector())
    element = b.splat(element, lanes);
  auto larger = [&](Value *most) {
    Value *bits = b.bitcast(element, most->type);
    if (mask)
      bits = b.select(mask, bits, b.constantInt(most->type, 0));
    return b.max(most, bits);
  };
  return {larger(high), larger(low)};
}

void makeRangeNotes(KernelFunc &k) {
  if (!notesRange(k.op))
    return;
  k.high = k.b.scratch(DType::I32, lanesOf(k));
  k.low = k.b.scratch(DType::U32, lanesOf(k));
}

void beginRange(KernelFunc &k) {
  if (!k.high)
    return;
  auto zero = [&](DType dtype) { return k.b.constantInt(typeOfLanes(dtype, lanesOf(k)), 0); };
  storeRange(k.b, {zero(DType::I32), zero(DType::U32)}, k.high, k.low);
}

void endRange(KernelFunc &k, Value *unit) {
  if (!k.high)
    return;
  RangeSoFar range = loadRange(k.b, k.high, k.low, lanesOf(k));
  LoopBuilder &b = k.b;
  auto most = [&](Value *bits) { return lanesOf(k) > 1 ? b.reduceLanes(bits, "max") : bits; };
  Value *high = most(range.high), *low = most(range.low);
  // Each has seen the NaN of one sign.
  auto number = [&](const Value *like, int64_t bits) { return b.constantInt(like->type, bits); };
  Value *isHighNaN = b.cmp("gt", high, number(high, kHighInfinity));
  Value *isLowNaN = b.cmp("gt", low, number(low, kLowInfinity));
  b.store(b.select(isLowNaN, number(high, kHighNaN), high), k.results[kHigh], unit);
  b.store(b.select(isHighNaN, number(low, kLowNaN), low), k.results[kLow], unit);
}

RangeSoFar loadRange(LoopBuilder &b, Value *high, Value *low, int64_t lanes) {
  return {b.load(high, b.index(0), lanes), b.load(low, b.index(0), lanes)};
}

void storeRange(LoopBuilder &b, const RangeSoFar &range, Value *high, Value *low) {
  b.store(range.high, high, b.index(0));
  b.store(range.low, low, b.index(0));
}

void noteElement(KernelFunc &k, Value *element, Value *mask) {
  if (!k.high)
    return;
  RangeSoFar range = loadRange(k.b, k.high, k.low, lanesOf(k));
  storeRange(k.b, range.with(k.b, element, mask), k.high, k.low);
}

} // namespace cameo
