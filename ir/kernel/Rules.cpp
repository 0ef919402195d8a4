// See Rules.h.
#include "ir/kernel/Rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace cameo {

bool differ(const Dim &a, const Dim &b) { return a.isConst() && b.isConst() && a != b; }

Result<void> hasRegions(const Op &op, int64_t count) {
  if (op.numRegions() == count)
    return {};
  return badInput(fmt::format("expected {} regions, got {}", count, op.numRegions()));
}

namespace {

std::string typeList(const std::vector<Type> &types) {
  std::string text;
  for (const Type &type : types)
    text += (text.empty() ? "" : ", ") + type.str();
  return "(" + text + ")";
}

} // namespace

Result<void> regionMaps(const Op &op, int64_t i, const std::vector<Type> &arguments,
                        const std::vector<Type> &yielded) {
  std::vector<Type> takes, gives;
  for (const std::unique_ptr<Value> &argument : op.region(i).args())
    takes.push_back(argument->type);
  for (const Value *value : op.region(i).terminator()->operands())
    gives.push_back(value->type);
  if (takes == arguments && gives == yielded)
    return {};
  return badInput(fmt::format("expected region {} to map {} to {}, got {} to {}", i,
                              typeList(arguments), typeList(yielded), typeList(takes),
                              typeList(gives)));
}

Result<void> takesOne(const Op &op, std::vector<Type> others) {
  TRY(hasRegions(op, 1));
  if (op.region().numArgs() == 0)
    return badInput("expected the region to take what the kernel computes");
  others.insert(others.begin(), op.region().arg(0)->type);
  return regionMaps(op, 0, others, {elementOfResult(op)});
}

std::vector<Type> elementsFrom(const Op &op, int64_t first) {
  std::vector<Type> types;
  for (int64_t i = first; i < op.numOperands(); i++)
    types.push_back(Type::scalar(op.operand(i)->type.dtype()));
  return types;
}

Type elementOfResult(const Op &op, int64_t i) { return Type::scalar(op.result(i)->type.dtype()); }

Result<void> hasLength(const std::string &attribute, size_t length, int64_t wanted) {
  if (static_cast<int64_t>(length) == wanted)
    return {};
  return badInput(
      fmt::format("attribute '{}': expected {} entries, got {}", attribute, wanted, length));
}

Result<void> areAtLeast(const std::string &attribute, const std::vector<int64_t> &list,
                        int64_t least) {
  for (int64_t entry : list)
    if (entry < least)
      return badInput(fmt::format("attribute '{}': expected entries of at least {}, got {}",
                                  attribute, least, entry));
  return {};
}

Result<void> isAxis(const std::string &attribute, int64_t axis, const Value &value) {
  if (axis >= 0 && axis < value.type.rank())
    return {};
  return badInput(
      fmt::format("attribute '{}': there is no axis {} in {}", attribute, axis, value.type.str()));
}

Result<void> sameRank(const Value &a, const Value &b) {
  if (a.type.rank() == b.type.rank())
    return {};
  return badInput(
      fmt::format("expected {} and {} to have as many dims", a.type.str(), b.type.str()));
}

Result<void> sameElements(const Value &a, const Value &b) {
  if (a.type.dtype() == b.type.dtype())
    return {};
  return badInput(
      fmt::format("expected {} and {} to have the same elements", a.type.str(), b.type.str()));
}

Result<void> hasShape(const Value &value, const Dims &wanted) {
  const Dims &shape = value.type.shape();
  bool fits = shape.size() == wanted.size() &&
              std::equal(shape.begin(), shape.end(), wanted.begin(),
                         [](const Dim &a, const Dim &b) { return !differ(a, b); });
  if (fits)
    return {};
  return badInput(
      fmt::format("expected {}, got {}", value.type.withShape(wanted).str(), value.type.str()));
}

Result<void> WindowRule::verify(const Value &x, const Value &y) const {
  TRY(sameRank(x, y));
  int64_t rank = x.type.rank() - 2;
  if (rank < 0)
    return badInput(fmt::format("expected a batch and channels, got {}", x.type.str()));
  TRY(hasLength("kernel", kernel.size(), rank));
  TRY(hasLength("strides", strides.size(), rank));
  TRY(hasLength("dilations", dilations.size(), rank));
  TRY(hasLength("pads_begin", padsBegin.size(), rank));
  TRY(hasLength("pads_end", padsEnd.size(), rank));
  TRY(areAtLeast("kernel", kernel, 0));
  TRY(areAtLeast("strides", strides, 1));
  TRY(areAtLeast("dilations", dilations, 1));
  for (int64_t i = 0; i < rank; i++) {
    Dim last = (y.type.dim(i + 2) - Dim(1)) * Dim(strides[i]);
    Dim end = last + Dim(kernel[i] - 1) * Dim(dilations[i]) + Dim(1);
    Dim padded = x.type.dim(i + 2) + padsBegin[i] + padsEnd[i];
    bool some = y.type.dim(i + 2) != Dim(0);
    if (some && end.isConst() && padded.isConst() && end.value() > padded.value())
      return badInput(
          fmt::format("expected the windows to end within {} elements of dim {}, got {}",
                      padded.value(), i + 2, end.value()));
  }
  return {};
}

} // namespace cameo
