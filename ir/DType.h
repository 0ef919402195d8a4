// Element types: one row each, from which names, sizes and the ONNX numbering follow.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace cameo {

// Kind, text name, bits, ONNX TensorProto.DataType
#define CAMEO_DTYPES(X)                                                                            \
  X(F32, "f32", 32, 1)                                                                             \
  X(U8, "u8", 8, 2)                                                                                \
  X(I8, "i8", 8, 3)                                                                                \
  X(U16, "u16", 16, 4)                                                                             \
  X(I16, "i16", 16, 5)                                                                             \
  X(I32, "i32", 32, 6)                                                                             \
  X(I64, "i64", 64, 7)                                                                             \
  X(String, "str", 0, 8)                                                                           \
  X(Bool, "bool", 8, 9)                                                                            \
  X(F16, "f16", 16, 10)                                                                            \
  X(F64, "f64", 64, 11)                                                                            \
  X(U32, "u32", 32, 12)                                                                            \
  X(U64, "u64", 64, 13)                                                                            \
  X(BF16, "bf16", 16, 16)

enum class DType : uint8_t {
#define CAMEO_DTYPE(kind, name, bits, onnx) kind,
  CAMEO_DTYPES(CAMEO_DTYPE)
#undef CAMEO_DTYPE
};

std::string_view dtypeName(DType type);
std::optional<DType> dtypeFromName(std::string_view name);
std::optional<DType> dtypeFromOnnx(int64_t number);
int dtypeToOnnx(DType type);
/// Bytes an element takes in memory; 0 for strings.
int64_t dtypeBytes(DType type);
bool isFloat(DType type);       // f16, bf16, f32, f64
bool isSignedInt(DType type);   // i8 .. i64
bool isUnsignedInt(DType type); // u8 .. u64, not bool
inline bool isInt(DType type) { return isSignedInt(type) || isUnsignedInt(type); }

} // namespace cameo
