// See Tensors.h.
#include "frontend/Tensors.h"

#include "support/Text.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace cameo {
namespace {

constexpr int kExternal = 1;               // TensorProto.DataLocation
constexpr int64_t kUint4 = 21, kInt4 = 22; // TensorProto.DataType

std::string onnxTypeName(int64_t number) {
  static const std::map<int64_t, const char *> names = {
      {14, "complex64"},  {15, "complex128"},     {17, "float8e4m3fn"}, {18, "float8e4m3fnuz"},
      {19, "float8e5m2"}, {20, "float8e5m2fnuz"}, {21, "uint4"},        {22, "int4"},
      {23, "float4e2m1"}, {24, "float8e8m0"},     {25, "uint2"},        {26, "int2"},
      {27, "float6e2m3"}, {28, "float6e3m2"}};
  auto found = names.find(number);
  return found == names.end() ? "number " + std::to_string(number) : found->second;
}

/// Appends the values of a typed field as elements of type T, low bits first.
template <class T, class Values> std::vector<std::byte> narrowed(const Values &values) {
  std::vector<std::byte> bytes(static_cast<size_t>(values.size()) * sizeof(T));
  std::byte *at = bytes.data();
  for (auto value : values) {
    T element = static_cast<T>(value);
    std::memcpy(at, &element, sizeof element);
    at += sizeof element;
  }
  return bytes;
}

/// The elements of the typed field that ONNX prescribes for the type: one of its own for the types
/// named here; else the bits of an element are in an int32 each.
std::vector<std::byte> typedField(const onnx::TensorProto &tensor, DType dtype) {
  switch (dtype) {
  case DType::F32:
    return narrowed<float>(tensor.float_data());
  case DType::F64:
    return narrowed<double>(tensor.double_data());
  case DType::I64:
    return narrowed<int64_t>(tensor.int64_data());
  case DType::U64:
    return narrowed<uint64_t>(tensor.uint64_data());
  case DType::U32:
    return narrowed<uint32_t>(tensor.uint64_data());
  case DType::String:
    ICE("typed field of strings");
  default:
    break;
  }
  switch (dtypeBytes(dtype)) {
  case 1:
    return narrowed<uint8_t>(tensor.int32_data());
  case 2:
    return narrowed<uint16_t>(tensor.int32_data());
  default:
    return narrowed<int32_t>(tensor.int32_data());
  }
}

Result<uint64_t> parseNumber(const std::string &text, const std::string &what) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > INT64_MAX)
    return badInput(what + ": " + quote(text) + " is not a byte count");
  return value;
}

Error wrongSize(const std::string &what, const std::vector<int64_t> &dims, int64_t expected,
                uint64_t got, const char *unit) {
  return badInput(what + ": shape " + shapeText(dims) + " needs " + std::to_string(expected) + " " +
                  unit + ", got " + std::to_string(got));
}

/// Bools of any non-zero byte become 1: later code relies on it.
void normalizeBools(ConstData &data) {
  bool clean = std::all_of(data.bytes.begin(), data.bytes.end(),
                           [](std::byte b) { return static_cast<uint8_t>(b) <= 1; });
  if (clean)
    return;
  auto owner = std::make_shared<std::vector<std::byte>>(data.bytes.begin(), data.bytes.end());
  for (std::byte &b : *owner)
    b = static_cast<std::byte>(b != std::byte{0});
  data.bytes = *owner;
  data.owner = owner;
}

} // namespace

std::string shapeText(const std::vector<int64_t> &dims) {
  std::string text;
  for (int64_t dim : dims)
    text += (text.empty() ? "" : ",") + std::to_string(dim);
  return "[" + text + "]";
}

bool isFourBits(int64_t number) { return number == kUint4 || number == kInt4; }

Result<DType> readDType(int64_t number, const std::string &what) {
  if (std::optional<DType> dtype = dtypeFromOnnx(number))
    return *dtype;
  if (number <= 0 || number > 28)
    return badInput(what + ": there is no element type with number " + std::to_string(number));
  return unsupported(what + ": element type " + onnxTypeName(number) + " is not supported");
}

