// Einsum and Det. Einsum sums the product of all operands over the labels that the output lacks, by
// a walk over all labels; no reordering of contractions.
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/EvalContext.h"

#include <algorithm>
#include <map>

namespace cameo::eval {
namespace {

/// Labels of one term. Dims under an ellipsis are labelled '0', '1' ... from the right, as they
/// broadcast.
Result<std::string> labelsOf(EvalContext &c, const std::string &term, int64_t rank) {
  std::string labels;
  size_t dots = term.find("...");
  int64_t named = static_cast<int64_t>(term.size()) - (dots == std::string::npos ? 0 : 3);
  int64_t hidden = rank - named;
  TRY(c.require(hidden >= 0 && hidden <= 10 && (hidden == 0 || dots != std::string::npos),
                "term '" + term + "' does not fit rank " + std::to_string(rank)));
  for (size_t i = 0; i < term.size(); i++) {
    if (i == dots) {
      for (int64_t k = hidden; k-- > 0;)
        labels += static_cast<char>('0' + k);
      i += 2;
      continue;
    }
    TRY(c.require(std::isalpha(static_cast<unsigned char>(term[i])) != 0,
                  "equation has an unexpected '" + term.substr(i, 1) + "'"));
    labels += term[i];
  }
  return labels;
}

struct Equation {
  std::vector<std::string> inputs;
  std::string output;
};

/// The equation without an arrow: labels that occur once, in order of their codes, after the
/// ellipsis.
std::string impliedOutput(const Equation &equation) {
  std::map<char, int64_t> counts;
  for (const std::string &labels : equation.inputs)
    for (char label : labels)
      counts[label]++;
  std::string hidden, named;
  for (const auto &[label, count] : counts)
    if (std::isdigit(static_cast<unsigned char>(label)))
      hidden.insert(hidden.begin(), label);
    else if (count == 1)
      named += label;
  return hidden + named;
}

Result<Equation> parseEquation(EvalContext &c) {
  std::string text = c.stringAttr("equation");
  std::erase(text, ' ');
  size_t arrow = text.find("->");
  std::string left = text.substr(0, arrow);
  Equation equation;
  int64_t deepest = 0;
  for (size_t begin = 0; begin <= left.size();) {
    size_t end = std::min(left.find(',', begin), left.size());
    int64_t i = static_cast<int64_t>(equation.inputs.size());
    TRY(c.require(i < c.numInputs(), "the equation has more terms than there are inputs"));
    std::string labels = TRY(labelsOf(c, left.substr(begin, end - begin), c.in(i).rank()));
    for (char label : labels)
      if (std::isdigit(static_cast<unsigned char>(label)))
        deepest = std::max<int64_t>(deepest, label - '0' + 1);
    equation.inputs.push_back(labels);
    begin = end + 1;
  }
  TRY(c.require(static_cast<int64_t>(equation.inputs.size()) == c.numInputs(),
                "the equation has fewer terms than there are inputs"));
  if (arrow == std::string::npos) {
    equation.output = impliedOutput(equation);
    return equation;
  }
  std::string right = text.substr(arrow + 2);
  bool ellipsis = right.find("...") != std::string::npos;
  int64_t named = static_cast<int64_t>(right.size()) - (ellipsis ? 3 : 0);
  equation.output = TRY(labelsOf(c, right, named + (ellipsis ? deepest : 0)));
  return equation;
}

/// Sizes of all labels, the output's first, and the strides of each operand over them.
struct EinsumSpace {
  std::vector<int64_t> dims, outDims;
  std::vector<std::vector<int64_t>> strides; // of the output, then of each input
};

Result<EinsumSpace> einsumSpace(EvalContext &c, const Equation &equation) {
  std::map<char, int64_t> sizes;
  for (int64_t i = 0; i < c.numInputs(); i++)
    for (size_t d = 0; d < equation.inputs[i].size(); d++) {
      int64_t size = c.in(i).dims[d];
      size_t first = equation.inputs[i].find(equation.inputs[i][d]);
      TRY(c.require(size == c.in(i).dims[first], "a diagonal of shape " + dimsText(c.in(i).dims)));
      int64_t &known = sizes.try_emplace(equation.inputs[i][d], size).first->second;
      TRY(c.require(known == size || known == 1 || size == 1,
                    "label '" + equation.inputs[i].substr(d, 1) + "' has sizes " +
                        std::to_string(known) + " and " + std::to_string(size)));
      known = known == 1 ? size : known;
    }
  std::string order = equation.output;
  for (char label : order)
    TRY(c.require(sizes.count(label) && std::count(order.begin(), order.end(), label) == 1,
                  "output label '" + std::string(1, label) + "' is unknown or repeated"));
  for (const auto &[label, size] : sizes)
    if (order.find(label) == std::string::npos)
      order += label;
  EinsumSpace space;
  for (char label : order)
    space.dims.push_back(sizes[label]);
  space.outDims.assign(space.dims.begin(),
                       space.dims.begin() + static_cast<int64_t>(equation.output.size()));
  space.strides.push_back(rowMajor(space.outDims));
  space.strides.back().resize(order.size(), 0);
  for (int64_t i = 0; i < c.numInputs(); i++) {
    std::vector<int64_t> own = rowMajor(c.in(i).dims), &strides = space.strides.emplace_back();
    strides.resize(order.size(), 0);
    // A repeated label walks the diagonal.
    for (size_t d = 0; d < own.size(); d++)
      if (c.in(i).dims[d] != 1)
        strides[order.find(equation.inputs[i][d])] += own[d];
  }
  return space;
}

template <class W> EvalResult contract(EvalContext &c, const EinsumSpace &space) {
  constexpr bool kReal = std::is_same_v<W, double>;
  std::vector<Tensor> inputs;
  for (int64_t i = 0; i < c.numInputs(); i++)
    inputs.push_back(kReal ? TRY(c.toF64(c.in(i))) : TRY(c.toI64(c.in(i))));
  Tensor sums = kReal ? TRY(c.doubles(space.outDims)) : TRY(c.ints(space.outDims));
  for (RowWalk walk(space.dims, space.strides); !walk.done(); walk.next())
    for (int64_t k = 0; k < walk.rowLength(); k++) {
      W term = 1;
      for (size_t i = 0; i < inputs.size(); i++) {
        int64_t operand = static_cast<int64_t>(i) + 1;
        term *= reinterpret_cast<const W *>(
            inputs[i].data())[walk.offset(operand) + k * walk.rowStride(operand)];
      }
      reinterpret_cast<W *>(sums.writable())[walk.offset(0) + k * walk.rowStride(0)] += term;
    }
  return one(kReal ? TRY(c.fromF64(sums, c.in(0).dtype)) : TRY(c.fromI64(sums, c.in(0).dtype)));
}

} // namespace

EvalResult evalEinsum(EvalContext &c) {
  TRY(c.require(c.numInputs() > 0, "expected one input or more"));
  Equation equation = TRY(parseEquation(c));
  EinsumSpace space = TRY(einsumSpace(c, equation));
  int64_t work = c.numInputs();
  for (int64_t dim : space.dims)
    if (__builtin_mul_overflow(work, std::max<int64_t>(dim, 1), &work))
      work = INT64_MAX;
  TRY(c.charge(work));
  // Unsigned, so that integers wrap.
  return isFloat(c.in(0).dtype) ? contract<double>(c, space) : contract<uint64_t>(c, space);
}

namespace {
/// Gaussian elimination with partial pivoting, in place.
double determinant(double *a, int64_t n) {
  double result = 1;
  for (int64_t k = 0; k < n; k++) {
    int64_t pivot = k;
    for (int64_t i = k + 1; i < n; i++)
      if (std::fabs(a[i * n + k]) > std::fabs(a[pivot * n + k]))
        pivot = i;
    double top = a[pivot * n + k];
    if (top == 0)
      return 0;
    if (pivot != k) {
      std::swap_ranges(a + k * n, a + (k + 1) * n, a + pivot * n);
      result = -result;
    }
    result *= top;
    for (int64_t i = k + 1; i < n; i++) {
      double factor = a[i * n + k] / top;
      for (int64_t j = k; j < n; j++)
        a[i * n + j] -= factor * a[k * n + j];
    }
  }
  return result;
}
} // namespace

EvalResult evalDet(EvalContext &c) {
  TRY(c.requireMinRank(0, 2));
  const Tensor &x = c.in(0);
  int64_t n = x.dims.back();
  TRY(c.require(x.dims[x.rank() - 2] == n, "expected square matrices, got " + dimsText(x.dims)));
  Tensor y = TRY(c.allocate(x.dtype, {x.dims.begin(), x.dims.end() - 2}));
  Tensor matrix = TRY(c.doubles({n, n}));
  TRY(c.charge({y.size(), n, n, n}));
  for (int64_t i = 0; i < y.size(); i++) {
    loadRow(x, i * n * n, 1, n * n, f64Out(matrix));
    store(y, i, determinant(f64Out(matrix), n));
  }
  return one(y);
}

} // namespace cameo::eval
