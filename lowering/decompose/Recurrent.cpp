// RNN, GRU and LSTM, quantized or not, as loops over steps; the formulas are those of the ONNX
// operator pages. The product of all inputs with the weights is one, before the loop.
#include "ir/RecurrentActivations.h"
#include "lowering/decompose/Decompose.h"
#include "lowering/decompose/Loops.h"

#include <algorithm>
#include <limits>

namespace cameo {
namespace {

Value *add(Rewriter &b, Value *x, Value *y) { return b.graphValue(OpKind::Add, {x, y}); }
Value *mul(Rewriter &b, Value *x, Value *y) { return b.graphValue(OpKind::Mul, {x, y}); }
Value *oneMinus(Rewriter &b, Value *x) {
  return b.graphValue(OpKind::Sub, {scalarLike(b, x, 1), x});
}

/// Entry `index` of an axis, which is dropped; nullptr stays.
Value *entry(Rewriter &b, Value *x, int64_t axis, int64_t index) {
  if (!x)
    return nullptr;
  auto ints = [&](int64_t value) { return b.constant(makeConst({value})); };
  Value *part = b.graphValue(OpKind::Slice, {x, ints(index), ints(index + 1), ints(axis)});
  return b.graphValue(OpKind::Squeeze, {part, ints(axis)});
}

/// Lengths in hidden sizes: what the weights, biases and gates of a cell are in rows of.
struct Units {
  Rewriter &b;
  const Op &op;

  /// So many hidden sizes, as a list of one.
  Value *times(int64_t count) const {
    Value *r = op.operand(2), *counts = b.constant(makeConst({count}));
    Dim size = op.attrs.has("hidden_size") ? Dim(op.attrs.getInt("hidden_size")) : r->type.dim(2);
    if (size.isConst())
      return b.constant(makeConst({count * size.value()}));
    AttrDict attrs;
    attrs.set("start", int64_t(2));
    return b.graphValue(OpKind::Mul, {b.graphValue(OpKind::Shape, {r}, std::move(attrs)), counts});
  }

  /// Elements of an axis from `first` hidden sizes on, as many as there are in `count`.
  Value *part(Value *x, int64_t axis, int64_t first, int64_t count = 1) const {
    Value *axes = b.constant(makeConst({axis}));
    return b.graphValue(OpKind::Slice, {x, times(first), times(first + count), axes});
  }
};

Value *transposed(Rewriter &b, Value *x, std::vector<int64_t> perm) {
  AttrDict attrs;
  attrs.set("perm", std::move(perm));
  return b.graphValue(OpKind::Transpose, {x}, std::move(attrs));
}

Value *activate(Rewriter &b, const RecurrentActivation &f, Value *x) {
  AttrDict attrs;
  auto withAlpha = [&](OpKind kind) {
    attrs.set("alpha", f.alpha);
    return b.graphValue(kind, {x}, std::move(attrs));
  };
  if (f.name == "sigmoid")
    return b.graphValue(OpKind::Sigmoid, {x});
  if (f.name == "tanh")
    return b.graphValue(OpKind::Tanh, {x});
  if (f.name == "relu")
    return b.graphValue(OpKind::Relu, {x});
  if (f.name == "softsign")
    return b.graphValue(OpKind::Softsign, {x});
  if (f.name == "softplus")
    return b.graphValue(OpKind::Softplus, {x});
  if (f.name == "leakyrelu")
    return withAlpha(OpKind::LeakyRelu);
  if (f.name == "thresholdedrelu")
    return withAlpha(OpKind::ThresholdedRelu);
  if (f.name == "elu")
    return withAlpha(OpKind::Elu);
  Value *alpha = scalarLike(b, x, f.alpha), *beta = scalarLike(b, x, f.beta);
  if (f.name == "scaledtanh")
    return mul(b, alpha, b.graphValue(OpKind::Tanh, {mul(b, beta, x)}));
  Value *line = add(b, mul(b, alpha, x), beta);
  if (f.name == "affine")
    return line;
  return b.graphValue(OpKind::Clip, {line, scalarLike(b, x, 0), scalarLike(b, x, 1)});
}

/// Weights of one direction, transposed to [k, gates * hidden]; integers if they have a scale.
struct Weights {
  Value *matrix = nullptr, *scale = nullptr, *zero = nullptr;
};

/// The product with weights; integers are multiplied with what x is quantized to.
Value *product(Rewriter &b, Value *x, const Weights &weights) {
  if (!weights.scale)
    return b.graphValue(OpKind::MatMul, {x, weights.matrix});
  DynamicBytes own = quantizedDynamically(b, x);
  Value *sums =
      b.graphValue(OpKind::MatMulInteger, {own.bytes, weights.matrix, own.zero, weights.zero});
  Value *scale = mul(b, own.scale, weights.scale);
  return mul(b, castTo(b, sums, DType::F32), scale);
}

/// One direction of one op.
struct Cell {
  Rewriter &b;
  const Op &op;
  const Units &units;
  const RecurrentActivation *f; // f, g, h
  Weights r;
  Value *peep, *freshBias;

