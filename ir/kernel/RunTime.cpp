// Rules of what the calling thread runs; see RunTime.h.
#include "ir/kernel/RunTime.h"

#include "ir/kernel/Rules.h"

namespace cameo {

Dim iterationOf(const Op &loop) { return Dim::symbol(loop.attrs.getString("iteration")); }

Result<void> GuardAttrs::verify(const Op &op) const {
  TRY(hasRegions(op, 0));
  return hasLength("sizes", sizes.size(), 2);
}

Result<void> SizesAttrs::verify(const Op &op) const {
  TRY(hasRegions(op, 1));
  return regionMaps(op, 0, {}, std::vector<Type>(symbols.size(), Type::index()));
}

Result<void> CallAttrs::verify(const Op &op) const { return hasRegions(op, 0); }

} // namespace cameo
