// Einsum as sums, matrix products and views. Operands are taken in from the left: labels that no
// later operand and not the result has are summed away, by a product where both sides have them.
#include "lowering/select/Select.h"

#include "ir/infer/Infer.h"
#include "lowering/build/Shapes.h"

#include <algorithm>
#include <map>

namespace cameo {
namespace {

/// A value with a label a dim, all different. Dims under an ellipsis are '0', '1' ... from the
/// right.
struct Term {
  std::string labels;
  Value *value;
};

bool has(const std::string &labels, char label) { return labels.find(label) != std::string::npos; }

struct Einsum {
  Selection &s;
  LoopBuilder &b;
  std::vector<Term> terms;
  std::string output;
  std::map<char, Dim> sizes;

  explicit Einsum(Selection &s) : s(s), b(s.b) {}

  std::optional<std::string> labelsOf(const std::string &term, int64_t hidden) const;
  bool parse();
  bool collectSizes();
  Term diagonal(Term term);
  Term withoutOnes(Term term);
  Result<Term> summed(Term term, const std::string &kept);
  Term permuted(Term term, const std::string &order);
  Value *grouped(const Term &term, const std::vector<std::string> &groups, bool merge);
  Term product(Term x, Term y, const std::string &kept, DType dtype);
  Result<Value *> result();
};

/// The labels of a term of an equation, the ellipsis standing for `hidden` dims.
std::optional<std::string> Einsum::labelsOf(const std::string &term, int64_t hidden) const {
  std::string labels;
  size_t dots = term.find("...");
  if (hidden < 0 || hidden > 9 || (hidden > 0 && dots == std::string::npos))
    return std::nullopt;
  for (size_t i = 0; i < term.size(); i++) {
    if (i == dots) {
      for (int64_t k = hidden; k-- > 0;)
        labels += static_cast<char>('0' + k);
      i += 2;
    } else if (std::isalpha(static_cast<unsigned char>(term[i]))) {
      labels += term[i];
    } else {
      return std::nullopt;
    }
  }
  return labels;
}

int64_t namedLabels(const std::string &term) {
  return static_cast<int64_t>(term.size()) - (term.find("...") == std::string::npos ? 0 : 3);
}

/// Reads the equation; whether it is one.
bool Einsum::parse() {
  std::string text = s.op.attrs.getString("equation");
  std::erase(text, ' ');
  size_t arrow = text.find("->");
  std::string left = text.substr(0, arrow);
  int64_t deepest = 0;
  std::map<char, int64_t> counts;
  for (size_t begin = 0; begin <= left.size();) {
    size_t end = std::min(left.find(',', begin), left.size());
    int64_t i = static_cast<int64_t>(terms.size());
    if (i >= s.op.numOperands())
      return false;
    std::string term = left.substr(begin, end - begin);
    int64_t hidden = s.in(i).rank() - namedLabels(term);
    std::optional<std::string> labels = labelsOf(term, hidden);
    if (!labels)
      return false;
    deepest = std::max(deepest, hidden);
    for (char label : *labels)
      counts[label]++;
    terms.push_back({*labels, s.op.operand(i)});
    begin = end + 1;
  }
  if (static_cast<int64_t>(terms.size()) != s.op.numOperands())
    return false;
  if (arrow != std::string::npos) {
    std::string right = text.substr(arrow + 2);
    std::optional<std::string> labels =
        labelsOf(right, right.find("...") == std::string::npos ? 0 : deepest);
    output = labels.value_or("");
    return labels.has_value();
  }
  // Labels that occur once, in order of their codes, after the ellipsis.
  for (int64_t k = deepest; k-- > 0;)
    output += static_cast<char>('0' + k);
  for (const auto &[label, count] : counts)
    if (count == 1 && std::isalpha(static_cast<unsigned char>(label)))
      output += label;
  return true;
}

/// Finds each label's size. False if dims of a label differ, unless one is 1, or if a label of the
/// result is in no term.
bool Einsum::collectSizes() {
  for (const Term &term : terms)
    for (size_t i = 0; i < term.labels.size(); i++) {
      const Dim &size = term.value->type.dim(static_cast<int64_t>(i));
      Dim &known = sizes.try_emplace(term.labels[i], size).first->second;
      std::optional<Dim> both = broadcastDim(known, size);
      if (!both)
        return false;
      known = *both;
    }
  return std::all_of(output.begin(), output.end(), [&](char label) {
    return sizes.count(label) && std::count(output.begin(), output.end(), label) == 1;
  });
}

/// Labels that a term has twice stand for the diagonal.
Term Einsum::diagonal(Term term) {
  std::string once;
  Dims shape;
  for (char label : term.labels)
    if (!has(once, label)) {
      once += label;
      shape.push_back(sizes.at(label));
    }
  if (once.size() == term.labels.size())
    return term;
  Type from = term.value->type;
  term.value =
      generated(s, {term.value}, from.withShape(shape),
                [&](LoopBuilder &, const std::vector<Value *> &index) {
                  std::vector<Value *> at;
                  for (size_t i = 0; i < term.labels.size(); i++) {
                    const Dim &own = from.dim(static_cast<int64_t>(i)),
                              &whole = sizes.at(term.labels[i]);
                    Value *position = index[once.find(term.labels[i])];
                    at.push_back(own == Dim(1) ? b.index(0) : indexWithin(b, position, whole, own));
                  }
                  return elementAt(b, from, 0, at);
                });
  term.labels = once;
  return term;
}

/// Drops dims of 1 whose label is larger elsewhere: they broadcast, as do dims that may turn out to
/// be 1.
Term Einsum::withoutOnes(Term term) {
  std::string labels;
  Dims shape, whole;
  for (size_t i = 0; i < term.labels.size(); i++) {
    const Dim &own = term.value->type.dim(static_cast<int64_t>(i)),
              &size = sizes.at(term.labels[i]);
    if (own == Dim(1) && !(size == Dim(1)))
      continue;
    labels += term.labels[i];
    shape.push_back(own);
    whole.push_back(size);
  }
  return {labels, broadcastView(b, reshapeView(b, term.value, shape), whole)};
}

/// Sums away what is not kept.
Result<Term> Einsum::summed(Term term, const std::string &kept) {
  std::vector<int64_t> axes;
  std::string labels;
  for (size_t i = 0; i < term.labels.size(); i++)
    if (has(kept, term.labels[i]))
      labels += term.labels[i];
    else
      axes.push_back(static_cast<int64_t>(i));
  if (axes.empty())
    return term;
  AttrDict attrs;
  attrs.set("keepdims", int64_t(0));
  Value *list = b.Builder::constant(makeConst(axes));
  return Term{labels, TRY(lowered(s, OpKind::ReduceSum, {term.value, list}, std::move(attrs)))};
}

Term Einsum::permuted(Term term, const std::string &order) {
  std::vector<int64_t> perm;
  for (char label : order)
    perm.push_back(static_cast<int64_t>(term.labels.find(label)));
  return {order, transposeView(b, term.value, perm)};
}

/// The term's dims in the order of the groups; with `merge`, the last two groups are a dim each.
Value *Einsum::grouped(const Term &term, const std::vector<std::string> &groups, bool merge) {
  std::string order = groups[0] + groups[1] + groups[2];
  Value *x = permuted(term, order).value;
  if (!merge)
    return x;
  const Dims &all = x->type.shape();
  Dims shape(all.begin(), all.begin() + static_cast<int64_t>(groups[0].size()));
  size_t at = groups[0].size();
  for (const std::string &group : {groups[1], groups[2]}) {
    Dim size(1);
    for (size_t i = 0; i < group.size(); i++)
      size = size * all[at++];
    shape.push_back(size);
  }
  return reshapeView(b, x, shape);
}

/// The product of two terms, summed over the labels of both that are not kept.
Term Einsum::product(Term x, Term y, const std::string &kept, DType dtype) {
  std::string batch, inner, onlyX, onlyY;
  for (char label : x.labels)
    (!has(y.labels, label) ? onlyX : has(kept, label) ? batch : inner) += label;
  for (char label : y.labels)
    if (!has(x.labels, label))
      onlyY += label;
  std::string labels = batch + onlyX + onlyY;
  Dims shape;
  for (char label : labels)
    shape.push_back(sizes.at(label));
  if (!inner.empty()) {
    Value *result = matrixProduct(s, grouped(x, {batch, onlyX, inner}, true),
                                  grouped(y, {batch, inner, onlyY}, true), dtype);
    return {labels, reshapeView(b, result, shape)};
  }
  Value *left = grouped(x, {batch, onlyX, ""}, false);
  Dims spread = left->type.shape();
  spread.resize(labels.size(), Dim(1));
  left = reshapeView(b, left, spread);
  Value *right = grouped(y, {batch, onlyY, ""}, false);
  spread = right->type.shape();
  spread.insert(spread.begin() + static_cast<int64_t>(batch.size()), onlyX.size(), Dim(1));
  right = reshapeView(b, right, spread);
  Value *result = pointwise(s, {left, right}, Type::tensor(dtype, shape),
                            [&](LoopBuilder &, const std::vector<Value *> &e) {
                              return b.mul(widened(b, e[0]), widened(b, e[1]));
                            });
  return {labels, result};
}

Result<Value *> Einsum::result() {
  DType dtype = s.out().dtype();
  DType between = workType(dtype);
  auto widenedTerm = [&](Term term) {
    if (isStorageOnly(dtype))
      term.value = pointwise(s, {term.value}, term.value->type.withDType(between),
                             [](LoopBuilder &, const std::vector<Value *> &x) { return x[0]; });
    return withoutOnes(diagonal(term));
  };
  std::optional<Term> all;
  for (size_t i = 0; i < terms.size(); i++) {
    // Two halves are multiplied as they are; sums and longer products go through f32.
    Term term = terms.size() == 2 ? withoutOnes(diagonal(terms[i])) : widenedTerm(terms[i]);
    std::string kept = output;
    for (size_t j = i + 1; j < terms.size(); j++)
      kept += terms[j].labels;
    term = TRY(summed(term, all ? kept + all->labels : kept));
    if (all) {
      Term before = TRY(summed(*all, kept + term.labels));
      term = product(before, term, kept, i + 1 == terms.size() ? dtype : between);
    }
    all = term;
  }
  Term last = permuted(TRY(summed(*all, output)), output);
  Value *value = last.value;
  if (value->type.dtype() != dtype)
    value = pointwise(s, {value}, value->type.withDType(dtype),
                      [](LoopBuilder &, const std::vector<Value *> &x) { return x[0]; });
  return reshapeView(b, value, s.out().shape());
}

} // namespace

Result<void> selectEinsum(Selection &s) {
  Einsum einsum(s);
  if (!einsum.parse() || !einsum.collectSizes())
    return s.unsupportedBecause("this equation does not fit its operands");
  Value *result = TRY(einsum.result());
  // An equation that changes nothing must not rename an input.
  if (result == s.op.operand(0))
    s.op.result()->replaceAllUsesWith(result);
  else
    s.replaceWithValue(result);
  return {};
}

} // namespace cameo
