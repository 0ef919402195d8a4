// Elements of each type as they lie in memory, and the three wide types that computations on them
// go through: double for floats, int64_t for signed and uint64_t for unsigned integers and bool.
// Storing rounds once or wraps.
#pragma once

#include "ir/DType.h"
#include "ir/Half.h"
#include "ir/Result.h"

#include <cstddef>
#include <cstring>
#include <limits>
#include <type_traits>

namespace cameo {

/// An element whose C type alone does not say which number it is.
template <DType kind, class T> struct Bits {
  T bits;
};
using F16Bits = Bits<DType::F16, uint16_t>;
using BF16Bits = Bits<DType::BF16, uint16_t>;
using BoolByte = Bits<DType::Bool, uint8_t>;

/// The C++ type of elements in memory, where `T` is their C type.
template <DType kind, class T>
using Stored = std::conditional_t<isStorageOnly(kind) || kind == DType::Bool, Bits<kind, T>, T>;

/// Calls f.template operator()<T>() with the type of elements in memory; not for strings.
template <class F> decltype(auto) withStorage(DType dtype, F &&f) {
  auto call = [&]<DType kind, class T>() -> decltype(f.template operator()<float>()) {
    if constexpr (kind == DType::String)
      ICE("a string has no storage type");
    else
      return f.template operator()<Stored<kind, T>>();
  };
  switch (dtype) {
#define DTYPE(kind, name, kindOf, bits, digits, work, number, onnx, numpy, storage)                \
  case DType::kind:                                                                                \
    return call.template operator()<DType::kind, storage>();
#include "ir/DType.def"
  }
  ICE("no element type");
}

/// Calls f.template operator()<W>() with the wide type of an element type.
template <class F> decltype(auto) withWide(DType dtype, F &&f) {
  if (isFloat(dtype))
    return f.template operator()<double>();
  if (isSignedInt(dtype))
    return f.template operator()<int64_t>();
  return f.template operator()<uint64_t>();
}

template <class T> T readAs(const std::byte *from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}
template <class T> void writeAs(std::byte *to, T value) { std::memcpy(to, &value, sizeof(T)); }

/// Float to integer as Cast defines it: truncated, saturated, NaN gives 0.
template <class T> T saturate(double value) {
  constexpr double kLow = static_cast<double>(std::numeric_limits<T>::min());
  constexpr T kHalf = std::numeric_limits<T>::max() / 2 + 1;
  constexpr double kPast = 2 * static_cast<double>(kHalf);
  if (value >= kPast)
    return std::numeric_limits<T>::max();
  if (value <= kLow)
    return std::numeric_limits<T>::min();
  return value == value ? static_cast<T>(value) : T{0};
}

template <class W, class T> W widen(T stored) {
  if constexpr (std::is_same_v<T, BoolByte>)
    return static_cast<W>(stored.bits != 0);
  else if constexpr (std::is_same_v<T, F16Bits>)
    return widen<W>(halfToFloat(stored.bits));
  else if constexpr (std::is_same_v<T, BF16Bits>)
    return widen<W>(bfloatToFloat(stored.bits));
  else if constexpr (std::is_floating_point_v<T> && std::is_integral_v<W>)
    return saturate<W>(stored);
  else
    return static_cast<W>(stored);
}

template <class T, class W> T narrow(W value) {
  if constexpr (std::is_same_v<T, BoolByte>)
    return BoolByte{value != 0};
  else if constexpr (std::is_same_v<T, F16Bits>)
    return F16Bits{doubleToHalf(static_cast<double>(value))};
  else if constexpr (std::is_same_v<T, BF16Bits>)
    return BF16Bits{doubleToBfloat(static_cast<double>(value))};
  else if constexpr (std::is_floating_point_v<W> && std::is_integral_v<T>)
    return saturate<T>(value);
  else
    return static_cast<T>(value);
}

} // namespace cameo
