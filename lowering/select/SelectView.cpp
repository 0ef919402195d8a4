// Shape and data movement operators that are views: reshape, transpose, slice, broadcast, concat.
#include "lowering/select/Select.h"

#include "ir/infer/Infer.h"
#include "ir/infer/Sizes.h"
#include "ir/kernel/ViewOps.h"
#include "lowering/build/Shapes.h"
#include "lowering/select/RunTimeShapes.h"

#include <algorithm>

namespace cameo {

Result<void> selectReshape(Selection &s) {
  s.replaceWithValue(s.b.create(OpKind::KernelReshape, {s.op.operand(0)}, {s.out()})->result());
  return {};
}

Result<void> selectTranspose(Selection &s) {
  std::vector<int64_t> perm = s.op.attrs.getInts("perm");
  if (perm.empty())
    for (int64_t i = s.in(0).rank(); i-- > 0;)
      perm.push_back(i);
  s.replaceWith(OpKind::KernelTranspose, {s.op.operand(0)}, dictOf(TransposeAttrs{perm}));
  return {};
}

namespace {

/// Bounds that only the run knows: each element is read where they say.
Result<void> sliceAtRunTime(Selection &s) {
  Type x = s.in(0);
  generateReading(s, [&](OperandReader &reader, std::vector<Value *> at) {
    LoopBuilder &b = s.b;
    for (int64_t i = 0; i < x.rank(); i++) {
      if (!isSliced(reader, i))
        continue;
      SliceBounds bounds = sliceBounds(reader, i);
      Value *along = b.mul(b.cast(at[i], DType::I64), bounds.step);
      // Below the size by the computation of the sizes, which the compiler cannot see.
      at[i] = checkIndex(b, b.toIndex(b.add(bounds.first, along)), x.dim(i));
    }
    return elementAt(b, x, 0, at);
  });
  return {};
}

} // namespace

Result<void> selectSlice(Selection &s) {
  const Dims &shape = s.in(0).shape();
  Dims starts(shape.size(), Dim(0));
  std::vector<int64_t> steps(shape.size(), 1);
  Value *from = s.op.operand(1);
  InferContext context(s.module, s.op);
  std::optional<Dims> known = context.known(1);
  std::optional<std::vector<int64_t>> axes = constantInts(s.op.operand(3));
  std::optional<std::vector<int64_t>> by = constantInts(s.op.operand(4));
  if (!known || (s.op.operand(3) && !axes) || (s.op.operand(4) && !by))
    return sliceAtRunTime(s);
  for (int64_t i = 0; i < from->type.dim(0).value(); i++) {
    int64_t axis = axes ? *normalizeAxis((*axes)[i], s.in(0).rank()) : i;
    steps[axis] = by ? (*by)[i] : 1;
    const Dim &given = (*known)[i];
    std::optional<Dim> start = firstOfSlice(shape[axis], given, steps[axis]);
    if (!start || !given.isConst())
      return sliceAtRunTime(s);
    starts[axis] = *start;
  }
  s.replaceWithValue(sliceView(s.b, s.op.operand(0), std::move(starts), std::move(steps), s.out()));
  return {};
}

Result<void> selectSplit(Selection &s) {
  int64_t rank = s.in(0).rank(), axis = *normalizeAxis(s.op.attrs.getInt("axis"), rank);
  Dim from(0);
  for (const std::unique_ptr<Value> &result : s.op.results()) {
    Dims starts(rank, Dim(0));
    starts[axis] = from;
    from = from + result->type.dim(axis);
    Value *part = sliceView(s.b, s.op.operand(0), std::move(starts), std::vector<int64_t>(rank, 1),
                            result->type);
    part->name = result->name;
    result->replaceAllUsesWith(part);
  }
  return {};
}

/// Symbols for where the parts of a concat begin, computed when the run has their sizes; none if
/// the sums are short enough to be written down.
static Dims partOffsets(Selection &s, int64_t axis) {
  Dim at(0);
  for (const Value *operand : s.op.operands())
    at = at + operand->type.dim(axis);
  if (!at.isOverflow())
    return {};
  Dims offsets = {Dim(0)};
  writeSizes(s.b, [&](SymbolValues &to) {
    Value *sum = s.b.index(0);
    for (int64_t i = 0; i + 1 < s.op.numOperands(); i++) {
      sum = s.b.add(sum, sizeValue(s.b, s.in(i).dim(axis)));
      to.values.push_back(sum);
      to.symbols.push_back(s.module.freshSymbol("at"));
      offsets.push_back(Dim::symbol(to.symbols.back()));
    }
  });
  return offsets;
}

Result<void> selectConcat(Selection &s) {
  int64_t axis = *normalizeAxis(s.op.attrs.getInt("axis"), s.out().rank());
  ConcatAttrs attrs{axis, partOffsets(s, axis)};
  s.replaceWith(OpKind::KernelConcat, s.op.operands(), dictOf(attrs));
  return {};
}

/// Blocks of channels spread over rows and columns, as a transposition of six dims.
Result<void> selectDepthToSpace(Selection &s) {
  const Dims &x = s.in(0).shape(), &y = s.out().shape();
  Dim block(s.op.attrs.getInt("blocksize"));
  bool depthFirst = s.op.attrs.getString("mode") == "CRD";
  Dims split = depthFirst ? Dims{x[0], y[1], block, block, x[2], x[3]}
                          : Dims{x[0], block, block, y[1], x[2], x[3]};
  std::vector<int64_t> perm =
      depthFirst ? std::vector<int64_t>{0, 1, 4, 2, 5, 3} : std::vector<int64_t>{0, 3, 4, 1, 5, 2};
  Value *moved = transposeView(s.b, reshapeView(s.b, s.op.operand(0), split), perm);
  s.replaceWithValue(reshapeView(s.b, moved, y));
  return {};
}

Result<void> selectSpaceToDepth(Selection &s) {
  const Dims &x = s.in(0).shape(), &y = s.out().shape();
  Dim block(s.op.attrs.getInt("blocksize"));
  Value *split = reshapeView(s.b, s.op.operand(0), {x[0], x[1], y[2], block, y[3], block});
  bool depthFirst = s.op.attrs.getString("mode") == "CRD";
  std::vector<int64_t> perm =
      depthFirst ? std::vector<int64_t>{0, 1, 3, 5, 2, 4} : std::vector<int64_t>{0, 3, 5, 1, 2, 4};
  s.replaceWithValue(reshapeView(s.b, transposeView(s.b, split, perm), y));
  return {};
}

Result<void> selectExpand(Selection &s) {
  s.replaceWith(OpKind::KernelBroadcast, {s.op.operand(0)}, {});
  return {};
}

} // namespace cameo
