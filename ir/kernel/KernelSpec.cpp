// Expands the rows of ir/ops/Kernel.def once; see KernelSpec.h.
#include "ir/kernel/KernelSpec.h"

#include "ir/OpSpec.h"
#include "ir/kernel/Attention.h"
#include "ir/kernel/Contraction.h"
#include "ir/kernel/Elements.h"
#include "ir/kernel/Range.h"
#include "ir/kernel/Reduce.h"
#include "ir/kernel/RunTime.h"
#include "ir/kernel/ViewOps.h"
#include "ir/kernel/Window.h"

#include <map>

namespace cameo {
namespace {

template <class Attrs> Result<void> verifyAttrs(const Op &op) {
  Attrs attrs = TRY(readAttrs<Attrs>(op.attrs));
  TRY(attrs.verify(op));
  return rangeFits(op);
}

template <class Attrs> std::string variantOf(const Op &op) {
  if constexpr (requires(const Attrs &attrs) { attrs.variant(); })
    return std::string(attrsOf<Attrs>(op).variant());
  else
    return "";
}

template <class Attrs> Dim flopsOf(const Op &op) {
  if constexpr (requires(const Attrs &attrs) { attrs.flops(op); })
    return attrsOf<Attrs>(op).flops(op);
  else
    return Dim(0);
}

template <class Attrs>
KernelSpec makeSpec(int epilogue, Storage storage, std::string_view emitter) {
  bool isOnCaller = emitter == "onCaller", isEmitted = emitter != "noCode" && !isOnCaller;
  return {fieldNames<Attrs>(), epilogue,           storage,          isEmitted,
          isOnCaller,          verifyAttrs<Attrs>, variantOf<Attrs>, flopsOf<Attrs>};
}

} // namespace

const KernelSpec *kernelSpec(OpKind kind) {
  static const std::map<OpKind, KernelSpec> specs = {
#define KERNEL_OP(kind, text, ins, outs, attrs, epilogue, storage, emitter)                        \
  {OpKind::kind, makeSpec<attrs>(epilogue, Storage::storage, #emitter)},
#include "ir/ops/Ops.def"
  };
  auto found = specs.find(kind);
  return found == specs.end() ? nullptr : &found->second;
}

bool isKernelView(OpKind kind) {
  const KernelSpec *row = kernelSpec(kind);
  return row && row->storage == Storage::View;
}

Block *epilogueOf(Op &op) {
  const KernelSpec *row = kernelSpec(op.kind());
  bool has = row && row->epilogue != kNoEpilogue && op.numResults() == 1;
  return has ? &op.region(row->epilogue) : nullptr;
}

int64_t firstEpilogueOperand(const Op &op) {
  if (op.kind() == OpKind::KernelAttention)
    return kFirstScoreOperand + attrsOf<AttentionAttrs>(op).scoreOperands;
  return static_cast<int64_t>(spec(op.kind()).inputs.size()) - 1;
}

} // namespace cameo