Result<int64_t> countElements(const std::vector<int64_t> &dims, const std::string &what) {
  if (dims.size() > kMaxRank)
    return badInput(what + ": has " + std::to_string(dims.size()) + " dimensions, at most " +
                    std::to_string(kMaxRank) + " are possible");
  for (int64_t dim : dims)
    if (dim < 0)
      return badInput(what + ": shape " + shapeText(dims) + " has a negative dimension");
  std::optional<int64_t> count = checkedNumElements(dims);
  // Far beyond any memory, and leaves room for the element size.
  if (!count || *count > int64_t{1} << 48)
    return badInput(what + ": shape " + shapeText(dims) + " is too large");
  return *count;
}

TensorReader::TensorReader(const ModelFile &file)
    : file_(file),
      denseBytesLeft_((int64_t{128} << 20) + static_cast<int64_t>(file.mapping->bytes().size())) {}

Result<TensorReader::Bytes> TensorReader::external(const onnx::TensorProto &tensor, int64_t size,
                                                   const std::string &what) {
  std::string location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
  for (const onnx::StringStringEntryProto &entry : tensor.external_data()) {
    if (entry.key() == "location")
      location = entry.value();
    else if (entry.key() == "offset")
      offset = TRY(parseNumber(entry.value(), what + ": offset of external data"));
    else if (entry.key() == "length")
      length = TRY(parseNumber(entry.value(), what + ": length of external data"));
  }
  if (location.empty())
    return badInput(what + ": external data has no location");
  std::shared_ptr<const MappedFile> &mapped = externalFiles_[location];
  if (!mapped) {
    Result<std::shared_ptr<const MappedFile>> opened =
        MappedFile::openBeneath(file_.folder(), location);
    if (!opened)
      return badInput(what + ": " + opened.error().message);
    mapped = *opened;
  }
  if (length && *length != static_cast<uint64_t>(size))
    return wrongSize(what, {tensor.dims().begin(), tensor.dims().end()}, size, *length, "bytes");
  std::span<const std::byte> bytes = TRY(bytesOf(*mapped, offset, size, what + ": external data"));
  return Bytes{bytes, mapped};
}

/// The bytes of a tensor that is not of strings, `size` of them.
Result<TensorReader::Bytes> TensorReader::stored(const onnx::TensorProto &tensor, int64_t size,
                                                 const std::string &what) {
  if (tensor.data_location() == kExternal)
    return external(tensor, size, what);
  std::vector<int64_t> dims(tensor.dims().begin(), tensor.dims().end());
  if (tensor.has_raw_length()) {
    if (tensor.raw_length() != static_cast<uint64_t>(size))
      return wrongSize(what, dims, size, tensor.raw_length(), "bytes");
    return Bytes{TRY(bytesOf(*file_.mapping, tensor.raw_offset(), tensor.raw_length(), what)),
                 file_.mapping};
  }
  // Types that Cameo lacks are stored in bytes.
  DType dtype = dtypeFromOnnx(tensor.data_type()).value_or(DType::U8);
  auto owner = std::make_shared<const std::vector<std::byte>>(typedField(tensor, dtype));
  if (owner->size() != static_cast<size_t>(size))
    return wrongSize(what, dims, size / dtypeBytes(dtype), owner->size() / dtypeBytes(dtype),
                     "elements");
  return Bytes{*owner, owner};
}

Result<ConstRef> TensorReader::read(const onnx::TensorProto &tensor, const std::string &name) {
  ConstRef &cached = cache_[&tensor];
  if (!cached)
    cached = TRY(readUncached(tensor, name));
  return cached;
}

