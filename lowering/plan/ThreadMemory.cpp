// See ThreadMemory.h.
#include "lowering/plan/ThreadMemory.h"

#include "ir/kernel/Attention.h"
#include "ir/kernel/Contraction.h"
#include "lowering/plan/Attention.h"
#include "lowering/plan/Contraction.h"
#include "lowering/plan/Winograd.h"

namespace cameo {
namespace {

Dim bytesOf(const Op &op) {
  if (op.kind() == OpKind::KernelAttention)
    return scoreBytes(attrsOf<AttentionAttrs>(op).plan.tileRows, attentionLoops(op).keys);
  bool isConv = op.kind() == OpKind::KernelConv;
  if (isConv && winogradTile(attrsOf<ConvAttrs>(op).algorithm))
    return Dim(winogradPlanOf(op).elements() * dtypeBytes(DType::F32));
  if ((isConv || op.kind() == OpKind::KernelGemm) && op.attrs.getInt("pieces", 1) > 1) {
    Contraction c = contractionOf(op);
    return Dim(c.unitRows() * dtypeBytes(DType::BF16)) * c.piecesOfRow();
  }
  return Dim(0);
}

} // namespace

Dim threadBytes(const Op &op) {
  Dim line(kCacheLineBytes);
  return Dim::ceilDiv(bytesOf(op), line) * line;
}

} // namespace cameo
