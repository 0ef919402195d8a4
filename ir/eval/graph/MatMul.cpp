// Matrix products: MatMul, Gemm, MatMulInteger, QLinearMatMul. Floats and 8-bit integers go through
// the blocked product in double (exact for the latter); wider integers wrap and have a plain loop.
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/Gemm.h"
#include "ir/eval/graph/Quant.h"

#include <algorithm>

namespace cameo::eval {
namespace {

/// The batch structure of a matrix product: A is [..., m, k], B is [..., k, n], as numpy.matmul.
struct MatMulShape {
  int64_t m = 1, n = 1, k = 1;
  std::vector<int64_t> batch, out;
  /// Element strides of the batch dims in A and B.
  std::vector<int64_t> aBatch, bBatch;
};

Result<MatMulShape> matMulShape(EvalContext &c, const Tensor &aTensor, const Tensor &bTensor) {
  std::vector<int64_t> a = aTensor.dims, b = bTensor.dims;
  TRY(c.require(!a.empty() && !b.empty(), "expected operands of rank 1 or more"));
  bool dropM = a.size() == 1, dropN = b.size() == 1;
  if (dropM)
    a.insert(a.begin(), 1);
  if (dropN)
    b.push_back(1);
  MatMulShape shape;
  shape.m = a[a.size() - 2], shape.k = a.back(), shape.n = b.back();
  std::vector<int64_t> aLead(a.begin(), a.end() - 2), bLead(b.begin(), b.end() - 2);
  std::optional<std::vector<int64_t>> batch = broadcastDims(aLead, bLead);
  TRY(c.require(batch && b[b.size() - 2] == shape.k,
                "cannot multiply " + dimsText(aTensor.dims) + " by " + dimsText(bTensor.dims)));
  shape.batch = *batch, shape.out = *batch;
  if (!dropM)
    shape.out.push_back(shape.m);
  if (!dropN)
    shape.out.push_back(shape.n);
  shape.aBatch = broadcastStrides(aLead, *batch);
  shape.bBatch = broadcastStrides(bLead, *batch);
  for (int64_t &stride : shape.aBatch)
    stride *= shape.m * shape.k;
  for (int64_t &stride : shape.bBatch)
    stride *= shape.k * shape.n;
  return shape;
}

/// y = a * b in wrapping 64-bit integers.
Result<Tensor> integerMatMul(EvalContext &c, const MatMulShape &s, const Tensor &a,
                             const Tensor &b) {
  Tensor y = TRY(c.allocate(a.dtype, s.out));
  TRY(c.charge({y.size(), s.k}));
  Tensor left = TRY(c.toI64(a)), right = TRY(c.toI64(b));
  int64_t done = 0;
  for (RowWalk walk(s.batch, {s.aBatch, s.bBatch}); !walk.done(); walk.next())
    for (int64_t q = 0; q < walk.rowLength(); q++, done += s.m * s.n) {
      const int64_t *ap = i64(left) + walk.offset(0) + q * walk.rowStride(0);
      const int64_t *bp = i64(right) + walk.offset(1) + q * walk.rowStride(1);
      for (int64_t i = 0; i < s.m * s.n; i++) {
        uint64_t sum = 0;
        for (int64_t p = 0; p < s.k; p++)
          sum += uint64_t(ap[i / s.n * s.k + p]) * uint64_t(bp[p * s.n + i % s.n]);
        store(y, done + i, sum);
      }
    }
  return y;
}

/// Zero points or scales of a quantized matrix: one for all, or one a row (A) or column (B) of the
/// matrix, possibly with batch dims.
struct PerLine {
  Tensor values; // F64
  int64_t line = 0;
  std::vector<int64_t> batch;

