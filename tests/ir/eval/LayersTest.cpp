// Convolutions, products and pools against loops written from the definitions.
#include "tests/ir/eval/EvalTesting.h"

namespace cameo::test {
namespace {

struct ConvCase {
  int64_t images, channels, outChannels, group;
  std::vector<int64_t> in, kernel, strides, dilations, pads; // two spatial dims
};

AttrDict convAttrs(const ConvCase &k) {
  return attrs({{"group", k.group},
                {"strides", ints(k.strides)},
                {"dilations", ints(k.dilations)},
                {"pads", ints(k.pads)}});
}

/// y[n, m, o] += x[n, c, i] * w[...] for every pair of positions that meet, or (transposed) the
/// other way round.
std::vector<double> convByDefinition(const ConvCase &k, const ConstRef &xData,
                                     const ConstRef &wData, const std::vector<int64_t> &out,
                                     bool transposed) {
  std::vector<double> x = numbers(xData), w = numbers(wData);
  std::vector<double> y(k.images * k.outChannels * out[0] * out[1]);
  int64_t cin = k.channels / k.group, cout = k.outChannels / k.group;
  for (int64_t n = 0; n < k.images; n++)
    for (int64_t m = 0; m < k.outChannels; m++)
      for (int64_t c = 0; c < cin; c++)
        for (int64_t oy = 0; oy < (transposed ? k.in[0] : out[0]); oy++)
          for (int64_t ox = 0; ox < (transposed ? k.in[1] : out[1]); ox++)
            for (int64_t t = 0; t < k.kernel[0] * k.kernel[1]; t++) {
              int64_t py = oy * k.strides[0] - k.pads[0] + t / k.kernel[1] * k.dilations[0];
              int64_t px = ox * k.strides[1] - k.pads[1] + t % k.kernel[1] * k.dilations[1];
              const std::vector<int64_t> &limit = transposed ? out : k.in;
              if (py < 0 || px < 0 || py >= limit[0] || px >= limit[1])
                continue;
              int64_t channel = m / cout * cin + c, taps = k.kernel[0] * k.kernel[1];
              int64_t iy = transposed ? oy : py, ix = transposed ? ox : px;
              int64_t ty = transposed ? py : oy, tx = transposed ? px : ox;
              double weight = transposed ? w[(channel * cout + m % cout) * taps + t]
                                         : w[(m * cin + c) * taps + t];
              y[((n * k.outChannels + m) * out[0] + ty) * out[1] + tx] +=
                  weight * x[((n * k.channels + channel) * k.in[0] + iy) * k.in[1] + ix];
            }
  return y;
}

TEST(EvalLayers, ConvAsDefined) {
  std::vector<ConvCase> cases = {{1, 3, 20, 1, {9, 11}, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
                                 {2, 8, 12, 4, {7, 6}, {3, 2}, {2, 1}, {1, 2}, {0, 1, 2, 3}},
                                 {2, 6, 6, 6, {8, 8}, {3, 3}, {1, 1}, {2, 2}, {2, 2, 2, 2}},
                                 {1, 4, 8, 4, {9, 5}, {5, 3}, {2, 3}, {1, 1}, {4, 2, 4, 2}},
                                 {2, 6, 6, 6, {9, 10}, {3, 3}, {2, 3}, {1, 2}, {1, 2, 0, 3}},
                                 {1, 5, 3, 1, {6, 21}, {3, 5}, {3, 2}, {2, 3}, {2, 6, 2, 6}},
                                 {1, 5, 2, 1, {3, 40}, {1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}},
                                 {1, 40, 9, 1, {5, 5}, {3, 3}, {1, 1}, {1, 1}, {0, 0, 0, 0}},
                                 {1, 2, 5, 1, {20, 30}, {1, 1}, {3, 2}, {1, 1}, {0, 0, 0, 0}}};
  for (const ConvCase &k : cases) {
    std::vector<int64_t> out(2);
    for (int d = 0; d < 2; d++)
      out[d] = (k.in[d] + k.pads[d] + k.pads[d + 2] - (k.kernel[d] - 1) * k.dilations[d] - 1) /
                   k.strides[d] +
               1;
    ConstRef x = noise({k.images, k.channels, k.in[0], k.in[1]});
    ConstRef w = noise({k.outChannels, k.channels / k.group, k.kernel[0], k.kernel[1]}, 7);
    expectTensor(run(OpKind::Conv, {x, w}, convAttrs(k)), 0,
                 {k.images, k.outChannels, out[0], out[1]}, convByDefinition(k, x, w, out, false),
                 2e-5);
  }
}

TEST(EvalLayers, ConvTransposeAsDefined) {
  std::vector<ConvCase> cases = {{1, 4, 6, 1, {5, 4}, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}},
                                 {2, 6, 4, 2, {4, 5}, {2, 3}, {3, 1}, {1, 2}, {0, 1, 1, 0}},
                                 {1, 3, 3, 3, {6, 6}, {4, 4}, {2, 2}, {1, 1}, {1, 1, 1, 1}}};
  // More dilation than stride, and padding that cuts whole taps off.
  cases.push_back({1, 2, 3, 1, {3, 7}, {2, 3}, {1, 2}, {3, 4}, {2, 5, 1, 3}});
  for (const ConvCase &k : cases) {
    std::vector<int64_t> out(2);
    for (int d = 0; d < 2; d++)
      out[d] = (k.in[d] - 1) * k.strides[d] + (k.kernel[d] - 1) * k.dilations[d] + 1 - k.pads[d] -
               k.pads[d + 2];
    ConstRef x = noise({k.images, k.channels, k.in[0], k.in[1]});
    ConstRef w = noise({k.channels, k.outChannels / k.group, k.kernel[0], k.kernel[1]}, 7);
    expectTensor(run(OpKind::ConvTranspose, {x, w}, convAttrs(k)), 0,
                 {k.images, k.outChannels, out[0], out[1]}, convByDefinition(k, x, w, out, true),
                 2e-5);
  }
}

TEST(EvalLayers, ConvOfOtherRanks) {
  ConstRef line = f32({1, 1, 4}, {1, 2, 3, 4}), kernel = f32({1, 1, 2}, {1, 10});
  expectTensor(run(OpKind::Conv, {line, kernel, f32({1}, {0.5})}), 0, {1, 1, 3},
               {21.5, 32.5, 43.5});
  expectTensor(run(OpKind::Conv, {line, kernel}, attrs({{"auto_pad", text("SAME_LOWER")}})), 0,
               {1, 1, 4}, {10, 21, 32, 43});
  ConstRef cube = f32({1, 1, 2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  expectTensor(run(OpKind::Conv, {cube, cube}), 0, {1, 1, 1, 1, 1}, {204});
}

TEST(EvalLayers, MatMulBroadcastsBatches) {
  int64_t m = 5, k = 300, n = 13;
  ConstRef a = noise({2, 1, m, k}), b = noise({3, k, n}, 5);
  std::vector<double> x = numbers(a), w = numbers(b), y(2 * 3 * m * n);
  for (int64_t i = 0; i < 2 * 3 * m * n; i++)
    for (int64_t p = 0; p < k; p++)
      y[i] += x[i / (3 * m * n) * m * k + i / n % m * k + p] *
              w[i / (m * n) % 3 * k * n + p * n + i % n];
  expectTensor(run(OpKind::MatMul, {a, b}), 0, {2, 3, m, n}, y, 1e-5);
  expectTensor(run(OpKind::MatMul, {f32({2}, {1, 2}), f32({2}, {3, 4})}), 0, {}, {11});
  expectTensor(run(OpKind::MatMul, {f32({2, 0}, {}), f32({0, 2}, {})}), 0, {2, 2}, {0, 0, 0, 0});
  expectError(run(OpKind::MatMul,
                  {f32({2, 3}, std::vector<double>(6)), f32({2, 3}, std::vector<double>(6))}),
              "cannot multiply");
}

/// alpha * A * B + beta * bias, however the operands are stored.
void expectGemm(int64_t m, int64_t n, int64_t k) {
  ConstRef a = noise({m, k}), b = noise({k, n}, 3), bias = noise({n}, 9);
  std::vector<double> x = numbers(a), w = numbers(b), y(m * n);
  for (int64_t i = 0; i < m * n; i++) {
    for (int64_t p = 0; p < k; p++)
      y[i] += 2 * x[i / n * k + p] * w[p * n + i % n];
    y[i] += 3 * numbers(bias)[i % n];
  }
  auto transpose = [](const ConstRef &x) {
    return f32({x->dims[1], x->dims[0]}, numbers((*run(OpKind::Transpose, {x}))[0]));
  };
  for (int64_t both : {0, 1, 2, 3}) {
    AttrDict attributes =
        attrs({{"alpha", 2.0}, {"beta", 3.0}, {"transA", both & 1}, {"transB", both >> 1}});
    expectTensor(run(OpKind::Gemm, {both & 1 ? transpose(a) : a, both & 2 ? transpose(b) : b, bias},
                     attributes),
                 0, {m, n}, y, 1e-5);
  }
}

TEST(EvalLayers, GemmTransposesEitherWay) {
  expectGemm(12, 11, 20);
  expectGemm(1, 1030, 9); // few rows, few columns, more than a block
  expectGemm(3, 5, 300);
  expectGemm(40, 2, 261);
}

TEST(EvalLayers, PoolsAtTheEdge) {
  ConstRef x = f32({1, 1, 5}, {1, 2, 3, 4, 5});
  auto pool = [&](OpKind kind, int64_t ceil, int64_t count) {
    AttrDict attributes = attrs({{"kernel_shape", ints({3})},
                                 {"strides", ints({3})},
                                 {"pads", ints({1, 1})},
                                 {"ceil_mode", ceil}});
    if (kind == OpKind::AveragePool)
      attributes.set("count_include_pad", count);
    return run(kind, {x}, attributes);
  };
  expectTensor(pool(OpKind::MaxPool, 0, 0), 0, {1, 1, 2}, {2, 5});
  expectTensor(pool(OpKind::AveragePool, 0, 0), 0, {1, 1, 2}, {1.5, 4});
  expectTensor(pool(OpKind::AveragePool, 0, 1), 0, {1, 1, 2}, {1, 4});
  // The last window starts in the input and reaches past the padding: that part is never counted.
  AttrDict wide = attrs({{"kernel_shape", ints({3})},
                         {"strides", ints({2})},
                         {"ceil_mode", int64_t{1}},
                         {"count_include_pad", int64_t{1}},
                         {"pads", ints({0, 1})}});
  expectTensor(run(OpKind::AveragePool, {f32({1, 1, 6}, {1, 2, 3, 4, 5, 6})}, wide), 0, {1, 1, 3},
               {2, 4, 11.0 / 3}, 1e-6);
  expectTensor(run(OpKind::MaxPool, {f32({1, 1, 2, 2}, {4, 1, 2, 4})},
                   attrs({{"kernel_shape", ints({2, 2})}, {"storage_order", int64_t{1}}}), 2),
               1, {1, 1, 1, 1}, {0});
}

TEST(EvalLayers, QuantizationRoundsHalfToEvenAndSaturates) {
  ConstRef x = f32({6}, {-1, 1, 3, 5, 600, -600});
  expectTensor(run(OpKind::QuantizeLinear, {x, f32({}, {2}), data(DType::U8, {}, {10})}), 0, {6},
               {10, 10, 12, 12, 255, 0});
  expectTensor(run(OpKind::DequantizeLinear, {data(DType::I8, {2, 2}, {1, 2, 3, 4}),
                                              f32({2}, {0.5, 2}), data(DType::I8, {2}, {1, 0})}),
               0, {2, 2}, {0, 4, 1, 8});
  // 128 x 255 x 255 needs more than 16 bits, and padding is the zero point.
  ConstRef a = data(DType::U8, {1, 1, 2}, {255, 0}), w = data(DType::U8, {1, 1, 2}, {255, 255});
  expectTensor(
      run(OpKind::ConvInteger, {a, w, data(DType::U8, {}, {5})}, attrs({{"pads", ints({1, 1})}})),
      0, {1, 1, 3}, {63750, 62475, -1275});
}

} // namespace
} // namespace cameo::test
