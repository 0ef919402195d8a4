// Attributes of ops, and constant data.
#pragma once

#include "ir/DType.h"
#include "ir/Dim.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace cameo {

/// Bytes of a constant tensor, by reference: usually a window into the mapped model file, which
/// `owner` keeps alive. Never copied; passes share it. Elements are row-major, little endian,
/// densely packed (bool is one byte). Strings have `strings` instead of bytes.
struct ConstData {
  DType dtype = DType::F32;
  std::vector<int64_t> dims;
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
  std::vector<std::string> strings;
  /// The user's name for it; used in messages and in printed IR.
  std::string name;

  int64_t numElements() const;
};
using ConstRef = std::shared_ptr<const ConstData>;

/// Makes constant data that owns its bytes.
ConstRef makeConst(DType dtype, std::vector<int64_t> dims, std::vector<std::byte> bytes,
                   std::string name = "");
/// A rank-1 int64 constant.
ConstRef makeConst(const std::vector<int64_t> &values);
/// A constant of one repeated value, given as double and converted to dtype.
ConstRef makeSplat(DType dtype, std::vector<int64_t> dims, double value);
/// Element i as int64 or double, whatever the type (halves are widened, floats truncated for Int).
int64_t constInt(const ConstData &data, int64_t i);
double constFloat(const ConstData &data, int64_t i);
/// All elements as int64.
std::vector<int64_t> constInts(const ConstData &data);

using Attr = std::variant<int64_t, double, std::string, std::vector<int64_t>, std::vector<double>,
                          std::vector<std::string>, DType, Dims, ConstRef>;

/// A small dictionary in insertion order of names.
class AttrDict {
public:
  const Attr *find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  void set(std::string name, Attr value);
  void erase(std::string_view name);
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }
  bool empty() const { return entries_.empty(); }

  /// The attribute, or `otherwise` when it is not there. Types were checked by the verifier.
  int64_t getInt(std::string_view name, int64_t otherwise = 0) const;
  double getFloat(std::string_view name, double otherwise = 0) const;
  std::string getString(std::string_view name, std::string otherwise = "") const;
  std::vector<int64_t> getInts(std::string_view name, std::vector<int64_t> otherwise = {}) const;
  Dims getDims(std::string_view name) const;
  /// nullptr when absent.
  ConstRef getConst(std::string_view name) const;

private:
  std::vector<std::pair<std::string, Attr>> entries_;
};

} // namespace cameo
