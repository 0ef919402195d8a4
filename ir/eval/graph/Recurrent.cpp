// RNN, GRU and LSTM. All time steps' input products are one matrix product; then each step
// multiplies the hidden state and applies the cell. Gates are in ONNX order: RNN i; GRU z r h;
// LSTM i o f c.
#include "ir/RecurrentActivations.h"
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/EvalContext.h"
#include "ir/eval/graph/Gemm.h"
#include "ir/eval/graph/Quant.h"

#include <algorithm>

namespace cameo::eval {
namespace {

double apply(const RecurrentActivation &f, double x) {
  const auto &[name, alpha, beta] = f;
  if (name == "sigmoid")
    return 1 / (1 + std::exp(-x));
  if (name == "tanh")
    return std::tanh(x);
  if (name == "relu")
    return x > 0 || x != x ? x : 0;
  if (name == "affine")
    return alpha * x + beta;
  if (name == "leakyrelu")
    return x >= 0 ? x : alpha * x;
  if (name == "thresholdedrelu")
    return x >= alpha ? x : 0;
  if (name == "scaledtanh")
    return alpha * std::tanh(beta * x);
  if (name == "hardsigmoid")
    return std::clamp(alpha * x + beta, 0.0, 1.0);
  if (name == "elu")
    return x >= 0 ? x : alpha * std::expm1(x);
  if (name == "softsign")
    return x / (1 + std::fabs(x));
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); // softplus
}

/// One direction of one op. Matrices are row-major doubles.
struct Cell {
  OpKind kind;
  int64_t gates = 1, hidden = 0, batch = 0;
  const RecurrentActivation *activations = nullptr; // f, g, h
  double clip = HUGE_VAL;
  bool linearBeforeReset = false, inputForget = false;
  bool quantizes = false;                  // what is multiplied with the weights, see Custom.def
  const Tensor *w = nullptr, *r = nullptr; // of all directions
  int64_t direction = 0;
  const double *wBias = nullptr, *rBias = nullptr, *peep = nullptr; // i o f
  double *h = nullptr, *cell = nullptr;                             // batch * hidden

