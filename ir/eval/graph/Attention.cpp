// Attention and RotaryEmbedding. Scores are computed in double; where the specification rounds
// (scaled Q and K, probabilities) the interpreter does not, which only half types can tell.
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/Gemm.h"

#include <algorithm>

namespace cameo::eval {
namespace {

/// Sizes and head layout: inputs are batch x heads x sequence x size, or batch x sequence x (heads
/// * size).
struct HeadView {
  int64_t batch = 0, heads = 0, length = 0, size = 0;
  bool packed = false; // the three-dim form

  int64_t offset(int64_t b, int64_t h, int64_t s) const {
    return packed ? ((b * length + s) * heads + h) * size : ((b * heads + h) * length + s) * size;
  }
  std::vector<int64_t> dims() const {
    return packed ? std::vector<int64_t>{batch, length, heads * size}
                  : std::vector<int64_t>{batch, heads, length, size};
  }
};

Result<HeadView> headView(EvalContext &c, int64_t input, int64_t heads) {
  const std::vector<int64_t> &d = c.in(input).dims;
  if (d.size() == 4)
    return HeadView{d[0], d[1], d[2], d[3], false};
  TRY(c.requireRank(input, 3));
  TRY(c.require(heads > 0 && d[2] % heads == 0, c.inputName(input) + ": cannot make " +
                                                    std::to_string(heads) + " heads of " +
                                                    std::to_string(d[2])));
  return HeadView{d[0], heads, d[1], d[2] / heads, true};
}

struct AttentionSetup {
  HeadView q, k, v;            // of the inputs
  int64_t past = 0, total = 0; // cached and all keys
  Tensor query, key, value;    // F64; key and value with the cache, batch x heads x total x size
  double scale = 1, softcap = 0;
  int64_t left = -1, right = -1; // window
  bool causal = false;
  int64_t outputMode = 0;
  // What recovered primitives say, see Nn.def.
  std::optional<double> fill;
  bool fillIf = false;
  std::optional<DType> scoreType;
  std::string softmax;

  double rounded(double score) const {
    std::byte bytes[8];
    if (!scoreType)
      return score;
    storeDouble(*scoreType, bytes, score);
    return loadDouble(*scoreType, bytes);
  }
};

/// Past and new keys (or values) as batch x heads x total x size.
Result<Tensor> withCache(EvalContext &c, int64_t pastInput, int64_t input, const HeadView &view,
                         int64_t past) {
  std::vector<int64_t> cacheDims = {view.batch, view.heads, past, view.size};
  TRY(c.require(!c.has(pastInput) || c.in(pastInput).dims == cacheDims,
                "the past state does not fit " + c.inputName(input)));
  int64_t total = past + view.length;
  Tensor all = TRY(c.doubles({view.batch, view.heads, total, view.size}));
  for (int64_t b = 0; all.size() > 0 && b < view.batch; b++)
    for (int64_t h = 0; h < view.heads; h++) {
      int64_t base = (b * view.heads + h) * total;
      if (past)
        loadRow(c.in(pastInput), (b * view.heads + h) * past * view.size, 1, past * view.size,
                f64Out(all) + base * view.size);
      for (int64_t s = 0; s < view.length; s++)
        loadRow(c.in(input), view.offset(b, h, s), 1, view.size,
                f64Out(all) + (base + past + s) * view.size);
    }
  return all;
}

Result<AttentionSetup> attentionSetup(EvalContext &c) {
  AttentionSetup s;
  int64_t kvHeads = c.intAttr("kv_num_heads");
  s.q = TRY(headView(c, 0, c.intAttr("q_num_heads")));
  s.k = TRY(headView(c, 1, kvHeads)), s.v = TRY(headView(c, 2, kvHeads));
  TRY(c.require(s.k.batch == s.q.batch && s.v.batch == s.q.batch && s.k.size == s.q.size &&
                    s.k.heads == s.v.heads && s.k.length == s.v.length && s.k.heads > 0 &&
                    s.q.heads % s.k.heads == 0,
                "Q " + dimsText(c.in(0).dims) + ", K " + dimsText(c.in(1).dims) + " and V " +
                    dimsText(c.in(2).dims) + " do not fit"));
  TRY(c.require(c.has(4) == c.has(5), "past_key and past_value come together"));
  if (c.has(4))
    TRY(c.requireRank(4, 4));
  s.past = c.has(4) ? c.in(4).dims[2] : 0;
  s.total = s.past + s.k.length;
  s.query = TRY(c.toF64(c.in(0)));
  s.key = TRY(withCache(c, 4, 1, s.k, s.past));
  s.value = TRY(withCache(c, 5, 2, s.v, s.past));
  s.scale =
      c.hasAttr("scale") ? c.floatAttr("scale") : 1 / std::sqrt(static_cast<double>(s.q.size));
  s.softcap = c.floatAttr("softcap");
  s.causal = c.intAttr("is_causal") != 0;
  s.left = c.intAttr("left_window_size", -1), s.right = c.intAttr("right_window_size", -1);
  s.outputMode = c.intAttr("qk_matmul_output_mode");
  if (c.hasAttr("score.fill"))
    s.fill = c.floatAttr("score.fill"), s.fillIf = c.intAttr("score.fill_if") != 0;
  if (const Attr *type = c.op.attrs.find("score.type"))
    s.scoreType = std::get<DType>(*type);
  s.softmax = c.stringAttr("score.softmax");
  return s;
}

/// A mask: its strides along the scores, and how many keys it reaches. The others it masks.
struct Mask {
  const Tensor &tensor;
  std::vector<int64_t> strides;
  int64_t length;

