// Layers that carry a state from one call to the next: CausalConvWithState, LinearAttention.
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/EvalContext.h"

#include <algorithm>

namespace cameo::eval {

/// Inputs input [batch, channels, length], weight [channels, 1, taps], bias, past_state [batch,
/// channels, taps - 1]: the inputs before.
EvalResult evalCausalConvWithState(EvalContext &c) {
  for (int64_t i : {0, 1})
    TRY(c.requireRank(i, 3));
  const Tensor &x = c.in(0), &w = c.in(1);
  int64_t channels = x.dims[1], length = x.dims[2], taps = w.dims[2];
  std::vector<int64_t> stateDims = {x.dims[0], channels, taps - 1};
  TRY(c.require(w.dims[0] == channels && w.dims[1] == 1 && taps >= 1,
                "weights " + dimsText(w.dims) + " do not fit input " + dimsText(x.dims)));
  TRY(c.require(!c.has(2) || c.in(2).size() == channels, "input bias: expected one a channel"));
  TRY(c.require(!c.has(3) || c.in(3).dims == stateDims,
                "input past_state: expected shape " + dimsText(stateDims)));
  bool silu = c.stringAttr("activation", "none") != "none";
  Tensor y = TRY(c.allocate(x.dtype, x.dims)), state = TRY(c.allocate(x.dtype, stateDims));
  Tensor line = TRY(c.doubles({taps - 1 + length})), weights = TRY(c.toF64(w));
  TRY(c.charge({y.size(), taps}));
  double *in = f64Out(line);
  for (int64_t row = 0; row < x.dims[0] * channels; row++) {
    int64_t channel = row % channels;
    if (c.has(3))
      loadRow(c.in(3), row * (taps - 1), 1, taps - 1, in);
    loadRow(x, row * length, 1, length, in + taps - 1);
    for (int64_t t = 0; t < length; t++) {
      double sum = c.has(2) ? load<double>(c.in(2), channel) : 0;
      for (int64_t k = 0; k < taps; k++)
        sum += f64(weights)[channel * taps + k] * in[t + k];
      store(y, row * length + t, silu ? sum / (1 + std::exp(-sum)) : sum);
    }
    storeRow(state, row * (taps - 1), 1, taps - 1, in + length);
  }
  return Values{y, state};
}

namespace {

/// Sizes and operands of LinearAttention, as doubles; rows of tensors [batch, length, heads *
/// size].
struct Linear {
  int64_t batch, length, queryHeads, heads, keySize, valueSize;
  Tensor q, k, v, decay, beta;
  int64_t decaySize = 0, betaHeads = 0; // per head; 0: there is none
  bool delta = false;
};

Result<Linear> linearOf(EvalContext &c) {
  for (int64_t i : {0, 1, 2})
    TRY(c.requireRank(i, 3));
  const Tensor &q = c.in(0), &k = c.in(1), &v = c.in(2);
  Linear f{
      q.dims[0], q.dims[1], c.intAttr("q_num_heads"), c.intAttr("kv_num_heads"), 0, 0, {}, {}, {},
      {},        {}};
  TRY(c.require(f.heads >= 1 && f.queryHeads >= 1 && f.queryHeads % f.heads == 0 &&
                    k.dims[2] % f.heads == 0 && v.dims[2] % f.heads == 0,
                "heads do not fit"));
  f.keySize = k.dims[2] / f.heads, f.valueSize = v.dims[2] / f.heads;
  bool fits = q.dims[2] % f.queryHeads == 0 && q.dims[2] / f.queryHeads == f.keySize;
  for (int64_t i : {1, 2})
    fits = fits && c.in(i).dims[0] == f.batch && c.in(i).dims[1] == f.length;
  TRY(c.require(fits, "query, key and value differ in size"));
  std::string rule = c.stringAttr("update_rule", "gated_delta");
  f.delta = rule.ends_with("delta");
  f.q = TRY(c.toF64(q)), f.k = TRY(c.toF64(k)), f.v = TRY(c.toF64(v));
  f.decay = TRY(c.toF64(c.in(4))), f.beta = TRY(c.toF64(c.in(5)));
  auto isEach = [&](int64_t i, int64_t count) {
    return c.has(i) && c.in(i).dims == std::vector<int64_t>{f.batch, f.length, count};
  };
  if (rule.starts_with("gated")) {
    f.decaySize = isEach(4, f.heads * f.keySize) ? f.keySize : 1;
    TRY(c.require(isEach(4, f.heads * f.decaySize),
                  "input decay has the wrong shape " + dimsText(f.decay.dims)));
  }
  if (f.delta) {
    f.betaHeads = isEach(5, f.heads) ? f.heads : 1;
    TRY(c.require(isEach(5, f.betaHeads),
                  "input beta has the wrong shape " + dimsText(f.beta.dims)));
  }
  return f;
}

/// One step of one head: decays the state [keySize, valueSize], then adds key times value (or what
/// the state does not yet give for the key).
void update(const Linear &f, int64_t row, int64_t head, double *state, double *value) {
  const double *k = f64(f.k) + (row * f.heads + head) * f.keySize;
  for (int64_t i = 0; f.decaySize && i < f.keySize; i++) {
    int64_t at = (row * f.heads + head) * f.decaySize + (f.decaySize > 1 ? i : 0);
    double factor = std::exp(f64(f.decay)[at]);
    for (int64_t j = 0; j < f.valueSize; j++)
      state[i * f.valueSize + j] *= factor;
  }
  std::copy_n(f64(f.v) + (row * f.heads + head) * f.valueSize, f.valueSize, value);
  double rate = 1;
  if (f.delta) {
    rate = f64(f.beta)[row * f.betaHeads + (f.betaHeads > 1 ? head : 0)];
    for (int64_t i = 0; i < f.keySize; i++)
      for (int64_t j = 0; j < f.valueSize; j++)
        value[j] -= state[i * f.valueSize + j] * k[i];
  }
  for (int64_t i = 0; i < f.keySize; i++)
    for (int64_t j = 0; j < f.valueSize; j++)
      state[i * f.valueSize + j] += rate * k[i] * value[j];
}

} // namespace

/// Inputs query, key, value, past_state [batch, heads, key size, value size], decay, beta.
EvalResult evalLinearAttention(EvalContext &c) {
  Linear f = TRY(linearOf(c));
  std::vector<int64_t> stateDims = {f.batch, f.heads, f.keySize, f.valueSize};
  TRY(c.require(!c.has(3) || c.in(3).dims == stateDims,
                "input past_state: expected shape " + dimsText(stateDims)));
  double scale = c.floatAttr("scale");
  scale = scale != 0 ? scale : 1 / std::sqrt(static_cast<double>(f.keySize));
  int64_t shared = f.queryHeads / f.heads, stateSize = f.keySize * f.valueSize;
  Tensor y = TRY(c.allocate(c.in(0).dtype, {f.batch, f.length, f.queryHeads * f.valueSize}));
  Tensor states = TRY(c.doubles(stateDims)), buffer = TRY(c.doubles({f.valueSize}));
  if (c.has(3))
    loadRow(c.in(3), 0, 1, states.size(), f64Out(states));
  TRY(c.charge({f.batch, f.length, f.queryHeads + 3 * f.heads, std::max<int64_t>(stateSize, 1)}));
  double *value = f64Out(buffer);
  for (int64_t b = 0; b < f.batch; b++)
    for (int64_t t = 0; t < f.length; t++)
      for (int64_t h = 0; h < f.queryHeads; h++) {
        int64_t row = b * f.length + t;
        double *state = f64Out(states) + (b * f.heads + h / shared) * stateSize;
        if (h % shared == 0)
          update(f, row, h / shared, state, value);
        std::fill_n(value, f.valueSize, 0.0);
        for (int64_t i = 0; i < f.keySize; i++)
          for (int64_t j = 0; j < f.valueSize; j++)
            value[j] += scale * f64(f.q)[(row * f.queryHeads + h) * f.keySize + i] *
                        state[i * f.valueSize + j];
        storeRow(y, (row * f.queryHeads + h) * f.valueSize, 1, f.valueSize, value);
      }
  Values results = {y};
  if (c.wantsResult(1))
    results.emplace_back(TRY(c.fromF64(states, c.resultDType(1))));
  return results;
}

} // namespace cameo::eval
