// Reductions: a term computed from each element, combined over axes, and a final formula. Sum of
// f32 and halves is in f32, like the accumulators of every other kernel.
#include "lowering/select/Select.h"

#include "ir/infer/Infer.h"
#include "ir/kernel/Reduce.h"
#include "lowering/build/Shapes.h"

#include <algorithm>
#include <numeric>

namespace cameo {
namespace {

Value *square(LoopBuilder &b, Value *x) { return b.mul(x, x); }

struct Reduction {
  Combiner combiner;
  Value *(*term)(LoopBuilder &, Value *);                         // nullptr: the element
  Value *(*finish)(LoopBuilder &, Value *combined, Value *count); // nullptr: as combined
};

Value *mean(LoopBuilder &b, Value *sum, Value *count) { return b.div(sum, count); }
/// Of integers it is computed in f64, and rounded towards 0.
Value *root(LoopBuilder &b, Value *sum, Value *) {
  DType dtype = sum->type.dtype();
  Value *wide = isFloat(dtype) ? sum : b.cast(sum, DType::F64);
  return b.cast(b.unary(OpKind::ScalarSqrt, wide), dtype);
}
Value *logarithm(LoopBuilder &b, Value *sum, Value *) { return b.unary(OpKind::ScalarLog, sum); }
Value *absolute(LoopBuilder &b, Value *x) { return b.unary(OpKind::ScalarAbs, x); }

std::optional<Reduction> reductionOf(OpKind kind) {
  switch (kind) {
  case OpKind::ReduceSum:
    return Reduction{Combiner::Add, nullptr, nullptr};
  case OpKind::ReduceMean:
  case OpKind::GlobalAveragePool:
    return Reduction{Combiner::Add, nullptr, mean};
  case OpKind::ReduceMax:
  case OpKind::GlobalMaxPool:
    return Reduction{Combiner::Max, nullptr, nullptr};
  case OpKind::ReduceMin:
    return Reduction{Combiner::Min, nullptr, nullptr};
  case OpKind::ReduceProd:
    return Reduction{Combiner::Mul, nullptr, nullptr};
  case OpKind::ReduceL1:
    return Reduction{Combiner::Add, absolute, nullptr};
  case OpKind::ReduceL2:
    return Reduction{Combiner::Add, square, root};
  case OpKind::ReduceSumSquare:
    return Reduction{Combiner::Add, square, nullptr};
  case OpKind::ReduceLogSum:
    return Reduction{Combiner::Add, nullptr, logarithm};
  default:
    return std::nullopt;
  }
}

/// The number of elements combined, as a scalar of `type`.
Value *countOf(LoopBuilder &b, const Type &x, const std::vector<int64_t> &axes, const Type &type) {
  Dim count(1);
  for (int64_t axis : axes)
    count = count * x.dim(axis);
  if (count.isConst())
    return b.constantInt(type, count.value());
  return b.cast(b.cast(sizeValue(b, count), DType::I64), type.dtype());
}

/// The axes an op reduces, non-negative; nothing if only the run knows.
std::optional<std::vector<int64_t>> reducedAxes(Selection &s) {
  int64_t rank = s.in(0).rank();
  std::vector<int64_t> axes;
  bool global = s.op.kind() == OpKind::GlobalAveragePool || s.op.kind() == OpKind::GlobalMaxPool;
  if (s.op.operand(1)) {
    std::optional<std::vector<int64_t>> known = constantInts(s.op.operand(1));
    if (!known)
      return std::nullopt;
    for (int64_t axis : *known)
      axes.push_back(*normalizeAxis(axis, rank));
  }
  if (global || (axes.empty() && !s.op.attrs.getInt("noop_with_empty_axes"))) {
    axes.resize(global ? rank - 2 : rank);
    std::iota(axes.begin(), axes.end(), global ? 2 : 0);
  }
  return axes;
}

/// Whether threads share the lines of the images that are reduced: then a unit of a reduction over
/// whole images would read what all threads have written. Fewer lines are shared by channels.
bool areLinesShared(const Type &x, const std::vector<int64_t> &axes) {
  constexpr int64_t fewLines = 12, fewElements = 1 << 14;
  if (x.rank() < 4 || std::ssize(axes) != x.rank() - 2 ||
      *std::min_element(axes.begin(), axes.end()) != 2)
    return false;
  Dim elements = product(x.shape());
  return elements.isConst() && elements.value() >= fewElements && x.dim(2).value() >= fewLines;
}

/// The region that makes a term of an element; the term's type.
Type addTerm(LoopBuilder &b, Block &region, const Reduction &reduction, DType dtype) {
  b.atEnd(region);
  Value *element = widened(b, region.addArg(Type::scalar(dtype)));
  // Truth values are compared as bytes, 0 and 1.
  if (dtype == DType::Bool)
    element = b.cast(element, DType::U8);
  Value *term = reduction.term ? reduction.term(b, element) : element;
  b.create(OpKind::LoopYield, {term}, {});
  return term->type;
}

/// What the lines of images are reduced to, each by itself.
Value *reducedLines(Selection &s, const Reduction &reduction) {
  const Type &x = s.in(0);
  std::vector<int64_t> axes(x.rank() - 3);
  std::iota(axes.begin(), axes.end(), 3);
  Dims shape = x.shape();
  std::fill(shape.begin() + 3, shape.end(), Dim(1));
  Op *kernel = s.b.create(OpKind::KernelReduce, {s.op.operand(0)}, {Type::tensor(x.dtype(), shape)},
                          dictOf(ReduceAttrs{axes, reduction.combiner}), 2);
  Type term = addTerm(s.b, kernel->region(0), reduction, x.dtype());
  kernel->result()->type = Type::tensor(term.dtype(), shape);
  s.b.atEnd(kernel->region(1));
  s.b.create(OpKind::LoopYield, {kernel->region(1).addArg(term)}, {});
  s.b.before(&s.op);
  return kernel->result();
}

} // namespace

Result<void> selectReduce(Selection &s) {
  std::optional<Reduction> reduction = reductionOf(s.op.kind());
  if (!reduction)
    return s.unsupportedBecause("no lowering for this operator yet");
  const Type &x = s.in(0);
  std::optional<std::vector<int64_t>> reduced = reducedAxes(s);
  if (!reduced)
    return s.unsupportedBecause("axes known only at run time are not supported yet");
  const std::vector<int64_t> &axes = *reduced;
  Value *from = s.op.operand(0);
  if (areLinesShared(x, axes)) {
    from = reducedLines(s, *reduction);
    reduction->term = nullptr;
  }
  Op *kernel = s.replaceWith(OpKind::KernelReduce, {from},
                             dictOf(ReduceAttrs{axes, reduction->combiner}), 2);
  Type term = addTerm(s.b, kernel->region(0), *reduction, from->type.dtype());
  s.b.atEnd(kernel->region(1));
  Value *combined = kernel->region(1).addArg(term);
  if (reduction->finish) {
    Value *count = reduction->finish == mean ? countOf(s.b, x, axes, combined->type) : nullptr;
    combined = reduction->finish(s.b, combined, count);
  }
  s.b.create(OpKind::LoopYield, {s.b.cast(combined, s.out().dtype())}, {});
  return {};
}

Result<void> selectArgReduce(Selection &s) {
  ArgReduceAttrs attrs{*normalizeAxis(s.op.attrs.getInt("axis"), s.in(0).rank()),
                       s.op.kind() == OpKind::ArgMax ? Extreme::Max : Extreme::Min,
                       s.op.attrs.getInt("select_last_index") != 0};
  s.replaceWith(OpKind::KernelArgReduce, {s.op.operand(0)}, dictOf(attrs));
  return {};
}

Result<void> selectTopK(Selection &s) {
  TopKAttrs attrs{*normalizeAxis(s.op.attrs.getInt("axis", -1), s.in(0).rank()),
                  s.op.attrs.getInt("largest", 1) != 0};
  s.replaceWith(OpKind::KernelTopK, {s.op.operand(0)}, dictOf(attrs));
  return {};
}

} // namespace cameo
