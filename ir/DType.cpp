// Lookups over the element type table.
#include "ir/DType.h"

namespace cameo {
namespace {
struct Row {
  std::string_view name;
  int bits;
  int onnx;
};
constexpr Row kRows[] = {
#define CAMEO_DTYPE(kind, name, bits, onnx) {name, bits, onnx},
    CAMEO_DTYPES(CAMEO_DTYPE)
#undef CAMEO_DTYPE
};
const Row &row(DType type) { return kRows[static_cast<int>(type)]; }
} // namespace

std::string_view dtypeName(DType type) { return row(type).name; }
int dtypeToOnnx(DType type) { return row(type).onnx; }
int64_t dtypeBytes(DType type) { return row(type).bits / 8; }

std::optional<DType> dtypeFromName(std::string_view name) {
  for (size_t i = 0; i < std::size(kRows); i++)
    if (kRows[i].name == name)
      return static_cast<DType>(i);
  return std::nullopt;
}

std::optional<DType> dtypeFromOnnx(int64_t number) {
  for (size_t i = 0; i < std::size(kRows); i++)
    if (kRows[i].onnx == number)
      return static_cast<DType>(i);
  return std::nullopt;
}

bool isFloat(DType type) {
  return type == DType::F32 || type == DType::F64 || type == DType::F16 || type == DType::BF16;
}
bool isSignedInt(DType type) {
  return type == DType::I8 || type == DType::I16 || type == DType::I32 || type == DType::I64;
}
bool isUnsignedInt(DType type) {
  return type == DType::U8 || type == DType::U16 || type == DType::U32 || type == DType::U64;
}

} // namespace cameo