  static Result<Mask> of(EvalContext &c, int64_t input, const AttentionSetup &s) {
    const Tensor &mask = c.in(input);
    std::vector<int64_t> full = {s.q.batch, s.q.heads, s.q.length, s.total};
    TRY(c.requireMinRank(input, 1));
    full.back() = std::min(s.total, mask.dims.back());
    TRY(c.require(broadcastDims(mask.dims, full) == full,
                  c.inputName(input) + " " + dimsText(mask.dims) + " does not broadcast to " +
                      dimsText(full)));
    return Mask{mask, broadcastStrides(mask.dims, full), full.back()};
  }

  double applied(const AttentionSetup &s, double score, int64_t b, int64_t h, int64_t i,
                 int64_t j) const {
    if (j >= length)
      return score - HUGE_VAL;
    int64_t at = b * strides[0] + h * strides[1] + i * strides[2] + j * strides[3];
    if (tensor.dtype != DType::Bool)
      return score + load<double>(tensor, at);
    bool isFilled = (load<uint64_t>(tensor, at) != 0) == s.fillIf;
    return isFilled ? s.fill.value_or(score - HUGE_VAL) : score;
  }
};

/// What is done to the scores of one query row: -inf is added where it may not look.
class Bias {
public:
  static Result<Bias> of(EvalContext &c, const AttentionSetup &s) {
    Bias bias(c, s);
    for (int64_t input : {7, 3})
      if (c.has(input))
        bias.masks_.push_back(TRY(Mask::of(c, input, s)));
    TRY(c.require(!c.has(6) || c.in(6).dims == std::vector<int64_t>{s.q.batch},
                  "nonpad_kv_seqlen: expected one length a batch entry"));
    return bias;
  }

  double applied(double score, int64_t b, int64_t h, int64_t i, int64_t j) const {
    int64_t valid = c_.has(6) ? load<int64_t>(c_.in(6), b) : s_.total;
    int64_t offset = s_.past || !c_.has(6) ? s_.past : valid - s_.q.length;
    bool allowed = j < valid && (!s_.causal || j <= i + offset) &&
                   (s_.left < 0 || i + offset - j <= s_.left) &&
                   (s_.right < 0 || j - i - offset <= s_.right);
    for (const Mask &mask : masks_)
      score = s_.rounded(mask.applied(s_, score, b, h, i, j));
    return allowed ? score : score - HUGE_VAL;
  }

private:
  Bias(EvalContext &c, const AttentionSetup &s) : c_(c), s_(s) {}