  Value *gate(Value *all, int64_t k) const { return units.part(all, 1, k); }
  Value *peephole(int64_t k) const { return units.part(peep, 0, k); }

  Value *apply(int64_t which, Value *x) const {
    double clip = op.attrs.getFloat("clip", 0);
    if (op.attrs.has("clip"))
      x = b.graphValue(OpKind::Clip, {x, scalarLike(b, x, -clip), scalarLike(b, x, clip)});
    return activate(b, f[which], x);
  }

  /// The next hidden state, and an LSTM's cell state, from the input's part of the gates.
  std::vector<Value *> step(Value *x, const std::vector<Value *> &state) const {
    if (isLstm(op.kind()))
      return lstm(add(b, x, product(b, state[0], r)), state[1]);
    if (op.kind() == OpKind::GRU)
      return {gru(x, state[0])};
    return {apply(0, add(b, x, product(b, state[0], r)))};
  }

  std::vector<Value *> lstm(Value *gates, Value *old) const {
    auto with = [&](int64_t k, int64_t p, Value *state) {
      Value *sum = gate(gates, k);
      return peep ? add(b, sum, mul(b, peephole(p), state)) : sum;
    };
    Value *in = apply(0, with(0, 0, old));
    Value *forget = op.attrs.getInt("input_forget") ? oneMinus(b, in) : apply(0, with(2, 2, old));
    Value *fresh = apply(1, gate(gates, 3));
    Value *state = add(b, mul(b, forget, old), mul(b, in, fresh));
    Value *out = apply(0, with(1, 1, state));
    return {mul(b, out, activate(b, f[2], state)), state};
  }

  Value *gru(Value *x, Value *h) const {
    Value *both = product(b, h, {units.part(r.matrix, 1, 0, 2)});
    Weights last{units.part(r.matrix, 1, 2)};
    Value *update = apply(0, add(b, gate(x, 0), gate(both, 0)));
    Value *reset = apply(0, add(b, gate(x, 1), gate(both, 1)));
    bool linear = op.attrs.getInt("linear_before_reset");
    Value *recurrent = product(b, linear ? h : mul(b, reset, h), last);
    if (freshBias)
      recurrent = add(b, recurrent, freshBias);
    if (linear)
      recurrent = mul(b, reset, recurrent);
    Value *fresh = apply(1, add(b, gate(x, 2), recurrent));
    return add(b, mul(b, oneMinus(b, update), fresh), mul(b, update, h));
  }
};

/// One op on its way: X with steps first, and what each direction gives.
struct Recurrence {
  Rewriter &b;
  Op &op;
  bool batchFirst;
  int64_t gates, directions;
  Units units;
  Value *x, *steps, *lengths = nullptr;
  std::vector<Value *> lasts[2], sequences;

  Value *stateInput(int64_t operand, int64_t direction) {
    if (op.operand(operand))
      return entry(b, op.operand(operand), batchFirst ? 1 : 0, direction);
    AttrDict attrs;
    attrs.set("start", int64_t(1));
    attrs.set("end", int64_t(2));
    Value *batch = b.graphValue(OpKind::Shape, {x}, std::move(attrs));
    AttrDict axis;
    axis.set("axis", int64_t(0));
    Value *shape = b.graphValue(OpKind::Concat, {batch, units.times(1)}, std::move(axis));
    return zeros(b, x->type.dtype(), shape);
  }

  /// Operand 1 or 2 for direction d, with its scale and zero point.
  Weights weights(int64_t operand, int64_t d) {
    Weights own{transposed(b, entry(b, op.operand(operand), 0, d), {1, 0})};
    if (op.kind() == OpKind::DynamicQuantizeLSTM) {
      own.scale = entry(b, op.operand(6 + 2 * operand), 0, d);
      own.zero = entry(b, op.operand(7 + 2 * operand), 0, d);
    }
    return own;
  }

  /// Inputs times weights plus all biases that no reset gate comes between.
  Value *projected(Cell &cell, int64_t d) {
    Value *result = product(b, x, weights(1, d)), *bias = entry(b, op.operand(3), 0, d);
    if (!bias)
      return result;
    Value *input = units.part(bias, 0, 0, gates), *recurrent = units.part(bias, 0, gates, gates);
    if (op.kind() != OpKind::GRU)
      return add(b, result, add(b, input, recurrent));
    cell.freshBias = units.part(recurrent, 0, 2);
    Value *none = zeros(b, x->type.dtype(), units.times(1));
    AttrDict axis;
    axis.set("axis", int64_t(0));
    recurrent =
        b.graphValue(OpKind::Concat, {units.part(recurrent, 0, 0, 2), none}, std::move(axis));
    return add(b, result, add(b, input, recurrent));
  }

