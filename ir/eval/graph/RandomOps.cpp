// Dropout, Bernoulli, RandomNormal/Uniform and their Like forms, Multinomial. The stream is chosen
// by the op's seed attribute, else by the run's seed and the node's name.
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/EvalContext.h"
#include "ir/eval/graph/Random.h"

#include "ir/OpSpec.h"

#include <bit>

namespace cameo::eval {
namespace {

Random randomOf(EvalContext &c) {
  uint64_t seed = c.state.options.seed;
  if (const Attr *attr = c.op.attrs.find("seed")) {
    if (const double *value = std::get_if<double>(attr))
      return Random(std::bit_cast<uint64_t>(*value));
    return Random(static_cast<uint64_t>(c.intAttr("seed")));
  }
  // FNV-1a over the name, so that two nodes of a run draw different numbers.
  for (char letter : c.op.loc.str())
    seed = (seed ^ static_cast<unsigned char>(letter)) * 0x100000001b3;
  return Random(seed);
}

/// Fills a tensor with normal or uniform numbers, as the kind and its attributes say.
EvalResult fill(EvalContext &c, std::vector<int64_t> dims) {
  std::string_view name = spec(c.op.kind()).name;
  Random random = randomOf(c);
  Tensor y = TRY(c.allocate(c.resultDType(0), std::move(dims)));
  bool normal = name.starts_with("RandomNormal");
  double mean = c.floatAttr("mean"), deviation = c.floatAttr("scale", 1);
  double low = c.floatAttr("low"), high = c.floatAttr("high", 1);
  for (int64_t i = 0; i < y.size(); i++)
    store(y, i,
          normal ? mean + deviation * random.normal(i) : low + (high - low) * random.uniform(i));
  return one(y);
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

EvalResult evalBernoulli(EvalContext &c) {
  const Tensor &x = c.in(0);
  Random random = randomOf(c);
  Tensor y = TRY(c.allocate(c.resultDType(0), x.dims));
  for (int64_t i = 0; i < x.size(); i++)
    store<double>(y, i, random.uniform(i) < load<double>(x, i) ? 1 : 0);
  return one(y);
}

EvalResult evalRandom(EvalContext &c) { return fill(c, c.intsAttr("shape")); }
EvalResult evalRandomLike(EvalContext &c) { return fill(c, c.in(0).dims); }

/// Draws classes by unnormalized log probabilities, batch x classes.
EvalResult evalMultinomial(EvalContext &c) {
  TRY(c.requireRank(0, 2));
  const Tensor &x = c.in(0);
  int64_t classes = x.dims[1], samples = c.intAttr("sample_size", 1);
  Random random = randomOf(c);
  Tensor y = TRY(c.allocate(c.resultDType(0), {x.dims[0], samples}));
  TRY(c.require(classes > 0 || y.size() == 0, "there are no classes"));
  Tensor weights = TRY(c.doubles({classes}));
  TRY(c.charge({y.size(), std::max<int64_t>(classes, 1)}));
  for (int64_t b = 0; y.size() > 0 && b < x.dims[0]; b++) {
    double *w = f64Out(weights), top = -HUGE_VAL, total = 0;
    loadRow(x, b * classes, 1, classes, w);
    for (int64_t i = 0; i < classes; i++)
      top = std::max(top, w[i]);
    for (int64_t i = 0; i < classes; i++)
      total += w[i] = std::exp(w[i] - top);
    for (int64_t s = 0; s < samples; s++) {
      double left = random.uniform(b * samples + s) * total;
      int64_t chosen = 0;
      while (chosen < classes - 1 && left >= w[chosen])
        left -= w[chosen++];
      store<int64_t>(y, b * samples + s, chosen);
    }
  }
  return one(y);
}

} // namespace cameo::eval
