// See Random.h.
#include "bench/Random.h"

#include "bench/HostTensor.h"
#include "ir/Half.h"
#include "ir/Result.h"

#include <algorithm>

namespace cameo {

namespace {

uint64_t mix(uint64_t z) {
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
  z = (z ^ z >> 27) * 0x94D049BB133111EB;
  return z ^ z >> 31;
}

} // namespace

uint64_t randomBits(uint64_t seed, uint64_t stream, uint64_t index) {
  constexpr uint64_t golden = 0x9E3779B97F4A7C15;
  return mix(mix(mix(seed + golden) + stream * golden) + (index + 1) * golden);
}

Tensor randomTensor(DType dtype, const std::vector<int64_t> &dims, uint64_t seed, uint64_t stream,
                    int64_t bound) {
  std::optional<int64_t> count = checkedNumElements(dims);
  ICE_UNLESS(count.has_value(), "a random tensor of an invalid shape");
  if (dtype == DType::String) {
    std::vector<std::string> strings;
    for (int64_t i = 0; i < *count; ++i)
      strings.push_back(std::string(
          1, static_cast<char>('a' + randomBits(seed, stream, static_cast<uint64_t>(i)) % 26)));
    return Tensor::ofStrings(dims, std::move(strings));
  }
  int64_t width = dtypeBytes(dtype);
  std::vector<std::byte> bytes(static_cast<size_t>(*count * width));
  bool narrow = dtype == DType::I8 || dtype == DType::U8;
  uint64_t limit = dtype == DType::Bool ? 2 : static_cast<uint64_t>(std::max<int64_t>(bound, 1));
  if (narrow)
    limit = std::min<uint64_t>(limit, dtype == DType::I8 ? 128 : 256);
  // Taking no more random bits than a float has digits keeps 1.0 out.
  int bits = dtypeSpec(dtype).digits;
  for (int64_t i = 0; i < *count; ++i) {
    uint64_t random = randomBits(seed, stream, static_cast<uint64_t>(i));
    double value = isFloat(dtype) ? static_cast<double>(random >> (64 - bits)) /
                                        static_cast<double>(1ULL << bits)
                                  : static_cast<double>(random % limit);
    storeDouble(dtype, bytes.data() + i * width, value);
  }
  return makeTensor(dtype, dims, std::move(bytes));
}

} // namespace cameo
