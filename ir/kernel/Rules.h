// What the rules of kernel ops share. Errors say what was expected; the verifier adds the op.
// Sizes that are not constants are taken to fit: other passes prove or guard them.
#pragma once

#include "ir/Op.h"
#include "ir/Result.h"

#include <string>
#include <vector>

namespace cameo {

/// Both are constants, and another one each.
bool differ(const Dim &a, const Dim &b);

/// The op has so many regions.
Result<void> hasRegions(const Op &op, int64_t count);
/// Region i takes such arguments and yields such values.
Result<void> regionMaps(const Op &op, int64_t i, const std::vector<Type> &arguments,
                        const std::vector<Type> &yielded);
/// The only region takes one element, of the type that the kernel computes in, then such elements,
/// and yields an element of the result.
Result<void> takesOne(const Op &op, std::vector<Type> others);
/// An element of each operand from number `first` on: what an epilogue takes behind the kernel's
/// own.
std::vector<Type> elementsFrom(const Op &op, int64_t first);
/// The element of result i.
Type elementOfResult(const Op &op, int64_t i = 0);

/// The list has an entry a dim.
Result<void> hasLength(const std::string &attribute, size_t length, int64_t wanted);
/// All entries are at least `least`.
Result<void> areAtLeast(const std::string &attribute, const std::vector<int64_t> &list,
                        int64_t least);
/// The axis is one of the value's.
Result<void> isAxis(const std::string &attribute, int64_t axis, const Value &value);
/// The tensors have the same number of dims.
Result<void> sameRank(const Value &a, const Value &b);
/// The tensors have the same element type.
Result<void> sameElements(const Value &a, const Value &b);
/// No size of `value` differs from that of `wanted`.
Result<void> hasShape(const Value &value, const Dims &wanted);

/// Windows over the spatial dims of x [N, C, ...]: the lists have an entry each, and the last
/// window of y ends within x and its padding.
struct WindowRule {
  const std::vector<int64_t> &kernel, &strides, &dilations;
  const Dims &padsBegin, &padsEnd;

  Result<void> verify(const Value &x, const Value &y) const;
};

} // namespace cameo
