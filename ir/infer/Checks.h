// Checks that many rules share, with their messages.
#pragma once

#include "ir/infer/Infer.h"

namespace cameo {

/// Operand i has at least `low` and at most `high` dims (-1: no limit).
Result<void> expectRank(const InferContext &ctx, int64_t i, int64_t low, int64_t high);
inline Result<void> expectRank(const InferContext &ctx, int64_t i, int64_t rank) {
  return expectRank(ctx, i, rank, rank);
}
/// Operand i has one element.
Result<void> expectScalar(const InferContext &ctx, int64_t i);
/// The axis made non-negative, or an error; `what` names it: `axis`, `axes[1]`.
Result<int64_t> checkedAxis(const InferContext &ctx, int64_t axis, int64_t rank,
                            const std::string &what = "axis");
/// The same for a list, which must not repeat an axis.
Result<std::vector<int64_t>> checkedAxes(const InferContext &ctx, const std::vector<int64_t> &axes,
                                         int64_t rank);
/// An optional list attribute of `count` elements, each at least `least`; `otherwise` repeated if
/// it is absent.
Result<std::vector<int64_t>> listAttr(const InferContext &ctx, std::string_view name, size_t count,
                                      int64_t otherwise, int64_t least);
/// A string attribute that is one of `choices`.
Result<std::string> choiceAttr(const InferContext &ctx, std::string_view name,
                               const std::vector<std::string> &choices);
/// Whether the two sizes cannot be equal.
bool provablyDiffer(const Dim &a, const Dim &b);
/// Of two sizes that must agree, the one that says more.
inline const Dim &moreKnown(const Dim &a, const Dim &b) { return a.isConst() ? a : b; }
/// Dim `axis` of operand i is `size`, which `what` describes (`the channels of input X`).
Result<void> expectDim(const InferContext &ctx, int64_t i, int64_t axis, const Dim &size,
                       const std::string &what);
/// The dims of operand i are `shape`, which `what` describes.
Result<void> expectShape(const InferContext &ctx, int64_t i, const Dims &shape,
                         const std::string &what);
/// Dim `axis` of operand i is at most `size`, which `what` describes.
Result<void> expectAtMost(const InferContext &ctx, int64_t i, int64_t axis, const Dim &size,
                          const std::string &what);
/// Dim `axis` of operand i is a multiple of `factor`, which `what` describes (`the 3 groups`).
Result<void> expectMultiple(const InferContext &ctx, int64_t i, int64_t axis, const Dim &factor,
                            const std::string &what);
/// Dim `axis` of operand i is not 0, unless `readers` is 0: the number of those that `what`
/// describes, who read from it.
Result<void> expectElements(const InferContext &ctx, int64_t i, int64_t axis, const Dim &readers,
                            const std::string &what);
/// Dim `axis` of operand 0, `padded` with its padding, has room for a window.
Result<void> expectWindow(const InferContext &ctx, int64_t axis, const Dim &window,
                          const Dim &padded);
/// Operand i broadcasts to `shape`, which `what` describes, as in numpy, without widening it.
Result<void> expectBroadcastTo(const InferContext &ctx, int64_t i, const Dims &shape,
                               const std::string &what);
/// `shape` broadcast with `more`, dims of operand i, as in numpy. `what` describes what has
/// `shape`.
Result<Dims> broadcastWith(const InferContext &ctx, const Dims &shape, int64_t i, const Dims &more,
                           const std::string &what);
/// The length of rank-1 operand i, if it is constant.
Result<std::optional<int64_t>> constantLength(const InferContext &ctx, int64_t i);

/// Largest rank a computed shape may have; bounds time and memory on hostile models.
constexpr int64_t kMaxRank = 64;
/// The shape that integer operand i, of rank 1, states: its contents, or fresh symbols if those are
/// unknown; nothing if the rank is unknown too. Sizes known to be negative are an error.
Result<std::optional<Dims>> shapeFrom(InferContext &ctx, int64_t i);
/// The spatial sizes of a convolution's weights, operand i, with which attribute kernel_shape must
/// agree.
Result<Dims> kernelOf(const InferContext &ctx, int64_t i);
/// The product, or a fresh symbol if the symbolic product has too many terms.
Dim productOrFresh(InferContext &ctx, const Dims &dims);

/// The element type a `d` attribute names, or `otherwise`.
DType dtypeAttr(const InferContext &ctx, std::string_view name, DType otherwise);

std::string listText(const std::vector<int64_t> &values);

} // namespace cameo