  int64_t width() const { return gates * hidden; }
  double activate(int which, double x) const {
    return apply(activations[which], x != x ? x : std::clamp(x, -clip, clip));
  }
};

/// to[j][i] = bias[i] + sum over k of w[first + i][k] * x[j][k], for rows i and n vectors j; rows
/// of `to` are `stride` apart.
Result<void> multiply(EvalContext &c, const Tensor &w, int64_t first, int64_t rows,
                      const double *bias, const double *x, int64_t n, int64_t k, double *to,
                      int64_t stride) {
  GemmProblem problem{rows, n, k, {}, {}, {}};
  problem.rowOfA = [&w, first, k](int64_t i, int64_t k0, int64_t count, double *row) {
    loadRow(w, (first + i) * k + k0, 1, count, row);
  };
  problem.rowOfB = [=](int64_t p, int64_t j0, int64_t count, double *row) {
    for (int64_t j = 0; j < count; j++)
      row[j] = x[(j0 + j) * k + p];
  };
  problem.store = [=](int64_t i, int64_t j0, int64_t count, double *row) {
    for (int64_t j = 0; j < count; j++)
      to[(j0 + j) * stride + i] = bias[i] + row[j];
  };
  return gemm(c, problem);
}

/// Numbers as DynamicQuantizeLinear would round them.
void quantizeDynamically(double *x, int64_t count) {
  double low = 0, high = 0;
  for (int64_t i = 0; i < count; i++)
    low = std::min(low, x[i]), high = std::max(high, x[i]);
  const auto [scale, zero] = dynamicRange(static_cast<float>(low), static_cast<float>(high));
  for (int64_t i = 0; i < count; i++)
    x[i] = (std::clamp(quantize(x[i], scale, zero), 0.0, 255.0) - zero) * scale;
}

/// One step of one batch entry: x and r are its gates' input and recurrent parts.
void lstmStep(const Cell &cell, const double *x, const double *r, double *h, double *state) {
  int64_t n = cell.hidden;
  for (int64_t j = 0; j < n; j++) {
    double old = state[j];
    double in = cell.activate(0, x[j] + r[j] + cell.peep[j] * old);
    double forget = cell.activate(0, x[2 * n + j] + r[2 * n + j] + cell.peep[2 * n + j] * old);
    double fresh = cell.activate(1, x[3 * n + j] + r[3 * n + j]);
    state[j] = (cell.inputForget ? 1 - in : forget) * old + in * fresh;
    double out = cell.activate(0, x[n + j] + r[n + j] + cell.peep[n + j] * state[j]);
    h[j] = out * apply(cell.activations[2], state[j]);
  }
}

void rnnStep(const Cell &cell, const double *x, const double *r, double *h) {
  for (int64_t j = 0; j < cell.hidden; j++)
    h[j] = cell.activate(0, x[j] + r[j]);
}

/// All batch entries: the hidden gate's recurrent product may need the reset gates first. `x` has
/// the batch entries' gates, `r` their recurrent parts, `scratch` room for batch * hidden.
Result<void> gruGates(EvalContext &c, const Cell &cell, const std::vector<const double *> &x,
                      double *r, double *scratch) {
  int64_t n = cell.hidden;
  for (int64_t b = 0; b < cell.batch; b++)
    for (int64_t j = 0; x[b] && j < n; j++) {
      double *gate = r + b * cell.width() + j;
      double reset = cell.activate(0, x[b][n + j] + gate[n]);
      gate[2 * n] *= reset; // what linear_before_reset wants
      scratch[b * n + j] = reset * cell.h[b * n + j];
    }
  if (!cell.linearBeforeReset)
    TRY(multiply(c, *cell.r, cell.direction * cell.width() + 2 * n, n, cell.rBias + 2 * n, scratch,
                 cell.batch, n, r + 2 * n, cell.width()));
  return {};
}

void gruStep(const Cell &cell, const double *x, const double *r, double *h) {
  int64_t n = cell.hidden;
  for (int64_t j = 0; j < n; j++) {
    double update = cell.activate(0, x[j] + r[j]);
    double fresh = cell.activate(1, x[2 * n + j] + r[2 * n + j]);
    h[j] = (1 - update) * fresh + update * h[j];
  }
}

/// Sizes, and where things are in tensors whose batch dim may come first (layout = 1).
struct Sizes {
  int64_t steps, batch, input, hidden, directions;
  bool batchFirst;

