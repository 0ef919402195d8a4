// See Taps.h.
#include "tools/Taps.h"

#include "bench/HostTensor.h"
#include "ir/OpSpec.h"

#include <fmt/format.h>
#include <set>

namespace cameo {

namespace {

bool isQuantized(OpKind kind) {
  std::string_view name = spec(kind).name;
  return name == "QuantizeLinear" || name == "DynamicQuantizeLinear" || name == "QLinearConv" ||
         name == "QLinearMatMul";
}

Deviation incomparable(std::string reason) {
  Deviation deviation;
  deviation.reason = std::move(reason);
  deviation.grade = Grade::Poor;
  deviation.verdict = Verdict::Fail;
  return deviation;
}

} // namespace

std::vector<Tap> addTaps(Func &main) {
  std::vector<Tap> taps;
  Op *terminator = main.body.terminator();
  std::set<const Value *> outputs(terminator->operands().begin(), terminator->operands().end());
  for (const std::unique_ptr<Op> &op : main.body.ops()) {
    if (op.get() == terminator || op->kind() == OpKind::Constant)
      continue;
    for (const std::unique_ptr<Value> &result : op->results()) {
      if (!result->type.isTensor() || outputs.contains(result.get()))
        continue;
      taps.push_back({op->loc.str(), std::string(spec(op->kind()).name)});
      terminator->addOperand(result.get());
      main.resultNames.push_back(result->name.empty() ? fmt::format("tap{}", taps.size())
                                                      : result->name);
    }
  }
  return taps;
}

Judgement judgementOf(const Value &output, double atol) {
  Judgement judgement{.atol = atol};
  const Op *op = output.definingOp();
  if (!op)
    return judgement;
  judgement.quantized = isQuantized(op->kind());
  // Half-precision networks with f32 outputs end in a conversion.
  if (spec(op->kind()).name == "Cast" && op->operand(0)->type.isTensor())
    judgement.precision = op->operand(0)->type.dtype();
  if (spec(op->kind()).name == "DequantizeLinear" && op->operand(1)->definingOp()) {
    ConstRef scale = op->operand(1)->definingOp()->attrs.getConst("value");
    if (scale && scale->numElements() == 1)
      judgement.step = constFloat(*scale, 0);
  }
  return judgement;
}

Deviation measureValues(const RuntimeValue &want, const RuntimeValue &got,
                        const Judgement &judgement) {
  if (want.isTensor() && got.isTensor())
    return measure(want.tensor(), got.tensor(), judgement);
  if (want.isNone() && got.isNone())
    return {};
  if (!want.isSequence() || !got.isSequence() ||
      want.sequence().items.size() != got.sequence().items.size())
    return incomparable(fmt::format("expected {}, got {}", describe(want), describe(got)));
  Deviation worst;
  for (size_t i = 0; i < want.sequence().items.size(); ++i)
    worst =
        worse(worst, measureValues(want.sequence().items[i], got.sequence().items[i], judgement));
  return worst;
}

} // namespace cameo
