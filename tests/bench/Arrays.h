// Short ways to make tensors in tests.
#pragma once

#include "bench/HostTensor.h"

#include "ir/Half.h"

namespace cameo {

inline Tensor tensorOf(DType dtype, std::vector<int64_t> dims, const std::vector<double> &values) {
  std::vector<std::byte> bytes(values.size() * static_cast<size_t>(dtypeBytes(dtype)));
  for (size_t i = 0; i < values.size(); ++i)
    storeDouble(dtype, bytes.data() + i * static_cast<size_t>(dtypeBytes(dtype)), values[i]);
  return makeTensor(dtype, std::move(dims), std::move(bytes));
}

inline Tensor floats(const std::vector<double> &values) {
  return tensorOf(DType::F32, {static_cast<int64_t>(values.size())}, values);
}

inline std::vector<double> valuesOf(const Tensor &tensor) {
  std::vector<double> values;
  for (int64_t i = 0; i < tensor.size(); ++i)
    values.push_back(loadDouble(tensor.dtype, tensor.data() + i * dtypeBytes(tensor.dtype)));
  return values;
}

} // namespace cameo