  int64_t xRow(int64_t t, int64_t b) const { return batchFirst ? b * steps + t : t * batch + b; }
  int64_t yRow(int64_t t, int64_t d, int64_t b) const {
    return batchFirst ? (b * steps + t) * directions + d : (t * directions + d) * batch + b;
  }
  int64_t stateRow(int64_t d, int64_t b) const {
    return batchFirst ? b * directions + d : d * batch + b;
  }
  std::vector<int64_t> stateDims() const {
    return batchFirst ? std::vector<int64_t>{batch, directions, hidden}
                      : std::vector<int64_t>{directions, batch, hidden};
  }
  std::vector<int64_t> yDims() const {
    return batchFirst ? std::vector<int64_t>{batch, steps, directions, hidden}
                      : std::vector<int64_t>{steps, directions, batch, hidden};
  }
};

Result<void> requireDims(EvalContext &c, int64_t i, const std::vector<int64_t> &dims) {
  return c.require(!c.has(i) || c.in(i).dims == dims, c.inputName(i) + ": expected shape " +
                                                          dimsText(dims) + ", got " +
                                                          dimsText(c.in(i).dims));
}

Result<Sizes> sizesOf(EvalContext &c, int64_t gates) {
  for (int64_t i : {0, 1, 2})
    TRY(c.requireRank(i, 3));
  const Tensor &x = c.in(0), &r = c.in(2);
  bool batchFirst = c.intAttr("layout") != 0;
  std::string direction = c.stringAttr("direction", "forward");
  Sizes s{x.dims[batchFirst],
          x.dims[!batchFirst],
          x.dims[2],
          r.dims[2],
          direction == "bidirectional" ? 2 : 1,
          batchFirst};
  int64_t width = gates * s.hidden;
  TRY(requireDims(c, 1, {s.directions, width, s.input}));
  TRY(requireDims(c, 2, {s.directions, width, s.hidden}));
  TRY(requireDims(c, 3, {s.directions, 2 * width}));
  TRY(requireDims(c, 4, {s.batch}));
  TRY(requireDims(c, 5, s.stateDims()));
  TRY(requireDims(c, 6, s.stateDims()));
  TRY(requireDims(c, 7, {s.directions, 3 * s.hidden}));
  for (int64_t i = 8; i < 12; i++)
    if (c.has(i) && c.in(i).dims.size() != 1)
      TRY(requireDims(c, i, {s.directions, width}));
    else
      TRY(requireDims(c, i, {s.directions}));
  return s;
}

/// Runs one direction; `y` (all outputs, F64) gets the rows of direction d.
Result<void> runDirection(EvalContext &c, const Cell &cell, const Sizes &s, int64_t d, bool reverse,
                          const double *x, const std::vector<int64_t> &lengths, double *y) {
  int64_t n = s.hidden, width = cell.width();
  Tensor inputs = TRY(c.doubles({s.steps * s.batch, width}));
  Tensor recurrent = TRY(c.doubles({s.batch, width})), scratch = TRY(c.doubles({s.batch, n}));
  Tensor states = TRY(c.doubles({s.batch, n}));
  double *r = f64Out(recurrent);
  TRY(multiply(c, *cell.w, d * width, width, cell.wBias, x, s.steps * s.batch, s.input,
               f64Out(inputs), width));
  // The hidden gate of a GRU may need the reset gate first.
  int64_t rows = cell.kind == OpKind::GRU && !cell.linearBeforeReset ? 2 * n : width;
  for (int64_t step = 0; s.batch * n > 0 && step < s.steps; step++) {
    std::copy_n(cell.h, s.batch * n, f64Out(states));
    if (cell.quantizes)
      quantizeDynamically(f64Out(states), states.size());
    TRY(multiply(c, *cell.r, d * width, rows, cell.rBias, f64(states), s.batch, n, r, width));
    std::vector<const double *> gates(s.batch);
    auto timeOf = [&](int64_t b) { return reverse ? lengths[b] - 1 - step : step; };
    for (int64_t b = 0; b < s.batch; b++)
      if (step < lengths[b])
        gates[b] = f64(inputs) + s.xRow(timeOf(b), b) * width;
    if (cell.kind == OpKind::GRU)
      TRY(gruGates(c, cell, gates, r, f64Out(scratch)));
    for (int64_t b = 0; b < s.batch; b++) {
      if (!gates[b])
        continue;
      double *h = cell.h + b * n;
      if (isLstm(cell.kind))
        lstmStep(cell, gates[b], r + b * width, h, cell.cell + b * n);
      else if (cell.kind == OpKind::GRU)
        gruStep(cell, gates[b], r + b * width, h);
      else
        rnnStep(cell, gates[b], r + b * width, h);
      std::copy_n(h, n, y + s.yRow(timeOf(b), d, b) * n);
    }
  }
  return {};
}

/// Copies states of direction d between batch x hidden and the op's tensors.
void copyStates(const Sizes &s, int64_t d, const double *from, double *to, bool out) {
  for (int64_t b = 0; b < s.batch; b++) {
    int64_t all = s.stateRow(d, b) * s.hidden, own = b * s.hidden;
    std::copy_n(from + (out ? own : all), s.hidden, to + (out ? all : own));
  }
}

Result<std::vector<int64_t>> lengthsOf(EvalContext &c, const Sizes &s) {
  std::vector<int64_t> lengths(s.batch, s.steps);
  if (c.has(4))
    lengths = TRY(c.intList(4));
  for (int64_t length : lengths)
    TRY(c.require(length >= 0 && length <= s.steps, "sequence_lens: " + std::to_string(length) +
                                                        " is outside the " +
                                                        std::to_string(s.steps) + " steps"));
  return lengths;
}

/// An input as F64, zeros of the given dims if it is absent.
Result<Tensor> orZeros(EvalContext &c, int64_t i, const std::vector<int64_t> &dims) {
  return c.has(i) ? c.toF64(c.in(i)) : c.doubles(dims);
}

/// Weights; if they are quantized, as the numbers that they stand for.
Result<Tensor> weightsOf(EvalContext &c, int64_t i, bool quantized) {
  if (!quantized)
    return c.in(i);
  Tensor values = TRY(c.toF64(c.in(i)));
  const Tensor &scale = c.in(6 + 2 * i), &zero = c.in(7 + 2 * i);
  const std::vector<int64_t> &dims = values.dims;
  for (int64_t at = 0; at < values.size(); at++) {
    int64_t direction = at / (dims[1] * dims[2]), gate = at / dims[2] % dims[1];
    auto own = [&](const Tensor &of) {
      return load<double>(of, of.dims.size() == 1 ? direction : direction * dims[1] + gate);
    };
    f64Out(values)[at] = (f64(values)[at] - own(zero)) * own(scale);
  }
  return values;
}

} // namespace

