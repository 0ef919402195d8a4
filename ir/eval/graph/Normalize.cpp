// Normalizations. Statistics are computed in double, in two passes, so that a large mean does not
// eat the variance.
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/EvalContext.h"

#include <algorithm>

namespace cameo::eval {
namespace {

struct Moments {
  double mean = 0, variance = 0; // of the population
};

Moments momentsOf(const double *row, int64_t n) {
  Moments m;
  for (int64_t i = 0; i < n; i++)
    m.mean += row[i];
  m.mean /= static_cast<double>(n);
  for (int64_t i = 0; i < n; i++)
    m.variance += (row[i] - m.mean) * (row[i] - m.mean);
  m.variance /= static_cast<double>(n);
  return m;
}

Result<void> requireChannels(EvalContext &c, int64_t first, int64_t last, int64_t channels) {
  for (int64_t i = first; i <= last; i++)
    TRY(c.require(c.in(i).dims == std::vector<int64_t>{channels},
                  c.inputName(i) + ": expected shape [" + std::to_string(channels) + "], got " +
                      dimsText(c.in(i).dims)));
  return {};
}

/// Mean and variance of each channel over batch and space.
Result<void> channelMoments(EvalContext &c, Tensor &means, Tensor &variances, int64_t images,
                            int64_t channels, int64_t area) {
  Tensor buffer = TRY(c.doubles({images, area}));
  for (int64_t channel = 0; channel < channels; channel++) {
    for (int64_t n = 0; n < images; n++)
      loadRow(c.in(0), (n * channels + channel) * area, 1, area, f64Out(buffer) + n * area);
    Moments m = momentsOf(f64(buffer), images * area);
    f64Out(means)[channel] = m.mean, f64Out(variances)[channel] = m.variance;
  }
  return {};
}

} // namespace

/// Inputs X, scale, B, input_mean, input_var. In training mode the statistics are the batch's, and
/// the running ones are further results.
EvalResult evalBatchNormalization(EvalContext &c) {
  TRY(c.requireMinRank(0, 1));
  const Tensor &x = c.in(0);
  // A vector counts as one channel a batch entry, as the specification says of 1-D input.
  int64_t channels = x.rank() > 1 ? x.dims[1] : 1, images = x.dims[0];
  int64_t area = x.rank() > 2 ? product(x.dims, 2, x.rank()) : 1;
  TRY(requireChannels(c, 1, 4, channels));
  double epsilon = c.floatAttr("epsilon", 1e-5), momentum = c.floatAttr("momentum", 0.9);
  Tensor scale = TRY(c.toF64(c.in(1))), bias = TRY(c.toF64(c.in(2)));
  Tensor mean = TRY(c.toF64(c.in(3))), variance = TRY(c.toF64(c.in(4)));
  Values results;
  if (c.intAttr("training_mode")) {
    Tensor oldMean = mean, oldVariance = variance;
    mean = TRY(c.doubles({channels})), variance = TRY(c.doubles({channels}));
    TRY(channelMoments(c, mean, variance, images, channels, area));
    Tensor newMean = TRY(c.allocate(c.in(3).dtype, {channels}));
    Tensor newVariance = TRY(c.allocate(c.in(4).dtype, {channels}));
    for (int64_t i = 0; i < channels; i++) {
      store(newMean, i, f64(oldMean)[i] * momentum + f64(mean)[i] * (1 - momentum));
      store(newVariance, i, f64(oldVariance)[i] * momentum + f64(variance)[i] * (1 - momentum));
    }
    results.emplace_back(newMean), results.emplace_back(newVariance);
  }
  Tensor y = TRY(c.allocate(x.dtype, x.dims)), buffer = TRY(c.doubles({area}));
  double *row = f64Out(buffer);
  for (int64_t p = 0; y.size() > 0 && p < images * channels; p++) {
    int64_t i = p % channels;
    double factor = f64(scale)[i] / std::sqrt(f64(variance)[i] + epsilon);
    loadRow(x, p * area, 1, area, row);
    for (int64_t k = 0; k < area; k++)
      row[k] = (row[k] - f64(mean)[i]) * factor + f64(bias)[i];
    storeRow(y, p * area, 1, area, row);
  }
  results.insert(results.begin(), RuntimeValue(y));
  return results;
}

namespace {

/// Normalizes `rows` rows of n elements; scale and bias are per channel, a channel being a
/// `channelSize`-element part of the row, numbered on across a group of rows.
EvalResult normalizeGroups(EvalContext &c, int64_t rows, int64_t n, int64_t channelSize,
                           int64_t channels) {
  const Tensor &x = c.in(0);
  TRY(requireChannels(c, 1, 2, channels));
  double epsilon = c.floatAttr("epsilon", 1e-5);
  Tensor scale = TRY(c.toF64(c.in(1))), bias = TRY(c.toF64(c.in(2)));
  Tensor y = TRY(c.allocate(x.dtype, x.dims)), buffer = TRY(c.doubles({n}));
  double *row = f64Out(buffer);
  for (int64_t r = 0; y.size() > 0 && r < rows; r++) {
    loadRow(x, r * n, 1, n, row);
    Moments m = momentsOf(row, n);
    double factor = 1 / std::sqrt(m.variance + epsilon);
    for (int64_t k = 0; k < n; k++) {
      int64_t channel = (r * n + k) / channelSize % channels;
      row[k] = (row[k] - m.mean) * factor * f64(scale)[channel] + f64(bias)[channel];
    }
    storeRow(y, r * n, 1, n, row);
  }
  return one(y);
}

} // namespace

EvalResult evalInstanceNormalization(EvalContext &c) {
  TRY(c.requireMinRank(0, 2));
  const Tensor &x = c.in(0);
  int64_t area = product(x.dims, 2, x.rank());
  return normalizeGroups(c, x.dims[0] * x.dims[1], area, area, x.dims[1]);
}

EvalResult evalGroupNormalization(EvalContext &c) {
  TRY(c.requireMinRank(0, 2));
  const Tensor &x = c.in(0);
  int64_t groups = c.intAttr("num_groups"), area = product(x.dims, 2, x.rank());
  TRY(c.require(groups > 0 && x.dims[1] % groups == 0,
                "cannot make " + std::to_string(groups) + " groups of " +
                    std::to_string(x.dims[1]) + " channels"));
  return normalizeGroups(c, x.dims[0] * groups, x.dims[1] / groups * area, area, x.dims[1]);
}

namespace {

/// A scale or bias for rows of dims[axis..]: reads element `row * n + k` of its broadcast.
struct RowParameter {
  Tensor values;
  int64_t n = 1;

