// Rules of matrix products.
#include "ir/infer/Checks.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

namespace cameo {
namespace {

/// numpy.matmul: leading dims broadcast, a vector is a row on the left and a column on the right.
Result<Dims> matMulShape(const InferContext &ctx, int64_t left, int64_t right) {
  TRY(expectRank(ctx, left, 1, -1));
  TRY(expectRank(ctx, right, 1, -1));
  Dims a = ctx.in(left).shape(), b = ctx.in(right).shape();
  bool row = a.size() == 1, column = b.size() == 1;
  const Dim &k = column ? b[0] : b[b.size() - 2];
  TRY(expectDim(ctx, left, static_cast<int64_t>(a.size()) - 1, k,
                "the depth of " + ctx.name(right)));
  Dims leadA(a.begin(), a.end() - (row ? 1 : 2)), leadB(b.begin(), b.end() - (column ? 1 : 2));
  Dims shape = TRY(broadcastWith(ctx, leadA, right, leadB, "the batch of " + ctx.name(left)));
  if (!row)
    shape.push_back(a[a.size() - 2]);
  if (!column)
    shape.push_back(b.back());
  return shape;
}

/// The zero point or scale in operand i is one number, or one a row (a column) of matrix `of`; with
/// the rank of the matrix, it may have batches, too.
Result<void> expectPerLine(const InferContext &ctx, int64_t i, int64_t of, bool areRows) {
  if (!ctx.has(i))
    return {};
  const Type &matrix = ctx.in(of);
  int64_t rank = matrix.rank();
  Dims lines{Dim(1)}; // of a vector
  if (rank > 1 && ctx.in(i).rank() <= 1) {
    lines = {matrix.dim(rank - (areRows ? 2 : 1))};
  } else if (rank > 1) {
    lines = matrix.shape();
    lines[rank - (areRows ? 1 : 2)] = Dim(1);
  }
  return expectBroadcastTo(ctx, i, lines,
                           (areRows ? "the rows of " : "the columns of ") + ctx.name(of));
}

} // namespace

Result<void> inferMatMul(InferContext &ctx) {
  ctx.outShape(0, TRY(matMulShape(ctx, 0, 1)));
  return {};
}

Result<void> inferMatMulInteger(InferContext &ctx) {
  TRY(inferMatMul(ctx));
  TRY(expectPerLine(ctx, 2, 0, true));
  return expectPerLine(ctx, 3, 1, false);
}

Result<void> inferQLinearMatMul(InferContext &ctx) {
  ctx.outShape(0, TRY(matMulShape(ctx, 0, 3)));
  for (int64_t i : {1, 2})
    TRY(expectPerLine(ctx, i, 0, true));
  for (int64_t i : {4, 5})
    TRY(expectPerLine(ctx, i, 3, false));
  for (int64_t i : {6, 7})
    TRY(expectScalar(ctx, i));
  return {};
}

Result<void> inferGemm(InferContext &ctx) {
  TRY(expectRank(ctx, 0, 2));
  TRY(expectRank(ctx, 1, 2));
  int64_t transA = ctx.op.attrs.getInt("transA") != 0, transB = ctx.op.attrs.getInt("transB") != 0;
  TRY(expectDim(ctx, 1, transB, ctx.in(0).dim(1 - transA), "the depth of " + ctx.name(0)));
  Dims shape{ctx.in(0).dim(transA), ctx.in(1).dim(1 - transB)};
  if (ctx.has(2))
    TRY(expectBroadcastTo(ctx, 2, shape, "the product of " + ctx.name(0) + " and " + ctx.name(1)));
  ctx.outShape(0, shape);
  return {};
}

namespace {

/// The parts of an einsum equation: letters of each term, '.' standing for an ellipsis.
struct Equation {
  std::vector<std::string> inputs;
  std::optional<std::string> output;
};

Result<std::string> parseTerm(const InferContext &ctx, std::string_view text) {
  std::string term;
  for (size_t i = 0; i < text.size(); i++) {
    char c = text[i];
    if (c == ' ')
      continue;
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    bool ellipsis = text.substr(i, 3) == "..." && term.find('.') == std::string::npos;
    if (!letter && !ellipsis)
      return ctx.error("equation: expected letters and at most one '...' a term, got '" +
                       std::string(text.substr(0, 64)) + "'");
    term += c;
    i += ellipsis ? 2 : 0;
  }
  return term;
}

Result<Equation> parseEquation(const InferContext &ctx) {
  std::string text = ctx.op.attrs.getString("equation");
  Equation equation;
  size_t arrow = text.find("->");
  std::string_view left = std::string_view(text).substr(0, arrow);
  if (arrow != std::string::npos)
    equation.output = TRY(parseTerm(ctx, std::string_view(text).substr(arrow + 2)));
  for (size_t begin = 0; begin <= left.size();) {
    size_t end = std::min(left.find(',', begin), left.size());
    equation.inputs.push_back(TRY(parseTerm(ctx, left.substr(begin, end - begin))));
    begin = end + 1;
  }
  if (static_cast<int64_t>(equation.inputs.size()) != ctx.op.numOperands())
    return ctx.error("equation: expected " + std::to_string(ctx.op.numOperands()) +
                     " terms, one an input, got " + std::to_string(equation.inputs.size()));
  return equation;
}

/// Letters used once, in alphabetical order, after the ellipsis (numpy's implicit output).
std::string implicitOutput(const Equation &equation) {
  std::map<char, int> uses;
  for (const std::string &term : equation.inputs)
    for (char c : term)
      uses[c]++;
  std::string output = uses.contains('.') ? "." : "";
  for (auto [letter, count] : uses)
    if (letter != '.' && count == 1)
      output += letter;
  return output;
}

} // namespace

Result<void> inferEinsum(InferContext &ctx) {
  Equation equation = TRY(parseEquation(ctx));
  std::map<char, Dim> sizes;
  Dims ellipsis;
  for (int64_t i = 0; i < ctx.op.numOperands(); i++) {
    const std::string &term = equation.inputs[i];
    bool dots = term.find('.') != std::string::npos;
    int64_t letters = static_cast<int64_t>(term.size()) - dots,
            covered = ctx.in(i).rank() - letters;
    TRY(expectRank(ctx, i, letters, dots ? -1 : letters));
    int64_t axis = 0;
    std::map<char, int64_t> axes;
    for (char c : term) {
      if (c == '.') {
        const Dims &shape = ctx.in(i).shape();
        ellipsis = TRY(broadcastWith(ctx, ellipsis, i,
                                     Dims(shape.begin() + axis, shape.begin() + axis + covered),
                                     "the dims of '...' in the inputs before"));
        axis += covered;
        continue;
      }
      if (auto own = axes.try_emplace(c, axis).first; own->second != axis)
        TRY(expectDim(ctx, i, axis, ctx.in(i).dim(own->second),
                      fmt::format("the size of '{}' in the same input", c)));
      auto [known, isNew] = sizes.try_emplace(c, ctx.in(i).dim(axis));
      known->second = TRY(broadcastWith(ctx, {known->second}, i, {ctx.in(i).dim(axis)},
                                        fmt::format("the size of '{}' in the inputs before", c)))
                          .front();
      axis++;
    }
  }
  Dims shape;
  std::set<char> seen;
  for (char c : equation.output.value_or(implicitOutput(equation))) {
    if (!seen.insert(c).second || (c != '.' && !sizes.contains(c)))
      return ctx.error(fmt::format(
          "equation: output letter '{}' must be in an input, and once in the output", c));
    if (c == '.')
      shape.insert(shape.end(), ellipsis.begin(), ellipsis.end());
    else
      shape.push_back(sizes.at(c));
  }
  ctx.outShape(0, shape);
  return {};
}

/// The determinants of square matrices: their two dims go.
Result<void> inferDet(InferContext &ctx) {
  TRY(expectRank(ctx, 0, 2, -1));
  int64_t rank = ctx.in(0).rank();
  TRY(expectDim(ctx, 0, rank - 1, ctx.in(0).dim(rank - 2), "the matrix must be square"));
  Dims shape = ctx.in(0).shape();
  shape.resize(rank - 2);
  ctx.outShape(0, shape);
  return {};
}

} // namespace cameo
