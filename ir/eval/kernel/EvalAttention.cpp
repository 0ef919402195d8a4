// Attention as one kernel.
#include "ir/eval/kernel/KernelRegion.h"
#include "ir/eval/kernel/Packed.h"
#include "ir/eval/kernel/Softmax.h"

#include "ir/kernel/Attention.h"

#include <cmath>

namespace cameo::eval {
namespace {

struct Attention {
  KernelContext &c;
  AttentionAttrs attrs = attrsOf<AttentionAttrs>(c.op);
  const View &y = c.out();
  View q = ofBatches(c.in(0), y, 2), k = ofBatches(c.in(1), y, 3), v = ofBatches(c.in(2), y, 3);
  KernelRegion scores{c, 0}, results{c, 1};
  int64_t numKeys = c.size(attentionKeys(c.op));

  /// The scores of the query at an index, whose last entry is not read.
  std::vector<double> scoresOf(std::vector<int64_t> index) {
    std::vector<int64_t> batch(index.begin(), index.end() - 2), shape = y.dims, at = index;
    shape.back() = numKeys;
    std::vector<double> row;
    for (int64_t &key = index.back() = 0; key < numKeys && !c.failed(); key++) {
      double sum = 0;
      for (int64_t &i = at.back() = 0; i < q.dims.back(); i++)
        sum += c.get<double>(q, q.at(at)) * c.get<double>(k, packedElement(k, batch, key, i, 1));
      scores.set(0, sum);
      scores.loadOperands(1, kFirstScoreOperand, attrs.scoreOperands, shape, index);
      scores.run();
      row.push_back(scores.yielded<double>());
    }
    return row;
  }

  void run() {
    int64_t first = kFirstScoreOperand + attrs.scoreOperands;
    std::vector<int64_t> rows = y.dims;
    rows.back() = 1;
    c.forEach(rows, [&](std::vector<int64_t> index) {
      std::vector<int64_t> batch(index.begin(), index.end() - 2);
      std::vector<double> row = scoresOf(index);
      RowMap softmax = softmaxOf(row, attrs.form);
      for (double &score : row) {
        score = softmax(score);
        score = attrs.nanToZero && std::isnan(score) ? 0 : score;
      }
      for (int64_t &column = index.back() = 0; column < y.dims.back(); column++) {
        double mean = 0;
        for (size_t key = 0; key < row.size(); key++)
          mean += row[key] *
                  c.get<double>(v, packedElement(v, batch, column, static_cast<int64_t>(key), 1));
        results.set(0, mean);
        results.loadEpilogue(1, first, index);
        results.run();
        results.store(y, y.at(index));
      }
    });
  }
};

} // namespace

void evalKernelAttention(KernelContext &c) { Attention{c}.run(); }

} // namespace cameo::eval
