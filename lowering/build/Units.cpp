// See Units.h.
#include "lowering/build/Units.h"

namespace cameo {

EvenTiles evenTiles(const Dim &extent, int64_t most) {
  if (!extent.isConst() || extent.value() == 0)
    return {};
  int64_t count = ceilDiv(extent.value(), most);
  return {count, extent.value() / count, extent.value() % count};
}

UnitAxis tiledAxis(const Dim &extent, int64_t tileRows, int64_t unitTiles) {
  EvenTiles tiles = evenTiles(extent, tileRows);
  return {extent, tiles.count > 0 ? unitTiles : unitTiles * tileRows, tiles};
}

size_t Units::add(UnitAxis axis) {
  axes_.push_back(std::move(axis));
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
    const auto &[extent, run, tiles] = axes_[i];
    int64_t cells = axes_[i].cells().value(), cell = i == 0 ? unit : unit % cells;
    unit = i == 0 ? unit : unit / cells;
    if (tiles.count > 0)
      ranges[i] = {tiles.firstRow(axes_[i].firstTile(cell)),
                   tiles.firstRow(axes_[i].firstTile(cell + 1))};
    else
      ranges[i] = {cell * run, std::min((cell + 1) * run, extent.value())};
  }
  return ranges;
}

} // namespace cameo