Result<ConstRef> TensorReader::readFourBits(const onnx::TensorProto &tensor,
                                            const std::string &name) {
  std::string what = "tensor " + quote(name);
  std::vector<int64_t> dims(tensor.dims().begin(), tensor.dims().end());
  int64_t count = TRY(countElements(dims, what));
  Bytes packed = TRY(stored(tensor, (count + 1) / 2, what));
  bool isSigned = tensor.data_type() == kInt4;
  std::vector<std::byte> bytes(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; i++) {
    int pair = std::to_integer<int>(packed.first[static_cast<size_t>(i / 2)]);
    int value = i % 2 ? pair >> 4 : pair & 15;
    bytes[static_cast<size_t>(i)] =
        static_cast<std::byte>(isSigned && value > 7 ? value - 16 : value);
  }
  return makeConst(isSigned ? DType::I8 : DType::U8, std::move(dims), std::move(bytes),
                   printable(name));
}

Result<ConstRef> TensorReader::readSparse(const onnx::SparseTensorProto &sparse,
                                          const std::string &name) {
  ConstRef &cached = cache_[&sparse];
  if (!cached)
    cached = TRY(readSparseUncached(sparse, name));
  return cached;
}

Result<ConstRef> TensorReader::readUncached(const onnx::TensorProto &tensor,
                                            const std::string &name) {
  std::string what = "tensor " + quote(name);
  auto data = std::make_shared<ConstData>();
  data->dtype = TRY(readDType(tensor.data_type(), what));
  data->dims.assign(tensor.dims().begin(), tensor.dims().end());
  data->name = printable(name);
  int64_t count = TRY(countElements(data->dims, what));
  if (data->dtype == DType::String) {
    if (tensor.string_data_size() != count)
      return wrongSize(what, data->dims, count, tensor.string_data_size(), "strings");
    data->strings.assign(tensor.string_data().begin(), tensor.string_data().end());
    return ConstRef(data);
  }
  std::tie(data->bytes, data->owner) = TRY(stored(tensor, count * dtypeBytes(data->dtype), what));
  if (data->dtype == DType::Bool)
    normalizeBools(*data);
  return ConstRef(data);
}

Result<ConstRef> TensorReader::readSparseUncached(const onnx::SparseTensorProto &sparse,
                                                  const std::string &name) {
  std::string what = "sparse tensor " + quote(name);
  ConstRef values = TRY(read(sparse.values(), name)), indices = TRY(read(sparse.indices(), name));
  std::vector<int64_t> dims(sparse.dims().begin(), sparse.dims().end());
  int64_t count = TRY(countElements(dims, what)), rank = static_cast<int64_t>(dims.size());
  int64_t nonZeros = values->numElements();
  if (values->dtype == DType::String)
    return unsupported(what + ": sparse tensors of strings are not supported");
  bool linear = indices->dims == std::vector<int64_t>{nonZeros};
  bool tuples = indices->dims == std::vector<int64_t>{nonZeros, rank};
  if (values->dims.size() != 1 || indices->dtype != DType::I64 || !(linear || tuples))
    return badInput(what + ": expected one index or " + std::to_string(rank) +
                    " coordinates a value, got values " + shapeText(values->dims) +
                    " and indices " + shapeText(indices->dims));
  int64_t size = dtypeBytes(values->dtype);
  if (count * size > denseBytesLeft_)
    return unsupported(what + ": shape " + shapeText(dims) + " is too large to be made dense");
  denseBytesLeft_ -= count * size;
  std::vector<std::byte> bytes(count * size);
  for (int64_t i = 0; i < nonZeros; i++) {
    int64_t at = linear ? constInt(*indices, i) : 0;
    bool inside = at >= 0 && at < count;
    for (int64_t k = 0; tuples && !linear && k < rank && inside; k++) {
      int64_t coordinate = constInt(*indices, i * rank + k);
      inside = coordinate >= 0 && coordinate < dims[k];
      at = at * dims[k] + coordinate;
    }
    if (!inside || at >= count)
      return badInput(what + ": index " + std::to_string(i) + " is outside shape " +
                      shapeText(dims));
    std::memcpy(bytes.data() + at * size, values->bytes.data() + i * size, size);
  }
  return makeConst(values->dtype, std::move(dims), std::move(bytes), printable(name));
}

} // namespace cameo