  /// The steps of each batch entry as i64. What is no number of steps makes the run fail: it is no
  /// index of all the numbers there are, negative ones, without their sign, being too large.
  Value *checkedLengths() {
    auto cast = [&](Value *value, DType dtype) {
      AttrDict attrs;
      attrs.set("to", dtype);
      return b.graphValue(OpKind::Cast, {value}, std::move(attrs));
    };
    Value *last = b.graphValue(OpKind::Add, {steps, scalarInt(b, 1)});
    Value *numbers = b.graphValue(OpKind::Range, {scalarInt(b, 0), last, scalarInt(b, 1)});
    AttrDict axis;
    axis.set("axis", int64_t(0));
    return b.graphValue(OpKind::Gather,
                        {numbers, cast(cast(op.operand(4), DType::U32), DType::I64)},
                        std::move(axis));
  }

  /// Batch entries whose sequence has ended keep their states and give zeros.
  Value *stillRunning(Value *time) {
    Value *runs = b.graphValue(OpKind::Less, {time, lengths});
    return b.graphValue(OpKind::Unsqueeze, {runs, b.constant(makeConst({1}))});
  }

  void addDirection(int64_t d, const RecurrentActivation *activations) {
    Cell cell{b, op, units, activations, weights(2, d), entry(b, op.operand(7), 0, d), nullptr};
    Value *inputs = projected(cell, d);
    std::vector<Value *> states = {stateInput(5, d)};
    if (isLstm(op.kind()))
      states.push_back(stateInput(6, d));
    bool reverse = d == 1 || op.attrs.getString("direction") == "reverse";
    Dims stacked = states[0]->type.shape();
    stacked.insert(stacked.begin(), x->type.dim(0));
    Op *loop = beginLoop(b, steps, states, {x->type.withShape(stacked)});
    for (size_t i = 0; i < states.size(); i++)
      states[i] = loop->region().arg(static_cast<int64_t>(i) + 2);
    Value *time = iterationFrom(b, loop->region().arg(0), steps, reverse);
    AttrDict axis;
    axis.set("axis", int64_t(0));
    Value *now = b.graphValue(OpKind::Gather, {inputs, time}, std::move(axis));
    std::vector<Value *> next = cell.step(now, states);
    Value *output = next[0];
    if (op.operand(4)) {
      Value *runs = stillRunning(time);
      output = b.graphValue(OpKind::Where, {runs, next[0], scalarLike(b, output, 0)});
      for (size_t i = 0; i < next.size(); i++)
        next[i] = b.graphValue(OpKind::Where, {runs, next[i], states[i]});
    }
    int64_t numStates = static_cast<int64_t>(next.size());
    next.push_back(output);
    endLoop(b, loop, next);
    for (int64_t i = 0; i < numStates; i++)
      lasts[i].push_back(loop->result(i));
    Value *sequence = loop->result(numStates);
    sequences.push_back(reverse ? reversedFirst(b, sequence) : sequence);
  }

  /// Directions side by side along a new axis.
  Value *joined(const std::vector<Value *> &values, int64_t axis) {
    std::vector<Value *> apart;
    for (Value *value : values)
      apart.push_back(b.graphValue(OpKind::Unsqueeze, {value, b.constant(makeConst({axis}))}));
    AttrDict attrs;
    attrs.set("axis", axis);
    return b.graphValue(OpKind::Concat, std::move(apart), std::move(attrs));
  }

  Value *result(int64_t i) {
    Value *value = i == 0 ? joined(sequences, 1) : joined(lasts[i - 1], 0);
    if (!batchFirst)
      return value;
    return transposed(b, value,
                      i == 0 ? std::vector<int64_t>{2, 0, 1, 3} : std::vector<int64_t>{1, 0, 2});
  }
};

} // namespace

Value *decomposeRecurrent(Rewriter &b, Op &op) {
  for (int64_t i = 0; i < 3; i++)
    if (!op.operand(i)->type.isRanked())
      return nullptr;
  int64_t directions = op.attrs.getString("direction") == "bidirectional" ? 2 : 1;
  bool lstm = isLstm(op.kind()), gru = op.kind() == OpKind::GRU;
  Result<std::vector<RecurrentActivation>> activations = recurrentActivations(op, directions);
  if (!activations)
    return nullptr;
  bool batchFirst = op.attrs.getInt("layout");
  Value *x = batchFirst ? transposed(b, op.operand(0), {1, 0, 2}) : op.operand(0);
  Recurrence recurrence{b,          op,      batchFirst, lstm ? 4 : gru ? 3 : 1,
                        directions, {b, op}, x,          axisSize(b, x, 0),
                        {},         {},      {}};
  if (op.operand(4))
    recurrence.lengths = recurrence.checkedLengths();
  for (int64_t d = 0; d < recurrence.directions; d++)
    recurrence.addDirection(d, activations->data() + d * activations->size() / directions);
  for (int64_t i = 1; i < op.numResults(); i++) {
    if (op.result(i)->users().empty())
      continue;
    Value *value = recurrence.result(i);
    value->name = op.result(i)->name;
    op.result(i)->replaceAllUsesWith(value);
  }
  return recurrence.result(0);
}

} // namespace cameo
