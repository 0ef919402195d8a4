// Kernels that note the range of what they write (ir/kernel/Range.h). The loop over units begins
// and ends the notes of a unit; what stores elements notes them.
#pragma once

#include "lowering/emit/KernelFunc.h"

namespace cameo {

/// The largest bits so far, in each lane: `high` as signed, `low` as unsigned integers.
struct RangeSoFar {
  Value *high, *low;

  /// With those of elements that are stored, in the lanes of the mask if there is one. A scalar
  /// element is that of all lanes.
  RangeSoFar with(LoopBuilder &b, Value *element, Value *mask) const;
};

/// Makes k.high and k.low, before the loop over units, if the kernel notes its range.
void makeRangeNotes(KernelFunc &k);
/// At the head of a unit, and behind it. They do nothing without notes.
void beginRange(KernelFunc &k);
void endRange(KernelFunc &k, Value *unit);

/// Notes of a unit in memory.
RangeSoFar loadRange(LoopBuilder &b, Value *high, Value *low, int64_t lanes);
void storeRange(LoopBuilder &b, const RangeSoFar &range, Value *high, Value *low);
/// Notes stored elements, if the kernel notes its range.
void noteElement(KernelFunc &k, Value *element, Value *mask);

} // namespace cameo
