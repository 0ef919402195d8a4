// The geometry that convolutions and pools share: kernel, strides, dilations and padding over the
// spatial dims of N x C x D1 x ... x Dn.
#pragma once

#include "ir/eval/graph/EvalContext.h"

namespace cameo::eval {

struct Spatial {
  std::vector<int64_t> in, out, kernel, strides, dilations, padBegin, padEnd;

  int64_t rank() const { return static_cast<int64_t>(in.size()); }
  int64_t inSize() const;
  int64_t outSize() const;
  int64_t taps() const;
};

/// Reads strides, dilations, pads, auto_pad and (for pools, whose `kernel` is empty) kernel_shape,
/// checks them, and computes output sizes; ceil_mode as ONNX defines it: windows that start in the
/// end padding are dropped. `in` are the input's spatial dims.
Result<Spatial> spatialOf(EvalContext &c, std::vector<int64_t> in, std::vector<int64_t> kernel);

/// Reads one spatial attribute of `rank` values, `otherwise` each when absent, between bounds that
/// keep size arithmetic within 64 bits.
Result<std::vector<int64_t>> spatialAttr(EvalContext &c, std::string_view name, int64_t rank,
                                         int64_t otherwise, int64_t least);

/// Sizes, strides, dilations and pads are at most this, so that products of three do not overflow.
inline constexpr int64_t kMaxSpatial = int64_t{1} << 31;

} // namespace cameo::eval
