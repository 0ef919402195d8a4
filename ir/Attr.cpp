// Attribute dictionary and constant data access; see Attr.h.
#include "ir/Attr.h"

#include "ir/Half.h"
#include "ir/Result.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace cameo {

const Attr *AttrDict::find(std::string_view name) const {
  for (const auto &[key, value] : entries_)
    if (key == name)
      return &value;
  return nullptr;
}

void AttrDict::set(std::string name, Attr value) {
  for (auto &[key, old] : entries_)
    if (key == name) {
      old = std::move(value);
      return;
    }
  entries_.emplace_back(std::move(name), std::move(value));
}

void AttrDict::erase(std::string_view name) {
  std::erase_if(entries_, [&](const auto &entry) { return entry.first == name; });
}

namespace {
template <class T> T getOr(const AttrDict &dict, std::string_view name, T otherwise) {
  const Attr *attr = dict.find(name);
  if (!attr)
    return otherwise;
  const T *value = std::get_if<T>(attr);
  ICE_UNLESS(value, "attribute '" + std::string(name) + "' has another kind");
  return *value;
}

template <class T> T element(const ConstData &data, int64_t i) {
  T value;
  std::memcpy(&value, data.bytes.data() + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}
} // namespace

int64_t AttrDict::getInt(std::string_view name, int64_t otherwise) const {
  return getOr(*this, name, otherwise);
}
double AttrDict::getFloat(std::string_view name, double otherwise) const {
  return getOr(*this, name, otherwise);
}
std::string AttrDict::getString(std::string_view name, std::string otherwise) const {
  return getOr(*this, name, std::move(otherwise));
}
std::vector<int64_t> AttrDict::getInts(std::string_view name,
                                       std::vector<int64_t> otherwise) const {
  return getOr(*this, name, std::move(otherwise));
}
std::vector<double> AttrDict::getFloats(std::string_view name,
                                        std::vector<double> otherwise) const {
  return getOr(*this, name, std::move(otherwise));
}
Dims AttrDict::getDims(std::string_view name) const { return getOr(*this, name, Dims{}); }
ConstRef AttrDict::getConst(std::string_view name) const { return getOr(*this, name, ConstRef{}); }

int64_t ConstData::numElements() const {
  return dtype == DType::String ? static_cast<int64_t>(strings.size())
                                : static_cast<int64_t>(bytes.size()) / dtypeBytes(dtype);
}

ConstRef makeConst(DType dtype, std::vector<int64_t> dims, std::vector<std::byte> bytes,
                   std::string name) {
  auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  auto data = std::make_shared<ConstData>();
  data->dtype = dtype;
  data->dims = std::move(dims);
  data->bytes = *owner;
  data->owner = owner;
  data->name = std::move(name);
  return data;
}

ConstRef makeConst(const std::vector<int64_t> &values) {
  std::vector<std::byte> bytes(values.size() * sizeof(int64_t));
  if (!values.empty())
    std::memcpy(bytes.data(), values.data(), bytes.size());
  return makeConst(DType::I64, {static_cast<int64_t>(values.size())}, std::move(bytes));
}

ConstRef makeSplat(DType dtype, std::vector<int64_t> dims, double value) {
  std::optional<int64_t> count = checkedNumElements(dims);
  ICE_UNLESS(count, "splat of an impossible shape");
  std::byte one[8] = {};
  storeDouble(dtype, one, value);
  int64_t size = dtypeBytes(dtype);
  std::vector<std::byte> bytes(*count * size);
  for (int64_t i = 0; i < *count; i++)
    std::memcpy(bytes.data() + i * size, one, size);
  return makeConst(dtype, std::move(dims), std::move(bytes));
}

int64_t constInt(const ConstData &data, int64_t i) {
  switch (data.dtype) {
  case DType::U8:
  case DType::Bool:
    return element<uint8_t>(data, i);
  case DType::I8:
    return element<int8_t>(data, i);
  case DType::U16:
    return element<uint16_t>(data, i);
  case DType::I16:
    return element<int16_t>(data, i);
  case DType::U32:
    return element<uint32_t>(data, i);
  case DType::I32:
    return element<int32_t>(data, i);
  case DType::U64:
  case DType::I64:
    return element<int64_t>(data, i);
  default:
    break;
  }
  double value = std::trunc(constFloat(data, i));
  if (!(value > -9.2e18))
    return value != value ? 0 : INT64_MIN;
  return value < 9.2e18 ? static_cast<int64_t>(value) : INT64_MAX;
}

double constFloat(const ConstData &data, int64_t i) {
  return loadDouble(data.dtype, data.bytes.data() + i * dtypeBytes(data.dtype));
}

std::vector<int64_t> constInts(const ConstData &data) {
  std::vector<int64_t> values(data.numElements());
  for (size_t i = 0; i < values.size(); i++)
    values[i] = constInt(data, static_cast<int64_t>(i));
  return values;
}

} // namespace cameo
