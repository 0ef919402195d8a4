// Windows over spatial dims; see Spatial.h.
#include "ir/eval/graph/Spatial.h"

#include "ir/eval/graph/Elements.h"

#include <algorithm>

namespace cameo::eval {

int64_t Spatial::inSize() const { return product(in, 0, rank()); }
int64_t Spatial::outSize() const { return product(out, 0, rank()); }
int64_t Spatial::taps() const { return product(kernel, 0, rank()); }

Result<std::vector<int64_t>> spatialAttr(EvalContext &c, std::string_view name, int64_t rank,
                                         int64_t otherwise, int64_t least) {
  std::vector<int64_t> values = c.intsAttr(name);
  if (values.empty())
    values.assign(rank, otherwise);
  TRY(c.require(static_cast<int64_t>(values.size()) == rank,
                std::string(name) + ": expected " + std::to_string(rank) + " values, got " +
                    dimsText(values)));
  for (int64_t value : values)
    TRY(c.require(value >= least && value <= kMaxSpatial,
                  std::string(name) + ": " + std::to_string(value) + " is out of range"));
  return values;
}

namespace {

/// Padding of one dim for auto_pad SAME_*: out = ceil(in / stride).
void samePads(Spatial &s, int64_t d, bool upper) {
  s.out[d] = (s.in[d] + s.strides[d] - 1) / s.strides[d];
  int64_t extent = (s.kernel[d] - 1) * s.dilations[d] + 1;
  int64_t total = std::max<int64_t>((s.out[d] - 1) * s.strides[d] + extent - s.in[d], 0);
  int64_t small = total / 2;
  s.padBegin[d] = upper ? small : total - small;
  s.padEnd[d] = total - s.padBegin[d];
}

/// The number of windows; 0 if the kernel does not fit.
int64_t outputSize(const Spatial &s, int64_t d, bool ceilMode) {
  int64_t extent = (s.kernel[d] - 1) * s.dilations[d] + 1;
  int64_t room = s.in[d] + s.padBegin[d] + s.padEnd[d] - extent;
  if (room < 0)
    return 0;
  if (!ceilMode)
    return room / s.strides[d] + 1;
  int64_t out = (room + s.strides[d] - 1) / s.strides[d] + 1;
  // A window must start in the input or the begin padding.
  if ((out - 1) * s.strides[d] >= s.in[d] + s.padBegin[d])
    out--;
  return out;
}

} // namespace

Result<Spatial> spatialOf(EvalContext &c, std::vector<int64_t> in, std::vector<int64_t> kernel) {
  int64_t rank = static_cast<int64_t>(in.size());
  Spatial s;
  s.in = std::move(in);
  s.kernel = kernel.empty() ? TRY(spatialAttr(c, "kernel_shape", rank, 1, 1)) : std::move(kernel);
  s.strides = TRY(spatialAttr(c, "strides", rank, 1, 1));
  s.dilations = TRY(spatialAttr(c, "dilations", rank, 1, 1));
  std::vector<int64_t> pads = TRY(spatialAttr(c, "pads", 2 * rank, 0, 0));
  s.padBegin.assign(pads.begin(), pads.begin() + rank);
  s.padEnd.assign(pads.begin() + rank, pads.end());
  s.out.resize(rank);
  std::string autoPad = c.stringAttr("auto_pad", "NOTSET");
  bool same = autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER";
  TRY(c.require(same || autoPad == "NOTSET" || autoPad == "VALID" || autoPad.empty(),
                "auto_pad '" + autoPad + "' is unknown"));
  for (int64_t d = 0; d < rank; d++) {
    TRY(c.require(s.in[d] <= kMaxSpatial && s.kernel[d] >= 1 && s.kernel[d] <= kMaxSpatial,
                  "spatial sizes are out of range: input " + dimsText(s.in) + ", kernel " +
                      dimsText(s.kernel)));
    if (autoPad == "VALID")
      s.padBegin[d] = s.padEnd[d] = 0;
    if (same)
      samePads(s, d, autoPad == "SAME_UPPER");
    else
      s.out[d] = outputSize(s, d, c.intAttr("ceil_mode") != 0 && autoPad != "VALID");
    TRY(c.require(s.out[d] > 0, "kernel " + dimsText(s.kernel) +
                                    " is larger than the padded input " + dimsText(s.in)));
  }
  return s;
}

} // namespace cameo::eval
