// See ShareConstants.h.
#include "lowering/build/ShareConstants.h"

#include <algorithm>
#include <bit>

namespace cameo {
namespace {

bool isConstant(const Op &op) {
  return op.kind() == OpKind::ScalarConst || op.kind() == OpKind::RegionSize;
}

/// Zeros of different signs are not the same, and a NaN is.
bool isSameAttr(const Attr &a, const Attr &b) {
  const double *x = std::get_if<double>(&a), *y = std::get_if<double>(&b);
  return x && y ? std::bit_cast<uint64_t>(*x) == std::bit_cast<uint64_t>(*y) : a == b;
}

/// Both have one attribute, a value or a size.
bool isSame(const Op &a, const Op &b) {
  return a.kind() == b.kind() && a.result()->type == b.result()->type &&
         isSameAttr(a.attrs.begin()->second, b.attrs.begin()->second);
}

/// `seen`: constants that are visible where the block begins. Those of the block itself are gone
/// from it at the end.
void share(Block &block, std::vector<Op *> &seen) {
  size_t around = seen.size();
  for (auto it = block.ops().begin(); it != block.ops().end();) {
    Op &op = **it++;
    for (int64_t i = 0; i < op.numRegions(); i++)
      share(op.region(i), seen);
    if (!isConstant(op))
      continue;
    auto same =
        std::find_if(seen.begin(), seen.end(), [&](const Op *other) { return isSame(*other, op); });
    if (same == seen.end() && op.hasUses()) {
      seen.push_back(&op);
      continue;
    }
    if (op.hasUses())
      op.result()->replaceAllUsesWith((*same)->result());
    op.erase();
  }
  seen.resize(around);
}

} // namespace

void shareConstants(Block &block) {
  std::vector<Op *> seen;
  share(block, seen);
}

} // namespace cameo
