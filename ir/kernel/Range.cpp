// See Range.h.
#include "ir/kernel/Range.h"

#include "ir/kernel/Contraction.h"
#include "ir/kernel/KernelSpec.h"

#include <fmt/format.h>

namespace cameo {
namespace {

/// How many elements the region of a kernel yields; all results where it has none.
int64_t numYielded(const Op &op) {
  const KernelSpec *row = kernelSpec(op.kind());
  if (!row || row->epilogue == kNoEpilogue || row->epilogue >= op.numRegions())
    return op.numResults();
  const Op *yield = op.region(row->epilogue).terminator();
  return yield ? yield->numOperands() : op.numResults();
}

bool mayNoteRange(const Op &op) {
  switch (op.kind()) {
  case OpKind::KernelPointwise:
  case OpKind::KernelRow:
  case OpKind::KernelGemm:
  case OpKind::KernelAttention:
    return true;
  case OpKind::KernelConv:
    return winogradTile(attrsOf<ConvAttrs>(op).algorithm) == 0;
  default:
    return false;
  }
}

bool isListOf(const Value &value, DType dtype) {
  return value.type.isRanked() && value.type.rank() == 1 && value.type.dtype() == dtype;
}

} // namespace

bool canNoteRange(const Op &op) {
  return mayNoteRange(op) && op.numResults() == 1 && op.result()->type.dtype() == DType::F32;
}

bool notesRange(const Op &op) {
  return mayNoteRange(op) && op.numResults() == 3 && numYielded(op) == 1;
}

int64_t numElementResults(const Op &op) { return notesRange(op) ? 1 : op.numResults(); }

Result<void> rangeFits(const Op &op) {
  int64_t extra = op.numResults() - numYielded(op);
  if (extra == 0)
    return {};
  if (notesRange(op) && op.result()->type.dtype() == DType::F32 &&
      isListOf(*op.result(kHigh), DType::I32) && isListOf(*op.result(kLow), DType::U32))
    return {};
  return badInput(fmt::format("expected a result for each of the {} elements that the epilogue "
                              "yields, and the range of one of f32 at most, got {} results",
                              numYielded(op), op.numResults()));
}

} // namespace cameo
