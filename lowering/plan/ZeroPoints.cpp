// See ZeroPoints.h.
#include "lowering/plan/ZeroPoints.h"

#include "ir/kernel/Reduce.h"
#include "lowering/build/Regions.h"
#include "lowering/build/Shapes.h"
#include "lowering/build/ViewBuilder.h"

#include <algorithm>
#include <numeric>

namespace cameo {

Value *storedBytes(LoopBuilder &b, Value *bytes, bool flip) {
  if (!flip)
    return bytes;
  DType from = bytes->type.dtype(), to = from == DType::I8 ? DType::U8 : DType::I8;
  Op *kernel = b.create(OpKind::KernelPointwise, {bytes}, {bytes->type.withDType(to)}, {}, 1);
  b.atEnd(kernel->region());
  Value *element = b.bitcast(kernel->region().addArg(Type::scalar(from)), Type::scalar(to));
  Value *top = b.constantInt(element->type, to == DType::I8 ? -128 : 128);
  endEpilogue(b, kernel, b.binary(OpKind::ScalarXor, element, top));
  return kernel->result();
}

Value *sumOver(LoopBuilder &b, const Side &side, const std::vector<int64_t> &axes) {
  Dims shape = side.bytes->type.shape();
  for (int64_t axis : axes)
    shape[axis] = Dim(1);
  Op *kernel = b.create(OpKind::KernelReduce, {side.bytes}, {Type::tensor(DType::I32, shape)},
                        dictOf(ReduceAttrs{axes, Combiner::Add}), 2);
  b.atEnd(kernel->region(0));
  Value *element = kernel->region(0).addArg(Type::scalar(side.bytes->type.dtype()));
  Value *wide = b.cast(element, DType::I32);
  b.create(OpKind::LoopYield, {b.add(wide, b.constantInt(wide->type, side.shift()))}, {});
  b.atEnd(kernel->region(1));
  b.create(OpKind::LoopYield, {kernel->region(1).addArg(wide->type)}, {});
  b.after(kernel);
  return kernel->result();
}

namespace {

/// Of i32, by their bits.
ConstRef constantOf(const std::vector<uint32_t> &values, const std::vector<int64_t> &dims,
                    const std::string &name) {
  std::vector<std::byte> bytes(values.size() * sizeof(uint32_t));
  std::copy_n(reinterpret_cast<const std::byte *>(values.data()), bytes.size(), bytes.data());
  return makeConst(DType::I32, dims, std::move(bytes), name);
}

/// sumOver at compile time, each sum multiplied with `factor`. Sums and products wrap.
ConstRef constantSums(const Side &side, const std::vector<int64_t> &axes, int64_t factor) {
  ConstRef data = constantData(side.bytes);
  std::vector<int64_t> dims = data->dims, strides(dims.size(), 0);
  for (int64_t axis : axes)
    dims[axis] = 1;
  int64_t count = 1;
  for (size_t i = dims.size(); i-- > 0; count *= dims[i])
    strides[i] = dims[i] == 1 ? 0 : count;
  std::vector<uint32_t> sums(count, 0);
  std::vector<int64_t> index(dims.size(), 0);
  for (int64_t i = 0, at = 0; i < data->numElements(); i++) {
    sums[at] += static_cast<uint32_t>(constInt(*data, i) + side.shift());
    for (size_t d = dims.size(); d-- > 0;) {
      at += strides[d];
      if (++index[d] < data->dims[d])
        break;
      at -= strides[d] * data->dims[d];
      index[d] = 0;
    }
  }
  for (uint32_t &sum : sums)
    sum *= static_cast<uint32_t>(factor);
  return constantOf(sums, dims, data->name + ".sums");
}

struct Correction {
  LoopBuilder &b;
  Op *kernel;
  const Side &x, &w;

  bool isConv() const { return kernel->kind() == OpKind::KernelConv; }

  /// The axes of w that run over the products of an element.
  std::vector<int64_t> weightAxes() const {
    int64_t rank = w.bytes->type.rank();
    if (!isConv())
      return {rank - 2};
    std::vector<int64_t> axes(rank - 1);
    std::iota(axes.begin(), axes.end(), 1);
    return axes;
  }

  Dim numProducts() const {
    Dim count(1);
    for (int64_t axis : weightAxes())
      count = count * w.bytes->type.dim(axis);
    return count;
  }

  /// Sums of the weights so that they broadcast to the result.
  Value *shapedSums(Value *sums) {
    if (!isConv())
      return sums;
    return alongChannels(b, reshapeView(b, sums, {sums->type.dim(0)}), w.bytes->type.rank());
  }

