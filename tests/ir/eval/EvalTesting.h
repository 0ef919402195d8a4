// One-op graphs from literal tensors, for tests of the interpreter.
#pragma once

#include "ir/Builder.h"
#include "ir/Half.h"
#include "ir/eval/graph/Interpreter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace cameo::test {

inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInf = std::numeric_limits<double>::infinity();

inline ConstRef data(DType dtype, std::vector<int64_t> dims, const std::vector<double> &values) {
  std::vector<std::byte> bytes(values.size() * dtypeBytes(dtype));
  for (size_t i = 0; i < values.size(); i++)
    storeDouble(dtype, bytes.data() + i * dtypeBytes(dtype), values[i]);
  return makeConst(dtype, std::move(dims), std::move(bytes));
}
inline ConstRef f32(std::vector<int64_t> dims, const std::vector<double> &values) {
  return data(DType::F32, std::move(dims), values);
}
inline ConstRef i64(std::vector<int64_t> dims, const std::vector<int64_t> &values) {
  std::vector<std::byte> bytes(values.size() * 8);
  if (!values.empty())
    std::memcpy(bytes.data(), values.data(), bytes.size());
  return makeConst(DType::I64, std::move(dims), std::move(bytes));
}
inline ConstRef list(const std::vector<int64_t> &values) {
  return i64({static_cast<int64_t>(values.size())}, values);
}

/// Numbers in [-1, 1), the same every time.
inline ConstRef noise(std::vector<int64_t> dims, uint32_t seed = 1) {
  std::vector<double> values(checkedNumElements(dims).value());
  for (double &value : values) {
    seed = seed * 1664525 + 1013904223;
    value = static_cast<double>(seed >> 8) / 8388608 - 1;
  }
  return f32(std::move(dims), values);
}

inline AttrDict attrs(const std::vector<std::pair<std::string, Attr>> &entries) {
  AttrDict dict;
  for (const auto &[name, value] : entries)
    dict.set(name, value);
  return dict;
}
inline Attr ints(std::vector<int64_t> values) { return values; }
inline Attr text(const char *value) { return std::string(value); }

/// Evaluates one op on tensors whose dims its operands' types leave open, as evaluators must cope
/// with sizes that only run time knows. nullptr is an absent input.
inline Result<std::vector<Tensor>> run(OpKind kind, const std::vector<ConstRef> &inputs,
                                       AttrDict attributes = {}, int64_t results = 1,
                                       const EvalOptions &options = {}) {
  Module module;
  Func *func = module.addFunc("main");
  Builder builder(module, func->body);
  builder.loc.nodes = {"the_node"};
  std::vector<Value *> operands;
  std::vector<RuntimeValue> values;
  for (const ConstRef &input : inputs) {
    operands.push_back(nullptr);
    values.emplace_back();
    if (!input)
      continue;
    Dims dims;
    for (size_t i = 0; i < input->dims.size(); i++)
      dims.push_back(Dim::symbol(module.freshSymbol("d")));
    operands.back() = func->body.addArg(Type::tensor(input->dtype, dims));
    values.back() = RuntimeValue(TRY(Tensor::view(input)));
  }
  Op *op = TRY(builder.graph(kind, operands, std::move(attributes), results));
  return evalOp(*op, values, options);
}

inline std::vector<double> numbers(const Tensor &tensor) {
  std::vector<double> values;
  for (int64_t i = 0; i < tensor.size(); i++)
    values.push_back(loadDouble(tensor.dtype, tensor.data() + i * dtypeBytes(tensor.dtype)));
  return values;
}
inline std::vector<double> numbers(const ConstRef &constant) {
  std::vector<double> values;
  for (int64_t i = 0; i < constant->numElements(); i++)
    values.push_back(constFloat(*constant, i));
  return values;
}

inline void expectTensor(const Result<std::vector<Tensor>> &got, size_t result,
                         const std::vector<int64_t> &dims, const std::vector<double> &values,
                         double tolerance = 0) {
  ASSERT_TRUE(got) << got.error().message;
  const Tensor &tensor = (*got)[result];
  EXPECT_EQ(tensor.dims, dims);
  std::vector<double> actual = numbers(tensor);
  ASSERT_EQ(actual.size(), values.size());
  for (size_t i = 0; i < values.size(); i++) {
    if (std::isnan(values[i])) {
      EXPECT_TRUE(std::isnan(actual[i])) << "element " << i << " is " << actual[i];
    } else if (values[i] != actual[i]) {
      EXPECT_NEAR(actual[i], values[i], tolerance) << "element " << i;
    }
  }
}

/// An error that is the user's, names the node and contains `part`.
inline void expectError(const Result<std::vector<Tensor>> &got, const std::string &part) {
  ASSERT_FALSE(got);
  EXPECT_NE(got.error().message.find("the_node"), std::string::npos) << got.error().message;
  EXPECT_NE(got.error().message.find(part), std::string::npos) << got.error().message;
}

} // namespace cameo::test
