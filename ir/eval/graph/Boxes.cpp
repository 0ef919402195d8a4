// Ops on boxes and regions of interest: RoiAlign, MaxRoiPool, NonMaxSuppression.
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/Index.h"

#include <algorithm>

namespace cameo::eval {
namespace {

struct RoiAttrs {
  double spatialScale = 1;
  int64_t sampling = 0;
  bool halfPixel = true, max = false;
};

/// Bilinear corners of one sampling point of a plane.
struct Corners {
  int64_t index[4] = {};
  double weight[4] = {}; // all 0 outside
};

Corners cornersAt(double y, double x, int64_t height, int64_t width) {
  Corners corners;
  if (!(y >= -1 && y <= static_cast<double>(height) && x >= -1 && x <= static_cast<double>(width)))
    return corners;
  y = std::max(y, 0.0), x = std::max(x, 0.0);
  int64_t top = std::min(static_cast<int64_t>(y), height - 1);
  int64_t left = std::min(static_cast<int64_t>(x), width - 1);
  int64_t bottom = std::min(top + 1, height - 1), right = std::min(left + 1, width - 1);
  double down = top == height - 1 ? 0 : y - static_cast<double>(top);
  double across = left == width - 1 ? 0 : x - static_cast<double>(left);
  int64_t index[4] = {top * width + left, top * width + right, bottom * width + left,
                      bottom * width + right};
  double weight[4] = {(1 - down) * (1 - across), (1 - down) * across, down * (1 - across),
                      down * across};
  std::copy_n(index, 4, corners.index);
  std::copy_n(weight, 4, corners.weight);
  return corners;
}

/// Sampling points of the bins of one region: `grid` points a bin.
struct RoiGrid {
  double startY = 0, startX = 0, binY = 0, binX = 0;
  int64_t gridY = 1, gridX = 1;
};

Result<RoiGrid> roiGrid(EvalContext &c, const RoiAttrs &attrs, const double *roi, int64_t outHeight,
                        int64_t outWidth) {
  double shift = attrs.halfPixel ? 0.5 : 0;
  double x0 = roi[0] * attrs.spatialScale - shift, y0 = roi[1] * attrs.spatialScale - shift;
  double x1 = roi[2] * attrs.spatialScale - shift, y1 = roi[3] * attrs.spatialScale - shift;
  double width = x1 - x0, height = y1 - y0;
  if (!attrs.halfPixel)
    width = std::max(width, 1.0), height = std::max(height, 1.0);
  TRY(c.require(std::fabs(width) < 1e9 && std::fabs(height) < 1e9, "a region is out of range"));
  RoiGrid grid{y0,
               x0,
               height / static_cast<double>(outHeight),
               width / static_cast<double>(outWidth),
               attrs.sampling,
               attrs.sampling};
  if (attrs.sampling <= 0) {
    grid.gridY = std::max<int64_t>(static_cast<int64_t>(std::ceil(grid.binY)), 0);
    grid.gridX = std::max<int64_t>(static_cast<int64_t>(std::ceil(grid.binX)), 0);
  }
  return grid;
}

/// One bin of one plane. The maximum is over weighted corners, as the specification's reference has
/// it, not over interpolated values.
double roiBin(const RoiAttrs &attrs, const RoiGrid &grid, const double *plane, int64_t height,
              int64_t width, int64_t row, int64_t column) {
  double sum = 0, best = 0;
  bool first = true;
  for (int64_t iy = 0; iy < grid.gridY; iy++)
    for (int64_t ix = 0; ix < grid.gridX; ix++) {
      double y = grid.startY + (static_cast<double>(row) +
                                (static_cast<double>(iy) + 0.5) / static_cast<double>(grid.gridY)) *
                                   grid.binY;
      double x = grid.startX + (static_cast<double>(column) +
                                (static_cast<double>(ix) + 0.5) / static_cast<double>(grid.gridX)) *
                                   grid.binX;
      Corners corners = cornersAt(y, x, height, width);
      for (int k = 0; k < 4; k++) {
        double value = corners.weight[k] * plane[corners.index[k]];
        sum += value;
        best = first ? value : std::max(best, value);
        first = false;
      }
    }
  return attrs.max ? best
                   : sum / static_cast<double>(std::max<int64_t>(grid.gridY * grid.gridX, 1));
}

} // namespace

/// Inputs X (N x C x H x W), rois (R x 4: x1, y1, x2, y2), batch_indices (R).
EvalResult evalRoiAlign(EvalContext &c) {
  TRY(c.requireRank(0, 4));
  const Tensor &x = c.in(0), &batches = c.in(2);
  int64_t rois = batches.size(), channels = x.dims[1], height = x.dims[2], width = x.dims[3];
  std::vector<int64_t> expected = {rois, 4};
  TRY(c.require(c.in(1).dims == expected && batches.rank() == 1,
                "rois " + dimsText(c.in(1).dims) + " and batch_indices " + dimsText(batches.dims) +
                    " do not fit"));
  int64_t outHeight = c.intAttr("output_height", 1), outWidth = c.intAttr("output_width", 1);
  RoiAttrs attrs{c.floatAttr("spatial_scale", 1), c.intAttr("sampling_ratio"),
                 c.stringAttr("coordinate_transformation_mode", "half_pixel") == "half_pixel",
                 c.stringAttr("mode", "avg") == "max"};
  TRY(c.require(attrs.sampling < 65536, "sampling_ratio is out of range"));
  Tensor y = TRY(c.allocate(x.dtype, {rois, channels, outHeight, outWidth}));
  TRY(c.require(y.size() == 0 || height * width > 0, "X is empty"));
  Tensor image = TRY(c.toF64(x)), regions = TRY(c.toF64(c.in(1)));
  for (int64_t r = 0; y.size() > 0 && r < rois; r++) {
    int64_t batch = TRY(checkedIndex(c, load<int64_t>(batches, r), x.dims[0]));
    RoiGrid grid = TRY(roiGrid(c, attrs, f64(regions) + r * 4, outHeight, outWidth));
    TRY(c.charge({channels, outHeight, outWidth, grid.gridY, grid.gridX}));
    for (int64_t channel = 0; channel < channels; channel++) {
      const double *plane = f64(image) + (batch * channels + channel) * height * width;
      for (int64_t i = 0; i < outHeight * outWidth; i++)
        store(y, (r * channels + channel) * outHeight * outWidth + i,
              roiBin(attrs, grid, plane, height, width, i / outWidth, i % outWidth));
    }
  }
  return one(y);
}

namespace {
/// Largest element of plane[top, bottom) x [left, right); 0 if there is none.
double regionMax(const double *plane, int64_t width, int64_t top, int64_t bottom, int64_t left,
                 int64_t right) {
  double best = -HUGE_VAL;
  for (int64_t i = top; i < bottom; i++)
    for (int64_t j = left; j < right; j++)
      best = std::max(best, plane[i * width + j]);
  return top < bottom && left < right ? best : 0;
}

/// Bin `i` of `bins` over a region from `start` that is `extent` long, clipped to [0, n).
void roiRange(double start, double extent, int64_t i, int64_t bins, int64_t n, int64_t &low,
              int64_t &high) {
  double size = extent / static_cast<double>(bins), limit = static_cast<double>(n);
  double from = std::floor(static_cast<double>(i) * size) + start;
  double to = std::ceil(static_cast<double>(i + 1) * size) + start;
  low = static_cast<int64_t>(std::clamp(from, 0.0, limit));
  high = static_cast<int64_t>(std::clamp(to, 0.0, limit));
}
} // namespace

/// Inputs X (N x C x H x W), rois (R x 5: batch, x1, y1, x2, y2); corners are rounded and
/// inclusive.
EvalResult evalMaxRoiPool(EvalContext &c) {
  TRY(c.requireRank(0, 4));
  TRY(c.requireRank(1, 2));
  const Tensor &x = c.in(0), &rois = c.in(1);
  std::vector<int64_t> bins = c.intsAttr("pooled_shape");
  TRY(c.require(bins.size() == 2 && rois.dims[1] == 5, "expected two bins and rois of 5 values"));
  double scale = c.floatAttr("spatial_scale", 1);
  int64_t channels = x.dims[1], height = x.dims[2], width = x.dims[3];
  Tensor y = TRY(c.allocate(x.dtype, {rois.dims[0], channels, bins[0], bins[1]}));
  Tensor image = TRY(c.toF64(x)), regions = TRY(c.toF64(rois));
  TRY(c.charge({y.size(), std::max<int64_t>(height * width, 1)}));
  for (int64_t i = 0; i < y.size(); i++) {
    int64_t column = i % bins[1], row = i / bins[1] % bins[0], plane = i / (bins[0] * bins[1]);
    const double *roi = f64(regions) + plane / channels * 5;
    int64_t batch = TRY(checkedIndex(c, saturate<int64_t>(roi[0]), x.dims[0]));
    double corner[4];
    for (int k = 0; k < 4; k++) {
      corner[k] = std::round(roi[k + 1] * scale);
      TRY(c.require(std::fabs(corner[k]) < 1e9, "a region is out of range"));
    }
    int64_t top, bottom, left, right;
    roiRange(corner[1], std::max(corner[3] - corner[1] + 1, 1.0), row, bins[0], height, top,
             bottom);
    roiRange(corner[0], std::max(corner[2] - corner[0] + 1, 1.0), column, bins[1], width, left,
             right);
    store(y, i,
          regionMax(f64(image) + (batch * channels + plane % channels) * height * width, width, top,
                    bottom, left, right));
  }
  return one(y);
}

namespace {

struct Box {
  float y0, x0, y1, x1;
};

Box boxAt(const Tensor &boxes, int64_t i, bool center) {
  double row[4];
  loadRow(boxes, i * 4, 1, 4, row);
  float a = static_cast<float>(row[0]), b = static_cast<float>(row[1]);
  float u = static_cast<float>(row[2]), v = static_cast<float>(row[3]);
  if (center)
    return {b - v / 2, a - u / 2, b + v / 2, a + u / 2};
  return {std::min(a, u), std::min(b, v), std::max(a, u), std::max(b, v)};
}

/// Intersection over union above the threshold, in 32 bits, on which ties depend.
bool overlaps(const Box &a, const Box &b, float threshold) {
  float height = std::min(a.y1, b.y1) - std::max(a.y0, b.y0);
  float width = std::min(a.x1, b.x1) - std::max(a.x0, b.x0);
  if (!(height > 0 && width > 0))
    return false;
  float common = height * width;
  float areaA = (a.y1 - a.y0) * (a.x1 - a.x0), areaB = (b.y1 - b.y0) * (b.x1 - b.x0);
  float total = areaA + areaB - common;
  return areaA > 0 && areaB > 0 && total > 0 && common / total > threshold;
}

struct NmsSettings {
  int64_t most = 0;
  float overlap = 0, score = 0;
  bool hasScore = false, center = false;
};

/// Boxes of one class that survive, best score first; equal scores by index.
Result<std::vector<int64_t>> survivors(EvalContext &c, const NmsSettings &s, int64_t batch,
                                       int64_t cls, int64_t boxes, int64_t classes) {
  std::vector<std::pair<double, int64_t>> candidates;
  for (int64_t i = 0; i < boxes; i++) {
    double score = load<double>(c.in(1), (batch * classes + cls) * boxes + i);
    // NaN has no place in an order.
    if (score == score && (!s.hasScore || score > s.score))
      candidates.emplace_back(-score, i);
  }
  std::sort(candidates.begin(), candidates.end());
  std::vector<int64_t> chosen;
  std::vector<Box> kept;
  for (const auto &[score, i] : candidates) {
    if (static_cast<int64_t>(chosen.size()) >= s.most)
      break;
    Box box = boxAt(c.in(0), batch * boxes + i, s.center);
    TRY(c.charge(1 + static_cast<int64_t>(kept.size())));
    bool suppressed = std::any_of(kept.begin(), kept.end(), [&](const Box &other) {
      return overlaps(box, other, s.overlap);
    });
    if (suppressed)
      continue;
    chosen.push_back(i);
    kept.push_back(box);
  }
  return chosen;
}

} // namespace

/// Inputs boxes (batch x boxes x 4), scores (batch x classes x boxes), max_output_boxes_per_class,
/// iou_threshold, score_threshold; result rows are batch, class, box.
EvalResult evalNonMaxSuppression(EvalContext &c) {
  TRY(c.requireRank(0, 3));
  TRY(c.requireRank(1, 3));
  const std::vector<int64_t> &b = c.in(0).dims, &s = c.in(1).dims;
  TRY(c.require(b[0] == s[0] && b[1] == s[2] && b[2] == 4,
                "boxes " + dimsText(b) + " and scores " + dimsText(s) + " do not fit"));
  auto given = [&](int64_t i) { return c.has(i) && c.in(i).size() > 0; };
  NmsSettings settings;
  settings.most = given(2) ? std::max<int64_t>(TRY(c.intScalar(2)), 0) : 0;
  settings.overlap = given(3) ? static_cast<float>(TRY(c.floatScalar(3))) : 0;
  settings.hasScore = given(4);
  settings.score = given(4) ? static_cast<float>(TRY(c.floatScalar(4))) : 0;
  settings.center = c.intAttr("center_point_box") != 0;
  std::vector<int64_t> rows;
  TRY(c.charge({b[0], s[1], std::max<int64_t>(b[1], 1)}));
  for (int64_t batch = 0; batch < b[0]; batch++)
    for (int64_t cls = 0; cls < s[1]; cls++)
      for (int64_t box : TRY(survivors(c, settings, batch, cls, b[1], s[1])))
        rows.insert(rows.end(), {batch, cls, box});
  Tensor y = TRY(c.ints({static_cast<int64_t>(rows.size()) / 3, 3}));
  std::copy(rows.begin(), rows.end(), i64Out(y));
  return one(y);
}

} // namespace cameo::eval
