// Losses of classification: NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss.
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/EvalContext.h"

#include <algorithm>

namespace cameo::eval {
namespace {

/// -logs[n, target, d] weighted and reduced as the op's attributes say; `logs` is F64 of the shape
/// of input 0: batch, classes, ...
Result<Tensor> loss(EvalContext &c, const Tensor &logs) {
  const std::vector<int64_t> &dims = logs.dims;
  const Tensor &target = c.in(1);
  int64_t classes = dims[1], inner = product(dims, 2, logs.rank());
  std::vector<int64_t> expected = dims;
  expected.erase(expected.begin() + 1);
  TRY(c.require(target.dims == expected, c.inputName(1) + ": expected shape " + dimsText(expected) +
                                             ", got " + dimsText(target.dims)));
  TRY(c.require(!c.has(2) || c.in(2).size() == classes,
                c.inputName(2) + ": expected one weight a class"));
  std::string reduction = c.stringAttr("reduction", "mean");
  bool ignores = c.hasAttr("ignore_index");
  int64_t ignored = c.intAttr("ignore_index");
  bool none = reduction == "none";
  Tensor y = TRY(c.allocate(c.in(0).dtype, none ? expected : std::vector<int64_t>{}));
  double sum = 0, weights = 0;
  for (int64_t i = 0; i < target.size(); i++) {
    int64_t label = load<int64_t>(target, i);
    bool skip = ignores && label == ignored;
    TRY(c.require(skip || (label >= 0 && label < classes),
                  "class " + std::to_string(label) + " is outside the " + std::to_string(classes)));
    double weight = skip ? 0 : c.has(2) ? load<double>(c.in(2), label) : 1;
    double term = skip ? 0 : -f64(logs)[(i / inner * classes + label) * inner + i % inner] * weight;
    if (none)
      store(y, i, term);
    sum += term, weights += weight;
  }
  if (!none)
    store(y, 0, reduction == "mean" ? sum / weights : sum);
  return y;
}

} // namespace

/// Inputs: log probabilities, classes, weights.
EvalResult evalNegativeLogLikelihoodLoss(EvalContext &c) {
  TRY(c.requireMinRank(0, 2));
  return one(TRY(loss(c, TRY(c.toF64(c.in(0))))));
}

/// Inputs: scores, classes, weights; results: loss, log probabilities.
EvalResult evalSoftmaxCrossEntropyLoss(EvalContext &c) {
  TRY(c.requireMinRank(0, 2));
  const Tensor &x = c.in(0);
  int64_t classes = x.dims[1], inner = product(x.dims, 2, x.rank());
  Tensor logs = TRY(c.doubles(x.dims)), row = TRY(c.doubles({classes}));
  double *line = f64Out(row);
  for (int64_t i = 0; x.size() > 0 && i < x.size() / classes; i++) {
    int64_t start = i / inner * classes * inner + i % inner;
    loadRow(x, start, inner, classes, line);
    double top = *std::max_element(line, line + classes), sum = 0;
    for (int64_t k = 0; k < classes; k++)
      sum += std::exp(line[k] - top);
    for (int64_t k = 0; k < classes; k++)
      f64Out(logs)[start + k * inner] = line[k] - top - std::log(sum);
  }
  Tensor y = TRY(loss(c, logs));
  Values results = {y};
  if (c.wantsResult(1))
    results.emplace_back(TRY(c.fromF64(logs, x.dtype)));
  return results;
}

} // namespace cameo::eval
