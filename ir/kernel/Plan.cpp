// Rules of plans that need no layouts; see Plan.h.
#include "ir/kernel/Plan.h"

#include <bit>
#include <fmt/format.h>

namespace cameo {

Result<void> areLanes(int64_t lanes, int64_t most) {
  if (lanes == 0 ||
      (lanes > 0 && lanes <= most && std::has_single_bit(static_cast<uint64_t>(lanes))))
    return {};
  return badInput(
      fmt::format("attribute 'lanes': expected a power of two up to {}, got {}", most, lanes));
}

Result<void> areRestRows(const std::vector<int64_t> &restRows, int64_t rows) {
  for (size_t i = 0; i < restRows.size(); i++)
    if (restRows[i] < 2 || restRows[i] >= (i == 0 ? rows : restRows[i - 1]))
      return badInput(fmt::format(
          "attribute 'rest_rows': expected rows from {} down to 2, the largest first, got {}",
          rows - 1, restRows[i]));
  return {};
}

int64_t imagesOf(const Op &op) { return op.attrs.getInt("images"); }

Result<void> VectorPlan::verify() const {
  TRY(areLanes(lanes, kMaxLanes));
  if (images >= 0 && images <= kMostImages)
    return {};
  return badInput(fmt::format("attribute 'images': expected 0 to {}, got {}", kMostImages, images));
}

Result<void> NestPlan::verify() const {
  TRY(LoopPlan::verify());
  if (unitLoops >= 0 && unitRun >= 0)
    return {};
  return badInput(
      fmt::format("expected no fewer than 0 loops and iterations for a unit, got {} and {}",
                  unitLoops, unitRun));
}

} // namespace cameo