  EvalContext &c_;
  const AttentionSetup &s_;
  std::vector<Mask> masks_;
};

/// Bias, softmax; a row that may look nowhere becomes zeros, unless one of its scores is NaN or
/// `softmax` says otherwise.
/// `shown` is the debug output.
void attend(const AttentionSetup &s, const Bias &bias, int64_t b, int64_t h, int64_t i,
            double *scores, double *shown) {
  int64_t n = s.total;
  auto show = [&](int64_t mode) {
    if (shown && s.outputMode == mode)
      std::copy_n(scores, n, shown);
  };
  show(0);
  for (int64_t j = 0; j < n && s.softcap > 0; j++)
    scores[j] = s.softcap * std::tanh(scores[j] / s.softcap);
  show(1);
  double top = -HUGE_VAL, sum = 0;
  for (int64_t j = 0; j < n; j++) {
    scores[j] = bias.applied(scores[j], b, h, i, j);
    top = scores[j] > top || scores[j] != scores[j] ? scores[j] : top;
  }
  show(2);
  bool isEmpty = top == -HUGE_VAL && s.softmax == "masked";
  for (int64_t j = 0; j < n; j++)
    sum += scores[j] = isEmpty ? 0 : std::exp(scores[j] - top);
  for (int64_t j = 0; j < n && sum != 0; j++)
    scores[j] = std::isnan(scores[j] / sum) && s.softmax == "nan_to_zero" ? 0 : scores[j] / sum;
  show(3);
}

/// c = a * b (or a * b transposed) of row-major double matrices.
Result<void> multiply(EvalContext &c, int64_t m, int64_t n, int64_t k, const double *a,
                      int64_t aStride, const double *b, bool transposeB, double *to) {
  GemmProblem problem{m, n, k, {}, {}, {}};
  problem.rowOfA = [=](int64_t i, int64_t k0, int64_t count, double *row) {
    std::copy_n(a + i * aStride + k0, count, row);
  };
  problem.rowOfB = [=](int64_t p, int64_t j0, int64_t count, double *row) {
    for (int64_t j = 0; j < count; j++)
      row[j] = transposeB ? b[(j0 + j) * k + p] : b[p * n + j0 + j];
  };
  problem.store = [=](int64_t i, int64_t j0, int64_t count, double *row) {
    std::copy_n(row, count, to + i * n + j0);
  };
  return gemm(c, problem);
}

} // namespace

/// Inputs Q, K, V, attn_mask, past_key, past_value, nonpad_kv_seqlen; results Y, present_key,
/// present_value, qk_matmul_output.
EvalResult evalAttention(EvalContext &c) {
  AttentionSetup s = TRY(attentionSetup(c));
  Bias bias = TRY(Bias::of(c, s));
  HeadView out = s.q;
  out.size = s.v.size;
  Tensor y = TRY(c.allocate(c.in(0).dtype, out.dims()));
  bool wantsScores = c.wantsResult(3);
  Tensor shown = TRY(c.doubles({wantsScores ? s.q.batch : 0, s.q.heads, s.q.length, s.total}));
  Tensor scores = TRY(c.doubles({s.q.length, s.total})),
         rows = TRY(c.doubles({s.q.length, out.size}));
  int64_t perHead = s.q.heads / s.k.heads;
  TRY(c.charge({s.q.batch, s.q.heads, scores.size(), 10}));
  for (int64_t b = 0; b < s.q.batch && s.q.length > 0; b++)
    for (int64_t h = 0; h < s.q.heads; h++) {
      int64_t kvHead = b * s.k.heads + h / perHead;
      int64_t rowStride = s.q.packed ? s.q.heads * s.q.size : s.q.size;
      TRY(multiply(c, s.q.length, s.total, s.q.size, f64(s.query) + s.q.offset(b, h, 0), rowStride,
                   f64(s.key) + kvHead * s.total * s.k.size, true, f64Out(scores)));
      for (int64_t i = 0; i < s.q.length; i++) {
        double *row = f64Out(scores) + i * s.total;
        for (int64_t j = 0; j < s.total; j++)
          row[j] = s.rounded(s.rounded(row[j]) * s.scale);
        attend(s, bias, b, h, i, row,
               wantsScores ? f64Out(shown) + ((b * s.q.heads + h) * s.q.length + i) * s.total
                           : nullptr);
      }
      TRY(multiply(c, s.q.length, out.size, s.total, f64(scores), s.total,
                   f64(s.value) + kvHead * s.total * out.size, false, f64Out(rows)));
      for (int64_t i = 0; i < s.q.length; i++)
        storeRow(y, out.offset(b, h, i), 1, out.size, f64(rows) + i * out.size);
    }
  Values results = {y, TRY(c.fromF64(s.key, c.in(1).dtype)),
                    TRY(c.fromF64(s.value, c.in(2).dtype))};
  if (wantsScores)
    results.emplace_back(TRY(c.fromF64(shown, c.in(0).dtype)));
  return results;
}

namespace {
/// Rotates pairs of the first `rotary` elements of one head vector.
void rotate(double *x, int64_t rotary, bool interleaved, const double *cosine, const double *sine) {
  int64_t half = rotary / 2;
  for (int64_t i = 0; i < half; i++) {
    double &re = x[interleaved ? 2 * i : i], &im = x[interleaved ? 2 * i + 1 : half + i];
    double rotated = cosine[i] * re - sine[i] * im;
    im = sine[i] * re + cosine[i] * im;
    re = rotated;
  }
}
} // namespace

/// Inputs X, cos_cache, sin_cache, position_ids. Without positions the caches are per batch and
/// position, else rows of a table.
EvalResult evalRotaryEmbedding(EvalContext &c) {
  HeadView view = TRY(headView(c, 0, c.intAttr("num_heads")));
  int64_t rotary = c.intAttr("rotary_embedding_dim");
  rotary = rotary ? rotary : view.size;
  TRY(c.require(rotary > 0 && rotary <= view.size && rotary % 2 == 0,
                "rotary_embedding_dim " + std::to_string(rotary) + " is out of range"));
  const Tensor &cosines = c.in(1), &sines = c.in(2);
  int64_t half = rotary / 2;
  bool byPosition = c.has(3);
  int64_t tableRows = byPosition && cosines.rank() > 0 ? cosines.dims[0] : 0;
  std::vector<int64_t> expected = byPosition ? std::vector<int64_t>{tableRows, half}
                                             : std::vector<int64_t>{view.batch, view.length, half};
  std::vector<int64_t> positions = {view.batch, view.length};
  TRY(c.require(cosines.dims == expected && sines.dims == expected &&
                    (!byPosition || c.in(3).dims == positions),
                "the caches " + dimsText(cosines.dims) + " and " + dimsText(sines.dims) +
                    " do not fit"));
  Tensor x = TRY(c.toF64(c.in(0))), cosTable = TRY(c.toF64(cosines)),
         sinTable = TRY(c.toF64(sines));
  Tensor y = TRY(c.allocate(c.in(0).dtype, c.in(0).dims)), buffer = TRY(c.doubles({view.size}));
  bool interleaved = c.intAttr("interleaved") != 0;
  for (int64_t b = 0; y.size() > 0 && b < view.batch; b++)
    for (int64_t s = 0; s < view.length; s++) {
      int64_t row = b * view.length + s;
      if (byPosition) {
        row = load<int64_t>(c.in(3), row);
        TRY(c.require(row >= 0 && row < tableRows,
                      "position " + std::to_string(row) + " is outside the cache"));
      }
      for (int64_t h = 0; h < view.heads; h++) {
        int64_t at = view.offset(b, h, s);
        std::copy_n(f64(x) + at, view.size, f64Out(buffer));
        rotate(f64Out(buffer), rotary, interleaved, f64(cosTable) + row * half,
               f64(sinTable) + row * half);
        storeRow(y, at, 1, view.size, f64(buffer));
      }
    }
  return one(y);
}

} // namespace cameo::eval
