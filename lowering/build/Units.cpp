// See Units.h.
#include "lowering/build/Units.h"

#include <algorithm>

namespace cameo {

EvenTiles evenTiles(const Dim &extent, int64_t most) {
  if (!extent.isConst() || extent.value() == 0)
    return {};
  int64_t count = ceilDiv(extent.value(), most);
  return {count, extent.value() / count, extent.value() % count};
}

size_t Units::add(Dim extent, int64_t run) {
  axes_.push_back({std::move(extent), run});
  return axes_.size() - 1;
}

Dim Units::count() const {
  Dim count(1);
  for (const UnitAxis &axis : axes_)
    count = count * axis.cells();
  return count;
}

std::vector<Units::Range> Units::slab(int64_t unit) const {
  std::vector<Range> ranges(axes_.size());
  for (size_t i = axes_.size(); i-- > 0;) {
    int64_t cells = axes_[i].cells().value(), cell = i == 0 ? unit : unit % cells;
    unit = i == 0 ? unit : unit / cells;
    int64_t first = cell * axes_[i].run;
    ranges[i] = {first, std::min(first + axes_[i].run, axes_[i].extent.value())};
  }
  return ranges;
}

} // namespace cameo