  double at(int64_t batchIndex, int64_t i) const {
    int64_t size = values.size();
    return size == 1 ? f64(values)[0] : f64(values)[size == line ? i : batchIndex * line + i];
  }
};

Result<PerLine> perLine(EvalContext &c, int64_t input, int64_t line, int64_t batches) {
  PerLine result;
  result.line = line;
  result.values = TRY(c.doubles({1}));
  if (!c.has(input))
    return result;
  result.values = TRY(c.toF64(c.in(input)));
  int64_t size = result.values.size();
  TRY(c.require(size == 1 || size == line || size == line * batches,
                c.inputName(input) + ": expected 1 or " + std::to_string(line) +
                    " elements, got shape " + dimsText(c.in(input).dims)));
  return result;
}

/// (a - aZero) * (b - bZero) summed exactly; `finish` takes each row of sums.
using FinishRow =
    std::function<void(int64_t batch, int64_t i, int64_t j0, int64_t count, double *row)>;

Result<void> quantizedMatMul(EvalContext &c, const MatMulShape &s, int64_t aInput, int64_t bInput,
                             const PerLine &aZero, const PerLine &bZero, const FinishRow &finish) {
  const Tensor &a = c.in(aInput), &b = c.in(bInput);
  int64_t batch = 0;
  for (RowWalk walk(s.batch, {s.aBatch, s.bBatch}); !walk.done(); walk.next())
    for (int64_t q = 0; q < walk.rowLength(); q++, batch++) {
      int64_t aBase = walk.offset(0) + q * walk.rowStride(0);
      int64_t bBase = walk.offset(1) + q * walk.rowStride(1);
      GemmProblem problem{s.m, s.n, s.k, {}, {}, {}};
      problem.rowOfA = [&](int64_t i, int64_t k0, int64_t count, double *to) {
        loadRow(a, aBase + i * s.k + k0, 1, count, to);
        double zero = aZero.at(batch, i);
        for (int64_t p = 0; p < count; p++)
          to[p] -= zero;
      };
      problem.rowOfB = [&](int64_t k, int64_t j0, int64_t count, double *to) {
        loadRow(b, bBase + k * s.n + j0, 1, count, to);
        for (int64_t j = 0; j < count; j++)
          to[j] -= bZero.at(batch, j0 + j);
      };
      problem.store = [&](int64_t i, int64_t j0, int64_t count, double *row) {
        finish(batch, i, j0, count, row);
      };
      TRY(gemm(c, problem));
    }
  return {};
}

} // namespace

EvalResult evalMatMul(EvalContext &c) {
  const Tensor &a = c.in(0), &b = c.in(1);
  MatMulShape s = TRY(matMulShape(c, a, b));
  if (!isFloat(a.dtype))
    return one(TRY(integerMatMul(c, s, a, b)));
  Tensor y = TRY(c.allocate(a.dtype, s.out));
  int64_t done = 0;
  for (RowWalk walk(s.batch, {s.aBatch, s.bBatch}); !walk.done(); walk.next())
    for (int64_t q = 0; q < walk.rowLength(); q++, done += s.m * s.n) {
      int64_t aBase = walk.offset(0) + q * walk.rowStride(0);
      int64_t bBase = walk.offset(1) + q * walk.rowStride(1);
      GemmProblem problem{s.m, s.n, s.k, {}, {}, {}};
      problem.rowOfA = [&](int64_t i, int64_t k0, int64_t count, double *to) {
        loadRow(a, aBase + i * s.k + k0, 1, count, to);
      };
      problem.rowOfB = [&](int64_t k, int64_t j0, int64_t count, double *to) {
        loadRow(b, bBase + k * s.n + j0, 1, count, to);
      };
      problem.store = [&](int64_t i, int64_t j0, int64_t count, double *row) {
        storeRow(y, done + i * s.n + j0, 1, count, row);
      };
      TRY(gemm(c, problem));
    }
  return one(y);
}

namespace {
/// alpha * A' * B' + beta * C in integers, for Gemm's integer types: alpha and beta are floats, so
/// whole numbers in any model that means something.
EvalResult integerGemm(EvalContext &c, int64_t m, int64_t n, int64_t k) {
  bool transA = c.intAttr("transA"), transB = c.intAttr("transB");
  uint64_t alpha = saturate<int64_t>(c.floatAttr("alpha", 1));
  uint64_t beta = saturate<int64_t>(c.floatAttr("beta", 1));
  Tensor a = TRY(c.toI64(c.in(0))), b = TRY(c.toI64(c.in(1)));
  Tensor y = TRY(c.allocate(c.in(0).dtype, {m, n}));
  TRY(c.charge({m, n, k}));
  std::vector<int64_t> strides =
      c.has(2) ? broadcastStrides(c.in(2).dims, {m, n}) : std::vector<int64_t>{};
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) {
      uint64_t sum = 0;
      for (int64_t p = 0; p < k; p++)
        sum += uint64_t(i64(a)[transA ? p * m + i : i * k + p]) *
               uint64_t(i64(b)[transB ? j * k + p : p * n + j]);
      sum *= alpha;
      if (c.has(2))
        sum += beta * uint64_t(load<int64_t>(c.in(2), i * strides[0] + j * strides[1]));
      store(y, i * n + j, sum);
    }
  return one(y);
}
} // namespace

