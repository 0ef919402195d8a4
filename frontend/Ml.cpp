// Operators of ai.onnx.ml on numbers, as converters of scikit-learn write them: scaling, encoding
// and linear models. Trees are in MlTrees.cpp.
#include "frontend/ExpandSteps.h"
#include "support/Text.h"

#include <cmath>

namespace cameo {
namespace {

/// Input 0 as f32, which results are in whatever it is.
Result<Value *> numbers(Upgrade &u) { return u.cast(TRY(u.required(0)), DType::F32); }

Result<void> scaler(Upgrade &u) {
  std::vector<double> offset = TRY(u.takeFloats("offset")), scale = TRY(u.takeFloats("scale"));
  if (offset.empty() || offset.size() != scale.size())
    return u.error("attributes 'offset' and 'scale': expected as many numbers, got " +
                   std::to_string(offset.size()) + " and " + std::to_string(scale.size()));
  Value *x = TRY(numbers(u));
  Value *centred = TRY(u.emit(OpKind::Sub, {x, floats(u, offset)}));
  Value *y = TRY(u.emit(OpKind::Mul, {centred, floats(u, scale)}));
  TRY(expectShapeOf(u, y, x));
  u.node.results = {y};
  return {};
}

/// Rows over their largest element, or their norm; a row for which that is 0 stays.
Result<void> normalizer(Upgrade &u) {
  std::string norm = TRY(u.takeString("norm", "MAX"));
  Value *x = TRY(numbers(u)), *axes = u.ints({-1}), *size = nullptr;
  if (const Type &type = TRY(u.ranked(0)); type.rank() != 1 && type.rank() != 2)
    return u.error("expected a row or rows, got " + type.str());
  if (norm != "MAX" && norm != "L1" && norm != "L2")
    return u.error("attribute 'norm': expected MAX, L1 or L2, got " + quote(norm));
  OpKind kind = norm == "MAX"  ? OpKind::ReduceMax
                : norm == "L1" ? OpKind::ReduceL1
                               : OpKind::ReduceL2;
  size = TRY(u.emit(kind, {x, axes}));
  Value *isZero = TRY(u.emit(OpKind::Equal, {size, u.scalar(DType::F32, 0)}));
  size = TRY(u.emit(OpKind::Where, {isZero, u.scalar(DType::F32, 1), size}));
  u.node.results = {TRY(u.emit(OpKind::Div, {x, size}))};
  return {};
}

Result<void> binarizer(Upgrade &u) {
  double threshold = TRY(u.takeFloat("threshold", 0));
  Value *x = TRY(u.required(0));
  DType dtype = TRY(u.ranked(0)).dtype();
  Value *above = TRY(u.emit(OpKind::Greater, {x, u.scalar(dtype, threshold)}));
  u.node.results = {TRY(u.cast(above, dtype))};
  return {};
}

/// Elements that are the replaced value, which may be NaN, as another, one for all or one a column.
Result<void> imputer(Upgrade &u) {
  Value *x = TRY(u.required(0)), *isReplaced = nullptr, *imputed = nullptr;
  DType dtype = TRY(u.ranked(0)).dtype();
  std::vector<double> reals = TRY(u.takeFloats("imputed_value_floats"));
  std::vector<int64_t> integers = TRY(u.takeInts("imputed_value_int64s"));
  double replaced = TRY(u.takeFloat("replaced_value_float", 0));
  int64_t replacedInteger = TRY(u.takeInt("replaced_value_int64", 0));
  if (isFloat(dtype)) {
    isReplaced = TRY(std::isnan(replaced) ? u.emit(OpKind::IsNaN, {x})
                                          : u.emit(OpKind::Equal, {x, u.scalar(dtype, replaced)}));
    imputed = floats(u, reals, dtype);
  } else {
    Value *value = TRY(u.emit(OpKind::Squeeze, {u.ints({replacedInteger})}));
    isReplaced = TRY(u.emit(OpKind::Equal, {x, TRY(u.cast(value, dtype))}));
    imputed = TRY(u.cast(u.ints(integers), dtype));
  }
  Value *y = TRY(u.emit(OpKind::Where, {isReplaced, imputed, x}));
  TRY(expectShapeOf(u, y, x));
  u.node.results = {y};
  return {};
}

/// Columns of x, of whatever type, by their numbers; a vector is one row.
Result<void> arrayFeatureExtractor(Upgrade &u) {
  Value *x = TRY(u.required(0)), *columns = TRY(u.required(1));
  if (TRY(u.ranked(0)).rank() == 1)
    x = TRY(u.emit(OpKind::Unsqueeze, {x, u.ints({0})}));
  columns = TRY(u.emit(OpKind::Reshape, {columns, u.ints({-1})}));
  u.node.results = {TRY(u.emit(OpKind::Gather, {x, columns}, attributes({{"axis", int64_t{-1}}})))};
  return {};
}

/// The keys or values of a LabelEncoder: attributes `keys_floats` and so on, those of numbers.
Result<Value *> takeLabels(Upgrade &u, const std::string &prefix) {
  std::string reals = prefix + "_floats", integers = prefix + "_int64s";
  if (u.node.attrs.has(reals))
    return floats(u, TRY(u.takeFloats(reals.c_str())));
  if (u.node.attrs.has(integers))
    return u.ints(TRY(u.takeInts(integers.c_str())));
  return u.unsupported("only " + prefix + " that are numbers are supported");
}

/// The value of the first key that each element equals, or the default.
Result<void> labelEncoder(Upgrade &u) {
  Value *keys = TRY(takeLabels(u, "keys")), *values = TRY(takeLabels(u, "values"));
  DType dtype = values->type.dtype();
  double real = TRY(u.takeFloat("default_float", -0.0));
  int64_t integer = TRY(u.takeInt("default_int64", -1));
  u.drop("default_string");
  if (!(keys->type == keys->type.withShape(values->type.shape())))
    return u.error("expected as many values as keys, got " + values->type.str() + " and " +
                   keys->type.str());
  Value *x = TRY(u.required(0));
  Value *otherwise =
      isFloat(dtype) ? u.scalar(dtype, real) : TRY(u.emit(OpKind::Squeeze, {u.ints({integer})}));
  Value *apart = TRY(u.emit(OpKind::Unsqueeze, {x, u.ints({-1})}));
  Value *same = TRY(u.emit(OpKind::Equal, {apart, keys}));
  Value *hits = TRY(u.cast(same, DType::I32));
  Value *first = TRY(u.emit(OpKind::ArgMax, {hits},
                            attributes({{"axis", int64_t{-1}}, {"keepdims", int64_t{0}}})));
  Value *any =
      TRY(u.emit(OpKind::ReduceMax, {hits, u.ints({-1})}, attributes({{"keepdims", int64_t{0}}})));
  Value *value = TRY(u.emit(OpKind::Gather, {values, first}));
  u.node.results = {TRY(u.emit(OpKind::Where, {TRY(u.cast(any, DType::Bool)), value, otherwise}))};
  return {};
}

/// x times the attribute `coefficients`, rows of which make one column each, plus `intercepts`.
Result<Value *> linear(Upgrade &u, int64_t columns) {
  std::vector<double> coefficients = TRY(u.takeFloats("coefficients")),
                      intercepts = TRY(u.takeFloats("intercepts"));
  int64_t count = std::ssize(coefficients);
  if (columns < 1 || count == 0 || count % columns ||
      (!intercepts.empty() && std::ssize(intercepts) != columns))
    return u.error("cannot make " + std::to_string(columns) + " rows of " + std::to_string(count) +
                   " coefficients and " + std::to_string(intercepts.size()) + " intercepts");
  Value *x = TRY(numbers(u));
  if (TRY(u.ranked(0)).rank() == 1)
    x = TRY(u.emit(OpKind::Unsqueeze, {x, u.ints({0})}));
  Value *rows =
      TRY(u.emit(OpKind::Reshape, {floats(u, coefficients), u.ints({columns, count / columns})}));
  std::vector<Value *> operands = {x, rows};
  if (!intercepts.empty())
    operands.push_back(floats(u, intercepts));
  return u.emit(OpKind::Gemm, std::move(operands), attributes({{"transB", int64_t{1}}}));
}

Result<void> linearRegressor(Upgrade &u) {
  int64_t targets = TRY(u.takeInt("targets", 1));
  std::string transform = TRY(u.takeString("post_transform", "NONE"));
  Value *scores = TRY(linear(u, targets));
  if (targets == 1 && transform != "NONE")
    return u.unsupported("attribute 'post_transform' of one target is not supported");
  u.node.results = {TRY(transformed(u, scores, transform))};
  return {};
}

Result<void> linearClassifier(Upgrade &u) {
  std::vector<int64_t> labels = TRY(takeClassLabels(u, "classlabels_ints"));
  std::string transform = TRY(u.takeString("post_transform", "NONE"));
  u.drop("multi_class");
  const Attr *intercepts = u.node.attrs.find("intercepts");
  const auto *given = intercepts ? std::get_if<std::vector<double>>(intercepts) : nullptr;
  int64_t columns = given ? std::ssize(*given) : std::ssize(labels);
  Value *scores = TRY(linear(u, columns));
  if (columns != 1)
    return classified(u, scores, labels, transform);
  return classifiedInTwo(u, scores, labels, transform, false, 0);
}

constexpr Expansion kExpansions[] = {
    {"ArrayFeatureExtractor", arrayFeatureExtractor, 2, true},
    {"Binarizer", binarizer, 1},
    {"Imputer", imputer, 1},
    {"LabelEncoder", labelEncoder, 1},
    {"LinearClassifier", linearClassifier, 1},
    {"LinearRegressor", linearRegressor, 1},
    {"Normalizer", normalizer, 1},
    {"Scaler", scaler, 1},
};

} // namespace

Result<std::vector<int64_t>> takeClassLabels(Upgrade &u, const char *name) {
  if (u.node.attrs.has("classlabels_strings") && !u.node.attrs.has(name))
    return u.unsupported("classes that are strings are not supported");
  u.drop("classlabels_strings");
  std::vector<int64_t> labels = TRY(u.takeInts(name));
  if (labels.empty())
    return u.error("attribute " + quote(name) + ": expected at least one class");
  return labels;
}

Result<Value *> transformed(Upgrade &u, Value *scores, const std::string &transform) {
  if (transform == "NONE")
    return scores;
  if (transform == "LOGISTIC")
    return u.emit(OpKind::Sigmoid, {scores});
  if (transform == "SOFTMAX")
    return u.emit(OpKind::Softmax, {scores}, attributes({{"axis", int64_t{-1}}}));
  return u.unsupported("attribute 'post_transform': " + quote(transform) + " is not supported");
}

Result<void> classified(Upgrade &u, Value *scores, const std::vector<int64_t> &labels,
                        const std::string &transform) {
  const Dim &columns = scores->type.shape().back();
  if (!(columns == Dim(std::ssize(labels))))
    return u.error("expected a class a score, got " + std::to_string(labels.size()) + " for " +
                   scores->type.str());
  Value *best = TRY(u.emit(OpKind::ArgMax, {scores},
                           attributes({{"axis", int64_t{-1}}, {"keepdims", int64_t{0}}})));
  u.node.results = {TRY(u.emit(OpKind::Gather, {u.ints(labels), best})),
                    TRY(transformed(u, scores, transform))};
  return {};
}

Result<void> classifiedInTwo(Upgrade &u, Value *score, const std::vector<int64_t> &labels,
                             const std::string &transform, bool mirrors, double threshold) {
  if (labels.size() != 2)
    return u.unsupported("one score for " + std::to_string(labels.size()) +
                         " classes is not supported");
  Value *isSecond = TRY(u.emit(OpKind::Greater, {score, u.scalar(DType::F32, threshold)}));
  Value *which = TRY(u.emit(OpKind::Squeeze, {TRY(u.cast(isSecond, DType::I64)), u.ints({1})}));
  Value *other = nullptr;
  if (transform == "LOGISTIC") {
    other = TRY(u.emit(OpKind::Sigmoid, {TRY(u.emit(OpKind::Neg, {score}))}));
    score = TRY(u.emit(OpKind::Sigmoid, {score}));
  } else if (transform == "NONE") {
    other = TRY(mirrors ? u.emit(OpKind::Neg, {score})
                        : u.emit(OpKind::Sub, {u.scalar(DType::F32, 1), score}));
  } else {
    return u.unsupported("attribute 'post_transform': " + quote(transform) +
                         " of one score is not supported");
  }
  u.node.results = {
      TRY(u.emit(OpKind::Gather, {u.ints(labels), which})),
      TRY(u.emit(OpKind::Concat, {other, score}, attributes({{"axis", int64_t{1}}})))};
  return {};
}

std::span<const Expansion> mlExpansions() { return kExpansions; }

} // namespace cameo
