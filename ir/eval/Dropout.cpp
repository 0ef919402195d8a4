// Dropout. Its random stream is chosen by the seed attribute, else by the run's seed and the node's
// name.
#include "ir/eval/Elements.h"
#include "ir/eval/EvalContext.h"
#include "ir/eval/Random.h"

namespace cameo::eval {
namespace {

Random randomOf(EvalContext &c) {
  if (c.hasAttr("seed"))
    return Random(static_cast<uint64_t>(c.intAttr("seed")));
  uint64_t seed = c.state.options.seed;
  // FNV-1a over the name, so that two nodes of a run draw different numbers.
  for (char letter : c.op.loc.str())
    seed = (seed ^ static_cast<unsigned char>(letter)) * 0x100000001b3;
  return Random(seed);
}

} // namespace

/// Inputs data, ratio, training_mode; results output, mask. Identity but in training.
EvalResult evalDropout(EvalContext &c) {
  const Tensor &x = c.in(0);
  double ratio = c.has(1) ? TRY(c.floatScalar(1)) : 0.5;
  bool training = c.has(2) && TRY(c.intScalar(2)) != 0 && ratio != 0;
  TRY(c.require(ratio >= 0 && ratio < 1, "ratio " + std::to_string(ratio) + " is out of range"));
  if (!training && !c.wantsResult(1))
    return one(x);
  Random random = randomOf(c);
  Tensor y = training ? TRY(c.allocate(x.dtype, x.dims)) : x;
  Tensor mask = TRY(c.allocate(DType::Bool, x.dims));
  for (int64_t i = 0; i < x.size(); i++) {
    bool kept = !training || random.uniform(i) >= ratio;
    store<uint64_t>(mask, i, kept);
    if (training && kept)
      store(y, i, load<double>(x, i) / (1 - ratio));
  }
  return Values{y, mask};
}

} // namespace cameo::eval
