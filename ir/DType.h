// Element types, from the rows of DType.def. What a row says is asked here and said nowhere else;
// conversions between types in memory are in Storage.h.
#pragma once

#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

namespace cameo {

enum class DType : uint8_t {
#define DTYPE(kind, ...) kind,
#include "ir/DType.def"
};

enum class DTypeClass : uint8_t { Float, Signed, Unsigned, Bool, Text };

struct DTypeSpec {
  DType kind;
  std::string_view name;
  DTypeClass kindOf;
  int bits; // 0 for strings
  int digits;
  DType work;
  int number;
  std::string_view onnx;
  std::string_view numpy;
  std::string_view storage;
};

/// All types, in the order of DType.
inline constexpr DTypeSpec kDTypes[] = {
#define DTYPE(kind, name, kindOf, bits, digits, work, number, onnx, numpy, storage)                \
  {DType::kind, name, DTypeClass::kindOf, bits, digits, DType::work, number, onnx, numpy, #storage},
#include "ir/DType.def"
};

constexpr const DTypeSpec &dtypeSpec(DType type) { return kDTypes[static_cast<size_t>(type)]; }

constexpr std::string_view dtypeName(DType type) { return dtypeSpec(type).name; }
std::optional<DType> dtypeFromName(std::string_view name);
std::optional<DType> dtypeFromOnnx(int64_t number);
/// By the descriptor of NumPy files without byte order, such as `f4`.
std::optional<DType> dtypeFromNumpy(std::string_view descriptor);
/// The type of NumPy arrays that hold such elements: another one where NumPy has no such type.
inline DType numpyType(DType type) { return dtypeFromNumpy(dtypeSpec(type).numpy).value_or(type); }
constexpr int dtypeToOnnx(DType type) { return dtypeSpec(type).number; }
/// Bytes an element takes in memory; 0 for strings.
constexpr int64_t dtypeBytes(DType type) { return dtypeSpec(type).bits / 8; }

constexpr bool isFloat(DType type) { return dtypeSpec(type).kindOf == DTypeClass::Float; }
constexpr bool isSignedInt(DType type) { return dtypeSpec(type).kindOf == DTypeClass::Signed; }
/// Not bool.
constexpr bool isUnsignedInt(DType type) { return dtypeSpec(type).kindOf == DTypeClass::Unsigned; }
constexpr bool isInt(DType type) { return isSignedInt(type) || isUnsignedInt(type); }
/// The type that arithmetic on elements is done in.
constexpr DType workType(DType type) { return dtypeSpec(type).work; }
/// Whether elements are only stored in this type, and computed in a wider one.
constexpr bool isStorageOnly(DType type) { return workType(type) != type; }

} // namespace cameo