  double at(int64_t row, int64_t k) const {
    return f64(values)[values.size() == n ? k : row * n + k];
  }
};

Result<RowParameter> rowParameter(EvalContext &c, int64_t input, const std::vector<int64_t> &dims,
                                  int64_t axis) {
  std::vector<int64_t> inner(dims.begin() + axis, dims.end());
  RowParameter parameter;
  parameter.n = product(inner, 0, static_cast<int64_t>(inner.size()));
  bool isInner = c.in(input).rank() <= static_cast<int64_t>(inner.size());
  parameter.values = TRY(c.broadcastF64(c.in(input), isInner ? inner : dims));
  return parameter;
}

} // namespace

/// Results Y, Mean, InvStdDev.
EvalResult evalLayerNormalization(EvalContext &c) {
  const Tensor &x = c.in(0);
  int64_t axis = TRY(c.axis(c.intAttr("axis", -1), x.rank()));
  int64_t rows = product(x.dims, 0, axis), n = product(x.dims, axis, x.rank());
  double epsilon = c.floatAttr("epsilon", 1e-5);
  RowParameter scale = TRY(rowParameter(c, 1, x.dims, axis)), bias;
  if (c.has(2))
    bias = TRY(rowParameter(c, 2, x.dims, axis));
  Tensor y = TRY(c.allocate(x.dtype, x.dims)), buffer = TRY(c.doubles({n}));
  std::vector<int64_t> outer = x.dims;
  std::fill(outer.begin() + axis, outer.end(), 1);
  DType stash = c.wantsResult(1) && c.op.result(1)->type.isTensor() ? c.resultDType(1) : DType::F32;
  Tensor means = TRY(c.allocate(stash, outer)), inverses = TRY(c.allocate(stash, outer));
  double *row = f64Out(buffer);
  // The mean of nothing is NaN.
  for (int64_t r = 0; r < rows; r++) {
    loadRow(x, r * n, 1, n, row);
    Moments m = momentsOf(row, n);
    double inverse = 1 / std::sqrt(m.variance + epsilon);
    for (int64_t k = 0; k < n; k++)
      row[k] = (row[k] - m.mean) * inverse * scale.at(r, k) + (c.has(2) ? bias.at(r, k) : 0);
    storeRow(y, r * n, 1, n, row);
    store(means, r, m.mean), store(inverses, r, inverse);
  }
  return Values{y, means, inverses};
}

EvalResult evalRMSNormalization(EvalContext &c) {
  const Tensor &x = c.in(0);
  int64_t axis = TRY(c.axis(c.intAttr("axis", -1), x.rank()));
  int64_t rows = product(x.dims, 0, axis), n = product(x.dims, axis, x.rank());
  double epsilon = c.floatAttr("epsilon", 1e-5);
  RowParameter scale = TRY(rowParameter(c, 1, x.dims, axis));
  Tensor y = TRY(c.allocate(c.in(1).dtype, x.dims)), buffer = TRY(c.doubles({n}));
  double *row = f64Out(buffer);
  for (int64_t r = 0; n > 0 && r < rows; r++) {
    loadRow(x, r * n, 1, n, row);
    double squares = 0;
    for (int64_t k = 0; k < n; k++)
      squares += row[k] * row[k];
    double inverse = 1 / std::sqrt(squares / static_cast<double>(n) + epsilon);
    for (int64_t k = 0; k < n; k++)
      row[k] *= inverse * scale.at(r, k);
    storeRow(y, r * n, 1, n, row);
  }
  return one(y);
}

/// (x - mean) / (deviation + 1e-9) over the axes, the small constant being the specification's.
EvalResult evalMeanVarianceNormalization(EvalContext &c) {
  Tensor x = TRY(c.toF64(c.in(0)));
  std::vector<int64_t> listed = c.intsAttr("axes");
  if (!c.hasAttr("axes"))
    listed = {0, 2, 3};
  std::vector<int64_t> axes = TRY(c.axes(listed, x.rank()));
  std::vector<int64_t> kept = x.dims;
  double count = 1;
  for (int64_t axis : axes)
    count *= static_cast<double>(kept[axis]), kept[axis] = 1;
  Tensor means = TRY(c.doubles(kept)), squares = TRY(c.doubles(kept)), y = TRY(c.doubles(x.dims));
  std::vector<std::vector<int64_t>> strides = {rowMajor(x.dims), broadcastStrides(kept, x.dims)};
  auto forEach = [&](auto f) {
    for (RowWalk walk(x.dims, strides); !walk.done(); walk.next())
      for (int64_t i = 0; i < walk.rowLength(); i++)
        f(walk.offset(0) + i, walk.offset(1) + i * walk.rowStride(1));
  };
  forEach([&](int64_t i, int64_t group) { f64Out(means)[group] += f64(x)[i] / count; });
  forEach([&](int64_t i, int64_t group) {
    double difference = f64(x)[i] - f64(means)[group];
    f64Out(squares)[group] += difference * difference / count;
  });
  forEach([&](int64_t i, int64_t group) {
    f64Out(y)[i] = (f64(x)[i] - f64(means)[group]) / (std::sqrt(f64(squares)[group]) + 1e-9);
  });
  return one(TRY(c.fromF64(y, c.in(0).dtype)));
}

EvalResult evalLpNormalization(EvalContext &c) {
  const Tensor &x = c.in(0);
  int64_t axis = TRY(c.axis(c.intAttr("axis", -1), x.rank())), p = c.intAttr("p", 2);
  TRY(c.require(p == 1 || p == 2, "p: expected 1 or 2, got " + std::to_string(p)));
  int64_t n = x.dims[axis], inner = product(x.dims, axis + 1, x.rank());
  Tensor y = TRY(c.allocate(x.dtype, x.dims)), buffer = TRY(c.doubles({n}));
  double *row = f64Out(buffer);
  for (int64_t r = 0; x.size() > 0 && r < x.size() / n; r++) {
    int64_t start = r / inner * inner * n + r % inner;
    loadRow(x, start, inner, n, row);
    double norm = 0;
    for (int64_t k = 0; k < n; k++)
      norm += p == 1 ? std::fabs(row[k]) : row[k] * row[k];
    norm = p == 1 ? norm : std::sqrt(norm);
    // A row of zeros stays zeros.
    for (int64_t k = 0; k < n && norm != 0; k++)
      row[k] /= norm;
    storeRow(y, start, inner, n, row);
  }
  return one(y);
}

/// x / (bias + alpha / size * sum of squares over `size` neighbouring channels) ^ beta.
EvalResult evalLRN(EvalContext &c) {
  TRY(c.requireMinRank(0, 2));
  const Tensor &x = c.in(0);
  int64_t size = c.intAttr("size"), channels = x.dims[1], area = product(x.dims, 2, x.rank());
  TRY(c.require(size >= 1, "size: expected 1 or more, got " + std::to_string(size)));
  double alpha = c.floatAttr("alpha", 1e-4), beta = c.floatAttr("beta", 0.75);
  double bias = c.floatAttr("bias", 1);
  Tensor y = TRY(c.allocate(x.dtype, x.dims));
  Tensor image = TRY(c.doubles({channels, area})), sums = TRY(c.doubles({area}));
  TRY(c.charge({x.size(), std::min(size, channels)}));
  for (int64_t n = 0; x.size() > 0 && n < x.dims[0]; n++) {
    loadRow(x, n * channels * area, 1, channels * area, f64Out(image));
    for (int64_t channel = 0; channel < channels; channel++) {
      int64_t first = std::max<int64_t>(channel - (size - 1) / 2, 0);
      int64_t last = std::min(channel + std::min(size / 2, channels), channels - 1);
      double *sum = f64Out(sums);
      std::fill_n(sum, area, 0.0);
      for (int64_t other = first; other <= last; other++)
        for (int64_t i = 0; i < area; i++)
          sum[i] += f64(image)[other * area + i] * f64(image)[other * area + i];
      for (int64_t i = 0; i < area; i++)
        sum[i] = f64(image)[channel * area + i] /
                 std::pow(bias + alpha / static_cast<double>(size) * sum[i], beta);
      storeRow(y, (n * channels + channel) * area, 1, area, sum);
    }
  }
  return one(y);
}

} // namespace cameo::eval