EvalResult evalGemm(EvalContext &c) {
  TRY(c.requireRank(0, 2));
  TRY(c.requireRank(1, 2));
  const Tensor &a = c.in(0), &b = c.in(1);
  bool transA = c.intAttr("transA"), transB = c.intAttr("transB");
  double alpha = c.floatAttr("alpha", 1), beta = c.floatAttr("beta", 1);
  int64_t m = a.dims[transA], k = a.dims[!transA], n = b.dims[!transB];
  TRY(c.require(b.dims[transB] == k, "cannot multiply " + dimsText(a.dims) + " by " +
                                         dimsText(b.dims) +
                                         " with transA=" + std::to_string(transA) +
                                         " transB=" + std::to_string(transB)));
  bool hasC = c.has(2);
  if (hasC)
    TRY(c.require(broadcastDims(c.in(2).dims, {m, n}) == std::vector<int64_t>{m, n},
                  "input C of shape " + dimsText(c.in(2).dims) + " does not broadcast to " +
                      dimsText({m, n})));
  if (!isFloat(a.dtype))
    return integerGemm(c, m, n, k);
  Tensor y = TRY(c.allocate(a.dtype, {m, n}));
  std::vector<int64_t> cStrides =
      hasC ? broadcastStrides(c.in(2).dims, {m, n}) : std::vector<int64_t>{};
  // Reading B by columns misses the cache at every element: for transB and few rows of A the
  // transposed product is computed instead.
  bool swap = transB && m < n;
  auto rowOfA = [&](int64_t i, int64_t k0, int64_t count, double *to) {
    loadRow(a, transA ? k0 * m + i : i * k + k0, transA ? m : 1, count, to);
  };
  auto rowOfB = [&](int64_t p, int64_t j0, int64_t count, double *to) {
    loadRow(b, transB ? j0 * k + p : p * n + j0, transB ? k : 1, count, to);
  };
  auto rowOfTransposedB = [&](int64_t j, int64_t k0, int64_t count, double *to) {
    loadRow(b, j * k + k0, 1, count, to);
  };
  auto rowOfTransposedA = [&](int64_t p, int64_t i0, int64_t count, double *to) {
    loadRow(a, transA ? p * m + i0 : i0 * k + p, transA ? 1 : k, count, to);
  };
  auto finish = [&](int64_t i, int64_t j, double sum) {
    double addend = hasC ? load<double>(c.in(2), i * cStrides[0] + j * cStrides[1]) : 0;
    return alpha * sum + (hasC ? beta * addend : 0);
  };
  GemmProblem problem{swap ? n : m, swap ? m : n, k, rowOfA, rowOfB, {}};
  if (swap)
    problem.rowOfA = rowOfTransposedB, problem.rowOfB = rowOfTransposedA;
  problem.store = [&](int64_t i, int64_t j0, int64_t count, double *row) {
    for (int64_t j = j0; j < j0 + count; j++) {
      double sum = swap ? finish(j, i, row[j - j0]) : finish(i, j, row[j - j0]);
      store(y, swap ? j * n + i : i * n + j, sum);
    }
  };
  TRY(gemm(c, problem));
  return one(y);
}

/// Inputs A, B, a_zero_point, b_zero_point.
EvalResult evalMatMulInteger(EvalContext &c) {
  MatMulShape s = TRY(matMulShape(c, c.in(0), c.in(1)));
  Tensor y = TRY(c.allocate(DType::I32, s.out));
  int64_t batches = product(s.batch, 0, static_cast<int64_t>(s.batch.size()));
  PerLine aZero = TRY(perLine(c, 2, s.m, batches)), bZero = TRY(perLine(c, 3, s.n, batches));
  TRY(quantizedMatMul(c, s, 0, 1, aZero, bZero,
                      [&](int64_t batch, int64_t i, int64_t j0, int64_t count, double *row) {
                        for (int64_t j = 0; j < count; j++)
                          store(y, (batch * s.m + i) * s.n + j0 + j, static_cast<int64_t>(row[j]));
                      }));
  return one(y);
}

/// Inputs a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale, y_zero_point.
EvalResult evalQLinearMatMul(EvalContext &c) {
  MatMulShape s = TRY(matMulShape(c, c.in(0), c.in(3)));
  int64_t batches = product(s.batch, 0, static_cast<int64_t>(s.batch.size()));
  PerLine aScale = TRY(perLine(c, 1, s.m, batches)), aZero = TRY(perLine(c, 2, s.m, batches));
  PerLine bScale = TRY(perLine(c, 4, s.n, batches)), bZero = TRY(perLine(c, 5, s.n, batches));
  PerLine yScale = TRY(perLine(c, 6, s.m, batches)), yZero = TRY(perLine(c, 7, s.m, batches));
  Tensor y = TRY(c.allocate(c.in(7).dtype, s.out));
  TRY(quantizedMatMul(c, s, 0, 3, aZero, bZero,
                      [&](int64_t batch, int64_t i, int64_t j0, int64_t count, double *row) {
                        for (int64_t j = 0; j < count; j++)
                          row[j] = requantize(row[j], aScale.at(batch, i), bScale.at(batch, j0 + j),
                                              yScale.at(batch, i), yZero.at(batch, i));
                        storeRow(y, (batch * s.m + i) * s.n + j0, 1, count, row);
                      }));
  return one(y);
}

} // namespace cameo::eval
