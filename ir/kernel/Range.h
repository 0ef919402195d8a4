// The range of what a kernel writes: two more results than its epilogue yields, high: i32[U] and
// low: u32[U], an entry for each of its U units. That is the largest of 0 and the bits of the
// unit's elements of the first result, f32, read as signed and as unsigned integers. So the largest
// entry of high, as f32, is the largest of 0 and all elements; the largest one of low is the least
// of them if its sign is set, else none is negative. If one of the unit's elements is NaN, so are
// both entries. These maxima are the same in any order and however units are cut, bit for bit.
#pragma once

#include "ir/Op.h"
#include "ir/Result.h"

namespace cameo {

/// Where the range is among the results of a kernel that notes it.
inline constexpr int64_t kHigh = 1, kLow = 2;

/// The bits of the infinities, above which there are only NaN, and one of these.
inline constexpr int64_t kHighInfinity = 0x7f800000, kHighNaN = 0x7fffffff;
inline constexpr int64_t kLowInfinity = 0xff800000, kLowNaN = 0xffffffff;

/// Whether a kernel of this kind and algorithm could note the range of its only result, of f32.
bool canNoteRange(const Op &op);
bool notesRange(const Op &op);
/// How many results have the elements that the region yields: all but the range.
int64_t numElementResults(const Op &op);
/// The rule of kernels that may note it: as many results as their epilogue yields, or the range
/// besides.
Result<void> rangeFits(const Op &op);

} // namespace cameo
