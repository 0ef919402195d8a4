// See HostTensor.h.
#include "bench/HostTensor.h"

#include <fmt/format.h>

namespace cameo {

Tensor makeTensor(DType dtype, std::vector<int64_t> dims, std::vector<std::byte> bytes) {
  Tensor tensor;
  tensor.dtype = dtype;
  tensor.dims = std::move(dims);
  ICE_UNLESS(static_cast<int64_t>(bytes.size()) == tensor.numBytes(),
             "a tensor's bytes do not match its dims");
  if (bytes.empty())
    bytes.resize(1); // data() is never null
  auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  tensor.bytes = std::shared_ptr<const std::byte>(owner, owner->data());
  return tensor;
}

std::string describe(const RuntimeValue &value) {
  if (value.isNone())
    return "none";
  if (value.isTensor())
    return fmt::format("{}{}", dtypeName(value.tensor().dtype), dimsText(value.tensor().dims));
  return fmt::format("sequence of {} {}", value.sequence().items.size(),
                     dtypeName(value.sequence().dtype));
}

} // namespace cameo
