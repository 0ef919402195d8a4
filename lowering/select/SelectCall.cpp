// See SelectCall.h.
#include "lowering/select/SelectCall.h"

#include "ir/OpSpec.h"
#include "ir/eval/graph/Regex.h"
#include "lowering/build/Shapes.h"

#include <fmt/format.h>

namespace cameo {
namespace {

constexpr CallRow kRows[] = {
    {OpKind::NonZero, "cameo_kernel_non_zero"},
    {OpKind::Compress, "cameo_kernel_compress"},
    {OpKind::Unique, "cameo_kernel_unique"},
    {OpKind::NonMaxSuppression, "cameo_kernel_non_max_suppression"},
    {OpKind::SequenceEmpty, "cameo_kernel_sequence_empty"},
    {OpKind::SequenceConstruct, "cameo_kernel_sequence_construct"},
    {OpKind::SequenceAt, "cameo_kernel_sequence_at"},
    {OpKind::SequenceInsert, "cameo_kernel_sequence_insert"},
    {OpKind::SequenceErase, "cameo_kernel_sequence_erase"},
    {OpKind::SequenceLength, "cameo_kernel_sequence_length"},
    {OpKind::ConcatFromSequence, "cameo_kernel_concat_from_sequence"},
    {OpKind::SplitToSequence, "cameo_kernel_split_to_sequence"},
    {OpKind::Optional, "cameo_kernel_optional"},
    {OpKind::OptionalGetElement, "cameo_kernel_optional_get_element"},
    {OpKind::OptionalHasElement, "cameo_kernel_optional_has_element"},
    {OpKind::StringConcat, "cameo_kernel_string_concat"},
    {OpKind::StringSplit, "cameo_kernel_string_split"},
    {OpKind::StringNormalizer, "cameo_kernel_string_normalizer"},
    {OpKind::RegexFullMatch, "cameo_kernel_regex_full_match"},
    {OpKind::RandomNormal, "cameo_kernel_random"},
    {OpKind::RandomNormalLike, "cameo_kernel_random"},
    {OpKind::RandomUniform, "cameo_kernel_random"},
    {OpKind::RandomUniformLike, "cameo_kernel_random"},
    {OpKind::Bernoulli, "cameo_kernel_bernoulli"},
    {OpKind::Multinomial, "cameo_kernel_multinomial"},
    {OpKind::Custom, ""}, // which says itself
    {OpKind::Box, "cameo_kernel_identity"},
    {OpKind::Rank, "cameo_kernel_rank"},
};

/// Ops that compiled kernels do for tensors of numbers, and a function for everything else.
constexpr CallRow kBoxedRows[] = {
    {OpKind::Constant, "cameo_kernel_string_constant"},
    {OpKind::Identity, "cameo_kernel_identity"},
};

/// The same by what they read or lack.
constexpr CallRow kExpect = {OpKind::Expect, "cameo_kernel_expect"};
constexpr CallRow kSqueeze = {OpKind::Squeeze, "cameo_kernel_squeeze"};

/// Reductions over axes that only the run knows.
constexpr std::pair<OpKind, const char *> kReductions[] = {
    {OpKind::ReduceSum, "sum"},
    {OpKind::ReduceMean, "mean"},
    {OpKind::ReduceMax, "max"},
    {OpKind::ReduceMin, "min"},
    {OpKind::ReduceProd, "prod"},
    {OpKind::ReduceL1, "l1"},
    {OpKind::ReduceL2, "l2"},
    {OpKind::ReduceLogSum, "log_sum"},
    {OpKind::ReduceLogSumExp, "log_sum_exp"},
    {OpKind::ReduceSumSquare, "sum_square"},
};
constexpr CallRow kReduce = {OpKind::ReduceSum, "cameo_kernel_reduce"};

/// Determinants of more rows than are worth writing out, or of a number that only the run knows.
constexpr CallRow kDet = {OpKind::Det, "cameo_kernel_det"};

bool isSmallMatrix(const Type &type) {
  const Dim rows = type.isRanked() ? type.shape().back() : Dim::overflow();
  return rows.isConst() && rows.value() <= 4;
}

const char *reductionName(OpKind kind) {
  for (const auto &[reduction, name] : kReductions)
    if (reduction == kind)
      return name;
  return nullptr;
}

/// Those of the function that makes a constant of strings, which it gets with a zero behind each.
Result<AttrDict> stringsOf(const Selection &s) {
  const ConstData &value = *s.op.attrs.getConst("value");
  for (const std::string &text : value.strings)
    if (text.find('\0') != std::string::npos)
      return s.unsupportedBecause("a string with a zero byte in it is not supported");
  AttrDict attrs;
  attrs.set("value", value.strings);
  attrs.set("shape", *constantDims(s.out().shape()));
  return attrs;
}

/// Those of a function that draws random numbers: which, of what type, and the node's name.
AttrDict randomAttributes(const Selection &s) {
  AttrDict attrs = s.op.attrs;
  OpKind kind = s.op.kind();
  attrs.erase("dtype");
  attrs.set("to", int64_t(dtypeToOnnx(s.out().dtype())));
  attrs.set("name", s.op.loc.str());
  attrs.set("normal", int64_t(kind == OpKind::RandomNormal || kind == OpKind::RandomNormalLike));
  return attrs;
}

/// The attributes as the function gets them.
Result<AttrDict> attributesFor(const Selection &s, const CallRow &row) {
  AttrDict attrs = s.op.kind() == OpKind::Constant ? TRY(stringsOf(s))
                   : spec(s.op.kind()).isRandom()  ? randomAttributes(s)
                                                   : s.op.attrs;
  attrs.set("callee", std::string(row.callee));
  if (const char *reduction = reductionName(s.op.kind()))
    attrs.set("kind", std::string(reduction));
  if (s.op.kind() == OpKind::RegexFullMatch) {
    Result<eval::Regex> regex = eval::Regex::parse(attrs.getString("pattern"));
    if (!regex)
      return s.unsupportedBecause(regex.error().message);
    attrs.erase("pattern");
    attrs.set("code", regex->encoded());
  }
  if (s.op.kind() != OpKind::Custom)
    return attrs;
  AttrDict own;
  own.set("callee", s.op.attrs.getString("callee"));
  for (const auto &[name, value] : s.op.attrs)
    if (name.starts_with("attr."))
      own.set(name.substr(5), value);
  return own;
}

/// The result of a call that has made the same of the same operands, by a function without
/// attributes that is not the user's.
Value *madeBefore(const Selection &s, const CallRow &row) {
  if (s.op.kind() == OpKind::Custom || !s.op.attrs.empty() || s.op.numOperands() == 0 ||
      s.op.numResults() != 1)
    return nullptr;
  for (const Op *other : s.op.operand(0)->users())
    if (other->kind() == OpKind::KernelCall && other->block() == s.op.block() &&
        other->attrs.getString("callee") == row.callee && other->operands() == s.op.operands() &&
        other->result()->type == s.out())
      return other->result();
  return nullptr;
}

} // namespace

const CallRow *callFor(const Op &op) {
  for (const CallRow &row : kRows)
    if (row.kind == op.kind())
      return &row;
  for (const CallRow &row : kBoxedRows)
    if (row.kind == op.kind() && isBoxed(op.result()->type))
      return &row;
  if (op.kind() == OpKind::Expect && isBoxed(op.operand(0)->type))
    return &kExpect;
  if (op.kind() == OpKind::Squeeze && !op.operand(1) && isBoxed(op.result()->type))
    return &kSqueeze;
  if (reductionName(op.kind()) && op.operand(1) && !constantInts(op.operand(1)))
    return &kReduce;
  if (op.kind() == OpKind::Det && !isSmallMatrix(op.operand(0)->type))
    return &kDet;
  return nullptr;
}

Result<void> selectCall(Selection &s, const CallRow &row, std::vector<std::string> &bound) {
  if (Value *made = madeBefore(s, row)) {
    s.replaceWithValue(made);
    return {};
  }
  AttrDict attrs = TRY(attributesFor(s, row));
  std::vector<std::string> symbols;
  for (const std::unique_ptr<Value> &result : s.op.results()) {
    const Type &type = result->type;
    if (!type.isRanked())
      continue;
    for (const Dim &dim : type.shape()) {
      for (const std::string &symbol : missingSymbols(dim, bound)) {
        if (dim.symbolName() != symbol)
          return s.unsupportedBecause(
              fmt::format("the size {} is known only at run time", dim.str()));
        bound.push_back(symbol);
        symbols.push_back(symbol);
      }
    }
  }
  if (!symbols.empty())
    attrs.set("symbols", symbols);
  s.replaceWith(OpKind::KernelCall, s.op.operands(), std::move(attrs));
  return {};
}

} // namespace cameo