/// Inputs X, W, R, B, sequence_lens, initial_h, and for LSTM initial_c, P; results Y, Y_h, Y_c.
EvalResult evalRecurrent(EvalContext &c) {
  Cell cell{c.op.kind()};
  bool lstm = isLstm(cell.kind), gru = cell.kind == OpKind::GRU;
  cell.gates = lstm ? 4 : gru ? 3 : 1;
  Sizes s = TRY(sizesOf(c, cell.gates));
  cell.hidden = s.hidden, cell.batch = s.batch;
  int64_t width = cell.width();
  Result<std::vector<RecurrentActivation>> activations = recurrentActivations(c.op, s.directions);
  if (!activations)
    return c.error(activations.error().message);
  cell.clip = c.hasAttr("clip") ? c.floatAttr("clip") : HUGE_VAL;
  TRY(c.require(cell.clip >= 0, "clip is negative"));
  cell.quantizes = cell.kind == OpKind::DynamicQuantizeLSTM;
  Tensor w = TRY(weightsOf(c, 1, cell.quantizes)), r = TRY(weightsOf(c, 2, cell.quantizes));
  cell.w = &w, cell.r = &r;
  cell.linearBeforeReset = c.intAttr("linear_before_reset") != 0;
  cell.inputForget = c.intAttr("input_forget") != 0;
  std::vector<int64_t> lengths = TRY(lengthsOf(c, s));
  Tensor x = TRY(c.toF64(c.in(0)));
  if (cell.quantizes)
    quantizeDynamically(f64Out(x), x.size());
  Tensor bias = TRY(orZeros(c, 3, {s.directions, 2 * width}));
  Tensor peep = TRY(orZeros(c, 7, {s.directions, 3 * s.hidden}));
  Tensor h0 = TRY(orZeros(c, 5, s.stateDims())), c0 = TRY(orZeros(c, 6, s.stateDims()));
  Tensor y = TRY(c.doubles(s.yDims()));
  Tensor lastH = TRY(c.doubles(s.stateDims())), lastC = TRY(c.doubles(s.stateDims()));
  Tensor h = TRY(c.doubles({s.batch, s.hidden})), state = TRY(c.doubles({s.batch, s.hidden}));
  cell.h = f64Out(h), cell.cell = f64Out(state);
  for (int64_t d = 0; d < s.directions; d++) {
    cell.activations = activations->data() + d * activations->size() / s.directions;
    cell.direction = d;
    cell.wBias = f64(bias) + d * 2 * width, cell.rBias = cell.wBias + width;
    cell.peep = f64(peep) + d * 3 * s.hidden;
    copyStates(s, d, f64(h0), cell.h, false);
    copyStates(s, d, f64(c0), cell.cell, false);
    bool reverse = d == 1 || c.stringAttr("direction") == "reverse";
    TRY(runDirection(c, cell, s, d, reverse, f64(x), lengths, f64Out(y)));
    copyStates(s, d, cell.h, f64Out(lastH), true);
    copyStates(s, d, cell.cell, f64Out(lastC), true);
  }
  DType dtype = c.in(0).dtype;
  Values results = {TRY(c.fromF64(y, dtype)), TRY(c.fromF64(lastH, dtype))};
  if (lstm)
    results.emplace_back(TRY(c.fromF64(lastC, dtype)));
  return results;
}

} // namespace cameo::eval
