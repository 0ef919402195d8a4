// See Elements.h.
#include "lowering/build/Elements.h"

#include "ir/kernel/Elements.h"

#include <algorithm>

namespace cameo {
namespace {

/// The shapes of what an op writes. A halo has elements wherever the dims without one do.
std::vector<Dims> shapesWritten(const Op &op) {
  std::vector<Dims> shapes;
  for (const std::unique_ptr<Value> &result : op.results())
    shapes.push_back(result->type.isTensor() && result->type.isRanked() ? result->type.shape()
                                                                        : Dims());
  if (op.kind() != OpKind::KernelFillHalo)
    return shapes;
  auto [lo, hi, value, plan] = attrsOf<FillHaloAttrs>(op);
  Dims plain;
  for (size_t i = 0; i < lo.size(); i++)
    if (lo[i] == 0 && hi[i] == Dim(0))
      plain.push_back(op.operand(0)->type.dim(static_cast<int64_t>(i)));
  return {plain};
}

bool isEmpty(const Dims &shape) {
  return std::find(shape.begin(), shape.end(), Dim(0)) != shape.end();
}

/// Whether a tensor of one of these shapes has an element; nullptr where that is certain. Dims that
/// divide `known` do not count: it is zero where they are.
Value *anyElements(SizeTable &sizes, LoopBuilder &b, const std::vector<Dims> &shapes,
                   const Dim &known) {
  Value *any = nullptr;
  for (const Dims &shape : shapes) {
    if (isEmpty(shape))
      continue;
    Value *all = nullptr;
    for (const Dim &dim : shape) {
      if (dim.isConst() || Dim::exactDiv(known, dim))
        continue;
      Value *some = b.cmp("gt", sizes.value(b, dim), b.index(0));
      all = all ? b.binary(OpKind::ScalarAnd, all, some) : some;
    }
    if (!all)
      return nullptr;
    any = any ? b.binary(OpKind::ScalarOr, any, all) : all;
  }
  return any ? any : b.constantInt(Type::scalar(DType::Bool), 0);
}

} // namespace

Value *unitsOf(SizeTable &sizes, LoopBuilder &b, const Op &op, const Dim &units) {
  std::vector<Dims> written = shapesWritten(op);
  if (std::all_of(written.begin(), written.end(), isEmpty))
    return b.index(0);
  Value *any = anyElements(sizes, b, written, units), *count = sizes.value(b, units);
  return any ? b.select(any, count, b.index(0)) : count;
}

Value *anyElementsAtHead(SizeTable &sizes, LoopBuilder &b, const Op &op) {
  std::vector<Dims> written = shapesWritten(op);
  auto isKnown = [&](const Dims &shape) {
    return std::all_of(shape.begin(), shape.end(),
                       [&](const Dim &dim) { return sizes.knowsAtHead(dim); });
  };
  bool decided = !written.empty() && std::all_of(written.begin(), written.end(), isKnown);
  return decided ? anyElements(sizes, b, written, Dim(1)) : nullptr;
}

} // namespace cameo
