// See RejectedTiles.h.
#include "lowering/plan/RejectedTiles.h"

#include "ir/AttrText.h"
#include "ir/OpSpec.h"
#include "ir/kernel/KernelSpec.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/plan/Contraction.h"

#include <fmt/format.h>

namespace cameo {

std::string tileKey(const Op &op, const ContractionPlan &plan) {
  std::string window;
  if (op.kind() == OpKind::KernelConv) {
    ConvAttrs conv = attrsOf<ConvAttrs>(op);
    window = fmt::format(" kernel {} strides {} dilations {}", attrText(conv.kernel),
                         attrText(conv.strides), attrText(conv.dilations));
  }
  return fmt::format("{} {} {} x {} in {}{} tile {} x {} x {} steps {}", spec(op.kind()).name,
                     kernelSpec(op.kind())->variant(op), dtypeName(op.operand(0)->type.dtype()),
                     dtypeName(op.operand(1)->type.dtype()),
                     dtypeName(op.region().arg(0)->type.dtype()), window, plan.tileLines,
                     plan.tileRows, plan.tilePanels, plan.tileSteps);
}

TileKeys tileKeys(Func &main) {
  TileKeys keys;
  for (const Op *op : opsOf(main))
    if (isContraction(*op) && !op->loc.nodes.empty())
      keys[op->loc.nodes.front()].insert(tileKey(*op, contractionPlanOf(*op)));
  return keys;
}

} // namespace cameo