  /// A side's zero point as i32 inside the kernel's region.
  Value *zeroOf(const Side &side) {
    b.atEnd(kernel->region());
    if (std::optional<int64_t> fixed = side.fixed())
      return b.constantInt(Type::scalar(DType::I32), *fixed);
    // The region has the sum in place of the two factors.
    Value *element = b.cast(kernel->region().arg(side.zero.operand - 1), DType::I32);
    return side.flip ? b.add(element, b.constantInt(element->type, side.shift())) : element;
  }

  /// a * sum w.
  Value *weightTerm() {
    b.before(kernel);
    bool isConstant = constantData(w.bytes) != nullptr;
    if (isConstant && x.fixed())
      return epilogueElement(b, kernel,
                             shapedSums(b.constant(constantSums(w, weightAxes(), *x.fixed()))));
    Value *sums =
        isConstant ? b.constant(constantSums(w, weightAxes(), 1)) : sumOver(b, w, weightAxes());
    Value *element = epilogueElement(b, kernel, shapedSums(sums));
    return b.mul(element, zeroOf(x));
  }

  /// Takes a * sum w from a constant bias, where that is known, and all that becomes of the
  /// kernel's sums is that the next kernel adds the bias.
  bool isInBias() {
    std::vector<Op *> readers = kernel->result()->users();
    bool isSum = kernel->region().terminator()->operand(0) == kernel->region().arg(0);
    if (!constantData(w.bytes) || !x.fixed() || !isSum || readers.size() != 1 ||
        readers[0]->kind() != OpKind::KernelPointwise)
      return false;
    Op &next = *readers[0];
    Block &region = next.region();
    for (int64_t i = 0; i < next.numOperands(); i++) {
      std::vector<Op *> users = region.arg(i)->users();
      if (users.size() != 1 || users[0]->kind() != OpKind::ScalarAdd)
        continue;
      const Value *other = users[0]->operand(users[0]->operand(0) == region.arg(i) ? 1 : 0);
      for (int64_t j = 0; j < next.numOperands(); j++)
        if (next.operand(i) == kernel->result() && other == region.arg(j))
          return subtractFrom(next, j);
    }
    return false;
  }

  /// From an operand, if that is a constant with an element for each output channel, or column.
  bool subtractFrom(Op &op, int64_t operand) {
    const Type type = op.operand(operand)->type;
    ConstRef bias = constantData(op.operand(operand));
    int64_t axis = type.rank() - (isConv() ? w.bytes->type.rank() - 1 : 1);
    if (!bias || axis < 0 || op.region().arg(operand)->users().size() != 1)
      return false;
    ConstRef sums = constantSums(w, weightAxes(), *x.fixed());
    int64_t count = sums->numElements();
    if (bias->numElements() != count || type.dim(axis) != Dim(count))
      return false;
    std::vector<uint32_t> left(count);
    for (int64_t i = 0; i < count; i++)
      left[i] = static_cast<uint32_t>(constInt(*bias, i) - constInt(*sums, i));
    b.before(kernel);
    op.setOperand(operand, b.constant(constantOf(left, bias->dims, bias->name + ".less_zero")));
    return true;
  }

  /// b * (sum x - K a).
  Value *inputTerm(const std::function<Value *()> &inputSums) {
    b.before(kernel);
    Value *element = epilogueElement(b, kernel, inputSums());
    if (!x.isZero()) {
      Value *zero = zeroOf(x), *count = b.cast(sizeValue(b, numProducts()), DType::I32);
      element = b.sub(element, b.mul(count, zero));
    }
    return b.mul(element, zeroOf(w));
  }
};

} // namespace

void subtractZeroPoints(LoopBuilder &b, Op *kernel, const Side &x, const Side &w,
                        const std::function<Value *()> &inputSums) {
  Block &region = kernel->region();
  Value *sum = region.arg(0), *element = sum;
  std::vector<Op *> users = sum->users();
  Op *first = region.ops().front().get(), *last = region.terminator();
  Correction correction{b, kernel, x, w};
  if (!x.isZero() && !correction.isInBias()) {
    Value *term = correction.weightTerm();
    element = b.sub(element, term);
  }
  if (!w.isZero()) {
    Value *term = correction.inputTerm(inputSums);
    element = b.sub(element, term);
  }
  for (Op *user : users)
    for (int64_t i = 0; i < user->numOperands(); i++)
      if (user->operand(i) == sum)
        user->setOperand(i, element);
  // The terms were written behind what the region had.
  for (auto op = std::next(last->position()); op != region.ops().end();)
    (*op++)->moveBefore(first);
}

} // namespace cameo
