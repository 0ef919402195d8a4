// Which elements units touch in numbers, and whether they share some; see KernelUnits.h.
#include "ir/Printer.h"
#include "lowering/plan/KernelUnits.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>

namespace cameo {
namespace {

/// Sums of an element of each.
std::set<int64_t> sums(const std::set<int64_t> &a, const std::set<int64_t> &b) {
  std::set<int64_t> all;
  for (int64_t x : a)
    for (int64_t y : b)
      all.insert(x + y);
  return all;
}

/// How far the steps [first, end) of an axis lead.
std::set<int64_t> distances(const TouchedAxis &axis, int64_t first, int64_t end) {
  std::set<int64_t> all;
  for (int64_t step = first; step < std::min(end, axis.extent.value()); step++)
    all.insert(step * axis.stride.value());
  return all;
}

/// Whether sums of steps along different axes may lead to the same element: they do not where each
/// step of an axis leads further than all steps of those with smaller strides together. Symbols are
/// taken to fit.
bool mayMeet(const std::vector<TouchedAxis> &axes) {
  std::vector<std::pair<int64_t, int64_t>> loops; // strides and extents
  for (const TouchedAxis &axis : axes) {
    if (axis.extent == Dim(0))
      return false;
    if (axis.extent == Dim(1))
      continue;
    if (axis.stride == Dim(0))
      return true;
    if (axis.extent.isConst() && axis.stride.isConst())
      loops.emplace_back(std::abs(axis.stride.value()), axis.extent.value());
  }
  std::sort(loops.begin(), loops.end());
  int64_t reach = 0;
  for (const auto &[stride, extent] : loops) {
    if (stride <= reach)
      return true;
    reach += (extent - 1) * stride;
  }
  return false;
}

/// Whether units that differ in their cell along an axis of the grid take other steps.
bool isTold(const UnitAxis &axis, int64_t number, const Touched &touched) {
  return axis.cells() == Dim(0) || axis.cells() == Dim(1) ||
         std::any_of(touched.axes.begin(), touched.axes.end(), [&](const TouchedAxis &steps) {
           return steps.axis == number || steps.axis == TouchedAxis::kUnit;
         });
}

} // namespace

std::set<int64_t> elementsOf(const Units &grid, const Touched &touched, int64_t unit) {
  std::set<int64_t> elements = {touched.offset.value()};
  std::vector<Units::Range> slab = grid.slab(unit);
  for (size_t g = 0; g < slab.size(); g++) {
    std::set<int64_t> taken;
    for (int64_t position = slab[g].first; position < slab[g].end; position++) {
      std::set<int64_t> here = {0};
      for (const TouchedAxis &axis : touched.axes)
        if (axis.axis == static_cast<int64_t>(g)) {
          int64_t first = position / axis.divisor % axis.modulus * axis.scale;
          here = sums(here, distances(axis, first, first + axis.scale));
        }
      taken.merge(here);
    }
    elements = sums(elements, taken);
  }
  for (const TouchedAxis &axis : touched.axes)
    if (axis.axis == TouchedAxis::kAll)
      elements = sums(elements, distances(axis, 0, axis.extent.value()));
  for (const TouchedAxis &axis : touched.axes)
    if (axis.axis == TouchedAxis::kUnit)
      elements = sums(elements, distances(axis, unit, unit + 1));
  return elements;
}

Result<void> unitsAreApart(const Op &op) {
  KernelUnits units = unitsOf(op);
  for (const Touched &write : units.writes) {
    // Of no elements, none is shared.
    if (product(write.tensor->type.shape()) == Dim(0))
      continue;
    bool areTold = true;
    for (size_t g = 0; g < units.grid.axes().size(); g++)
      areTold = areTold && isTold(units.grid.axes()[g], static_cast<int64_t>(g), write);
    if (!areTold || mayMeet(write.axes))
      return badInput(fmt::format("expected units that write elements of their own, got some that "
                                  "share elements of '{}', in `{}`",
                                  printValue(*write.tensor), printOp(op)));
  }
  return {};
}

} // namespace cameo
