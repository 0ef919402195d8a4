// Chooses the algorithm of each convolution, before layouts, as how far a kernel reads past the
// edges depends on it. Convolutions are direct or depthwise as selected; those with windows of 3 x
// 3 and stride 1 may become Winograd's, whose weights are packed in another form, at compile time.
// Weights that the run computes stay direct: transforming them would cost more than a few
// convolutions gain.
#include "lowering/ControlFlow.h"
#include "lowering/Passes.h"
#include "lowering/Shapes.h"
#include "lowering/kernels/PackWeights.h"
#include "lowering/plan/Panels.h"
#include "lowering/plan/Winograd.h"

#include "ir/Builder.h"

#include <algorithm>

namespace cameo {
namespace {

bool all(const std::vector<int64_t> &values, int64_t wanted) {
  return values.size() == 2 &&
         std::all_of(values.begin(), values.end(), [&](int64_t x) { return x == wanted; });
}

bool isF32(const Value &value) { return value.type.dtype() == DType::F32; }

/// The sizes of a convolution that Winograd's algorithm can compute.
std::optional<ConvSizes> winogradSizes(Op &conv) {
  const AttrDict &attrs = conv.attrs;
  Op *pack = conv.operand(1)->definingOp();
  bool window = all(attrs.getInts("kernel"), 3) && all(attrs.getInts("strides"), 1) &&
                all(attrs.getInts("dilations"), 1) && attrs.getInt("group") == 1;
  bool zeros = attrs.getInt("fill") == 0 && attrs.getInt("fill_operand", -1) < 0;
  if (!window || !zeros || attrs.getString("algorithm") != "direct" ||
      attrs.getInt("interleave", 1) != 1 || !pack || pack->kind() != OpKind::KernelPack ||
      !isConstantPack(*pack))
    return std::nullopt;
  const Type &x = conv.operand(0)->type, &y = conv.result()->type;
  if (!isF32(*conv.operand(0)) || !isF32(*pack->operand(0)) || !isF32(*pack->result()) ||
      conv.region().arg(0)->type.dtype() != DType::F32)
    return std::nullopt;
  if (!constantDims({x.dim(1), y.dim(1), y.dim(2), y.dim(3)}))
    return std::nullopt;
  return convSizes(conv);
}

/// The weights of `pack` transformed for tiles of m x m.
Value *transformed(Module &module, Op &pack, const ConvSizes &sizes, int64_t tile) {
  Builder b(module);
  b.before(&pack);
  b.loc = pack.loc;
  AttrDict attrs = pack.attrs;
  attrs.set("form", winogradName(tile));
  int64_t points = (tile + 2) * (tile + 2);
  Dims shape = {Dim(1), Dim::ceilDiv(Dim(sizes.outputs), Dim(kPanel)), Dim(points * sizes.channels),
                Dim(kPanel)};
  Op *op = b.create(OpKind::KernelPack, {pack.operand(0)},
                    {Type::tensor(DType::F32, std::move(shape))}, std::move(attrs));
  op->result()->name = pack.result()->name;
  return op->result();
}

} // namespace

Result<bool> chooseAlgorithms(Module &module, PassContext &context) {
  if (!context.winograd)
    return false;
  bool changed = false;
  for (Op *op : opsOf(module.main())) {
    if (op->kind() != OpKind::KernelConv)
      continue;
    std::optional<ConvSizes> sizes = winogradSizes(*op);
    int64_t tile = sizes ? chooseWinograd(context.target, *sizes) : 0;
    if (tile == 0)
      continue;
    Op *pack = op->operand(1)->definingOp();
    op->setOperand(1, transformed(module, *pack, *sizes, tile));
    if (pack->result()->users().empty())
      pack->erase();
    op->attrs.set("algorithm", winogradName(tile));
    changed = true;
  }
  return changed;
}

} // namespace cameo
