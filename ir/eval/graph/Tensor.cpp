// Tensor storage; see Tensor.h.
#include "ir/eval/graph/Tensor.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

namespace cameo {

bool MemoryBudget::take(int64_t bytes) {
  if (bytes > limit_ - used_)
    return false;
  used_ += bytes;
  return true;
}

int64_t Tensor::size() const {
  int64_t count = 1;
  for (int64_t dim : dims)
    count *= dim;
  return count;
}

Tensor Tensor::withDims(std::vector<int64_t> newDims) const {
  Tensor copy = *this;
  copy.dims = std::move(newDims);
  return copy;
}

Result<Tensor> Tensor::allocate(const std::shared_ptr<MemoryBudget> &budget, DType dtype,
                                std::vector<int64_t> dims) {
  std::optional<int64_t> count = checkedNumElements(dims);
  int64_t elementBytes =
      dtype == DType::String ? static_cast<int64_t>(sizeof(std::string)) : dtypeBytes(dtype);
  int64_t size = 0;
  if (!count || __builtin_mul_overflow(*count, elementBytes, &size))
    return badInput("a tensor cannot have the shape " + dimsText(dims));
  // One byte for an empty tensor, so that data() is never null.
  size = std::max<int64_t>(size, 1);
  if (!budget->take(size))
    return badInput("a tensor of shape " + dimsText(dims) + " exceeds the memory budget of " +
                    std::to_string(budget->limit()) + " bytes");
  Tensor tensor;
  tensor.dtype = dtype;
  tensor.dims = std::move(dims);
  if (dtype == DType::String) {
    tensor.strings = std::shared_ptr<std::vector<std::string>>(
        new std::vector<std::string>(*count), [budget, size](std::vector<std::string> *strings) {
          delete strings;
          budget->give(size);
        });
    return tensor;
  }
  void *memory = std::calloc(static_cast<size_t>(size), 1);
  if (!memory) {
    budget->give(size);
    return badInput("out of memory for a tensor of shape " + dimsText(tensor.dims));
  }
  tensor.bytes = std::shared_ptr<const std::byte>(static_cast<const std::byte *>(memory),
                                                  [budget, size](const std::byte *from) {
                                                    std::free(const_cast<std::byte *>(from));
                                                    budget->give(size);
                                                  });
  return tensor;
}

Result<Tensor> Tensor::view(const ConstRef &data) {
  std::optional<int64_t> count = checkedNumElements(data->dims);
  if (!count || *count != data->numElements())
    return badInput("constant '" + data->name + "' of shape " + dimsText(data->dims) + " holds " +
                    std::to_string(data->numElements()) + " elements");
  Tensor tensor;
  tensor.dtype = data->dtype;
  tensor.dims = data->dims;
  if (data->dtype == DType::String)
    tensor.strings = std::shared_ptr<const std::vector<std::string>>(data, &data->strings);
  else
    tensor.bytes = std::shared_ptr<const std::byte>(data, data->bytes.data());
  return tensor;
}

Tensor Tensor::ofStrings(std::vector<int64_t> dims, std::vector<std::string> strings) {
  Tensor tensor;
  tensor.dtype = DType::String;
  tensor.dims = std::move(dims);
  tensor.strings = std::make_shared<const std::vector<std::string>>(std::move(strings));
  return tensor;
}

std::string dimsText(const std::vector<int64_t> &dims) {
  std::string text = "[";
  for (size_t i = 0; i < dims.size(); i++)
    text += (i ? "," : "") + std::to_string(dims[i]);
  return text + "]";
}

} // namespace cameo
