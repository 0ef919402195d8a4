// One constant instead of many: selectors and emitters write a constant wherever they need one.
#pragma once

#include "ir/Op.h"

namespace cameo {

/// Replaces each constant, and each `size` of a region, by an equal one that stands before it in
/// its block or in one around it, and drops those that nobody reads. Ops in kernel regions see
/// nothing from outside: this is for the body of a loop-level function, or for one region.
void shareConstants(Block &block);

} // namespace cameo
