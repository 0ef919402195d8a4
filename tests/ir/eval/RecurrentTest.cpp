// Recurrent layers against steps written from the definitions, and sequences.
#include "tests/ir/eval/EvalTesting.h"

namespace cameo::test {
namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// Y of a GRU or LSTM of one direction over X[steps, 1, input], without bias.
std::vector<double> stepByStep(bool lstm, bool reverse, int64_t steps, int64_t input,
                               int64_t hidden, const ConstRef &xData, const ConstRef &wData,
                               const ConstRef &rData) {
  std::vector<double> x = numbers(xData), w = numbers(wData), r = numbers(rData);
  std::vector<double> h(hidden), cell(hidden), y(steps * hidden);
  for (int64_t s = 0; s < steps; s++) {
    int64_t t = reverse ? steps - 1 - s : s;
    std::vector<double> old = h;
    auto dot = [&](int64_t row, const std::vector<double> &m, const double *v, int64_t n) {
      double sum = 0;
      for (int64_t i = 0; i < n; i++)
        sum += m[row * n + i] * v[i];
      return sum;
    };
    auto gate = [&](int64_t g, int64_t j) {
      return dot(g * hidden + j, w, &x[t * input], input) +
             dot(g * hidden + j, r, old.data(), hidden);
    };
    std::vector<double> reset(hidden);
    for (int64_t j = 0; j < hidden && !lstm; j++)
      reset[j] = sigmoid(gate(1, j)) * old[j];
    for (int64_t j = 0; j < hidden; j++) {
      if (lstm) {
        cell[j] = sigmoid(gate(2, j)) * cell[j] + sigmoid(gate(0, j)) * std::tanh(gate(3, j));
        h[j] = sigmoid(gate(1, j)) * std::tanh(cell[j]);
      } else {
        double z = sigmoid(gate(0, j));
        double fresh = std::tanh(dot(2 * hidden + j, w, &x[t * input], input) +
                                 dot(2 * hidden + j, r, reset.data(), hidden));
        h[j] = (1 - z) * fresh + z * old[j];
      }
      y[t * hidden + j] = h[j];
    }
  }
  return y;
}

TEST(EvalRecurrent, StepsAsDefined) {
  int64_t steps = 5, input = 3, hidden = 4;
  for (bool lstm : {false, true})
    for (bool reverse : {false, true}) {
      int64_t gates = lstm ? 4 : 3;
      ConstRef x = noise({steps, 1, input}), w = noise({1, gates * hidden, input}, 3),
               r = noise({1, gates * hidden, hidden}, 5);
      expectTensor(run(lstm ? OpKind::LSTM : OpKind::GRU, {x, w, r},
                       attrs({{"direction", text(reverse ? "reverse" : "forward")},
                              {"hidden_size", hidden}})),
                   0, {steps, 1, 1, hidden},
                   stepByStep(lstm, reverse, steps, input, hidden, x, w, r), 1e-6);
    }
}

TEST(EvalRecurrent, LengthsAreOfEachBatchEntry) {
  // Two steps of an identity that adds its input to its state; the second entry has one step.
  ConstRef x = f32({2, 2, 1}, {1, 10, 2, 20}), one = f32({1, 1, 1}, {1});
  ConstRef lengths = data(DType::I32, {2}, {2, 1});
  Result<std::vector<Tensor>> got = run(OpKind::RNN, {x, one, one, nullptr, lengths},
                                        attrs({{"activations", std::vector<std::string>{"Affine"}},
                                               {"activation_alpha", std::vector<double>{1}},
                                               {"activation_beta", std::vector<double>{0.5}}}),
                                        2);
  expectTensor(got, 0, {2, 1, 2, 1}, {1.5, 10.5, 4, 0}, 1e-6);
  expectTensor(got, 1, {1, 2, 1}, {4, 10.5}, 1e-6);
  expectError(run(OpKind::RNN, {x, one, one, nullptr, data(DType::I32, {2}, {3, 1})}), "outside");
  expectError(
      run(OpKind::RNN, {x, one, one}, attrs({{"activations", std::vector<std::string>{"Cube"}}})),
      "activation");
}

TEST(EvalRecurrent, QuantizedWeightsStandForFloats) {
  // Inputs and states from 0 to 255 are quantized to themselves.
  ConstRef x = f32({1, 2, 3}, {0, 255, 7, 31, 2, 100}), h = f32({1, 2, 1}, {255, 0});
  std::vector<double> w = {1, 8, 5, 4, 2, 6, 7, 3, 9, 1, 4, 2}, r = {3, 9, 2, 7};
  ConstRef scale = f32({1, 4}, {0.001, 0.002, 0.004, 0.008}), zero = data(DType::U8, {1}, {4});
  auto floats = [&](std::vector<double> integers) {
    size_t depth = integers.size() / 4;
    for (size_t i = 0; i < integers.size(); i++)
      integers[i] = (integers[i] - 4) * constFloat(*scale, static_cast<int64_t>(i / depth));
    return integers;
  };
  AttrDict size = attrs({{"hidden_size", int64_t{1}}});
  std::vector<Tensor> expected =
      *run(OpKind::LSTM,
           {x, f32({1, 4, 3}, floats(w)), f32({1, 4, 1}, floats(r)), nullptr, nullptr, h}, size, 3);
  Result<std::vector<Tensor>> got =
      run(OpKind::DynamicQuantizeLSTM,
          {x, data(DType::U8, {1, 4, 3}, w), data(DType::U8, {1, 4, 1}, r), nullptr, nullptr, h,
           nullptr, nullptr, scale, zero, scale, zero},
          size, 3);
  for (int64_t i : {0, 1, 2})
    expectTensor(got, i, expected[i].dims, numbers(expected[i]), 1e-6);
}

} // namespace
} // namespace cameo::test
