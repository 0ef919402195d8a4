// Attribute dictionary and constant data access; see Attr.h.
#include "ir/Attr.h"

#include "ir/Storage.h"

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
  return withStorage(data.dtype, [&]<class T>() {
    return widen<int64_t>(readAs<T>(data.bytes.data() + i * sizeof(T)));
  });
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
