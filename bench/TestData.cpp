// See TestData.h. A message is read as a sequence of fields; unknown ones are skipped as protobuf
// asks for.
#include "bench/TestData.h"

#include "bench/HostTensor.h"

#include <cstring>
#include <filesystem>
#include <fmt/format.h>

namespace cameo {

namespace {

/// Nesting of sequences and optionals: the type system of ONNX allows more, no file has it.
constexpr int maxDepth = 8;
constexpr size_t maxRank = 64;

enum WireType { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };
// Field numbers.
enum TensorField {
  Dims = 1,
  DataType = 2,
  FloatData = 4,
  Int32Data = 5,
  StringData = 6,
  Int64Data = 7,
  RawData = 9,
  DoubleData = 10,
  Uint64Data = 11,
  DataLocation = 14
};
// SequenceProto and OptionalProto number their fields alike.
enum ContainerField { ElementKind = 2, TensorValue = 3, SequenceValue = 5, OptionalValue = 7 };
enum Element { Undefined = 0, OfTensor = 1, OfSequence = 3, OfOptional = 5 };

struct Field {
  uint64_t number = 0;
  int wire = 0;
  uint64_t value = 0;              // of Varint, Fixed32, Fixed64
  std::span<const std::byte> data; // of Bytes
};

/// Takes fields off the front of a message.
class Reader {
public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}
  bool atEnd() const { return bytes_.empty(); }

  /// False at malformed bytes.
  bool next(Field &field) {
    uint64_t tag = 0;
    if (!varint(tag))
      return false;
    field.number = tag >> 3;
    field.wire = static_cast<int>(tag & 7);
    switch (field.wire) {
    case Varint:
      return varint(field.value);
    case Fixed64:
      return fixed(field.value, 8);
    case Fixed32:
      return fixed(field.value, 4);
    case Bytes: {
      uint64_t size = 0;
      if (!varint(size) || size > bytes_.size())
        return false;
      field.data = bytes_.first(size);
      bytes_ = bytes_.subspan(size);
      return true;
    }
    default:
      return false;
    }
  }
  bool varint(uint64_t &value) {
    value = 0;
    for (int shift = 0; shift < 64 && !bytes_.empty(); shift += 7) {
      uint64_t byte = static_cast<uint64_t>(bytes_.front());
      bytes_ = bytes_.subspan(1);
      value |= (byte & 127) << shift;
      if (byte < 128)
        return true;
    }
    return false;
  }
  bool fixed(uint64_t &value, size_t width) {
    value = 0;
    if (bytes_.size() < width)
      return false;
    std::memcpy(&value, bytes_.data(), width);
    bytes_ = bytes_.subspan(width);
    return true;
  }

private:
  std::span<const std::byte> bytes_;
};

/// Appends a repeated number, packed or single.
bool readNumbers(const Field &field, int wire, std::vector<uint64_t> &out) {
  if (field.wire == wire) {
    out.push_back(field.value);
    return true;
  }
  if (field.wire != Bytes)
    return false;
  Reader reader(field.data);
  while (!reader.atEnd()) {
    uint64_t value = 0;
    if (!(wire == Varint ? reader.varint(value) : reader.fixed(value, wire == Fixed32 ? 4 : 8)))
      return false;
    out.push_back(value);
  }
  return true;
}

struct TensorParts {
  std::vector<uint64_t> dims, numbers;
  uint64_t type = 0, location = 0;
  std::vector<std::string> strings;
  std::span<const std::byte> raw;
  bool hasRaw = false;
};

bool readTensorField(const Field &field, TensorParts &parts) {
  switch (field.number) {
  case Dims:
    return readNumbers(field, Varint, parts.dims);
  case DataType:
    parts.type = field.value;
    return field.wire == Varint;
  case FloatData:
    return readNumbers(field, Fixed32, parts.numbers);
  case Int32Data:
  case Int64Data:
  case Uint64Data:
    return readNumbers(field, Varint, parts.numbers);
  case DoubleData:
    return readNumbers(field, Fixed64, parts.numbers);
  case StringData:
    parts.strings.emplace_back(reinterpret_cast<const char *>(field.data.data()),
                               field.data.size());
    return field.wire == Bytes;
  case RawData:
    parts.raw = field.data;
    parts.hasRaw = true;
    return field.wire == Bytes;
  case DataLocation:
    parts.location = field.value;
    return field.wire == Varint;
  default:
    return true;
  }
}

Error malformed(const std::string &name) {
  return badInput(fmt::format("{}: not ONNX test data of the expected kind", name));
}

Result<RuntimeValue> readTensor(std::span<const std::byte> bytes, const std::string &name) {
  TensorParts parts;
  Reader reader(bytes);
  while (!reader.atEnd()) {
    Field field;
    if (!reader.next(field) || !readTensorField(field, parts))
      return malformed(name);
  }
  std::optional<DType> dtype = dtypeFromOnnx(static_cast<int64_t>(parts.type));
  if (!dtype && parts.type == 0)
    return malformed(name);
  if (!dtype)
    return unsupported(
        fmt::format("{}: element type number {} is not supported", name, parts.type));
  if (parts.location != 0)
    return badInput(fmt::format("{}: data outside the file is not supported", name));
  std::vector<int64_t> dims(parts.dims.begin(), parts.dims.end());
  std::optional<int64_t> count = checkedNumElements(dims);
  if (!count || dims.size() > maxRank)
    return badInput(fmt::format("{}: {} is not a shape", name, dimsText(dims)));

  int64_t width = dtypeBytes(*dtype), have = 0;
  if (*dtype == DType::String)
    have = static_cast<int64_t>(parts.strings.size());
  else if (parts.hasRaw)
    have = static_cast<int64_t>(parts.raw.size()) / width;
  else
    have = static_cast<int64_t>(parts.numbers.size());
  if (have != *count || (parts.hasRaw && static_cast<int64_t>(parts.raw.size()) % width != 0))
    return badInput(
        fmt::format("{}: expected {} elements of {}, got {}", name, *count, dimsText(dims), have));
  if (*dtype == DType::String)
    return RuntimeValue(Tensor::ofStrings(std::move(dims), std::move(parts.strings)));
  std::vector<std::byte> elements(parts.raw.begin(), parts.raw.end());
  // Typed fields hold an element each, whose low bytes are the element's (little endian).
  for (uint64_t number : parts.numbers) {
    size_t at = elements.size();
    elements.resize(at + static_cast<size_t>(width));
    std::memcpy(elements.data() + at, &number, static_cast<size_t>(width));
  }
  return RuntimeValue(makeTensor(*dtype, std::move(dims), std::move(elements)));
}

Result<RuntimeValue> readContainer(std::span<const std::byte> bytes, bool optional,
                                   const std::string &name, int depth) {
  if (depth > maxDepth)
    return badInput(fmt::format("{}: nested more than {} deep", name, maxDepth));
  std::vector<RuntimeValue> items;
  Reader reader(bytes);
  uint64_t element = Undefined;
  while (!reader.atEnd()) {
    Field field;
    if (!reader.next(field))
      return malformed(name);
    if (field.number == ElementKind)
      element = field.value;
    else if (field.wire == Bytes && field.number == TensorValue)
      items.push_back(TRY(readTensor(field.data, name)));
    else if (field.wire == Bytes && field.number == SequenceValue)
      items.push_back(TRY(readContainer(field.data, false, name, depth + 1)));
    else if (field.wire == Bytes && field.number == OptionalValue)
      items.push_back(TRY(readContainer(field.data, true, name, depth + 1)));
    else if (field.number != 1)
      return unsupported(fmt::format("{}: sparse tensors and maps are not supported", name));
  }
  if (optional)
    return items.empty() || element == Undefined ? RuntimeValue() : items.front();
  auto sequence = std::make_shared<Sequence>();
  sequence->items = std::move(items);
  if (!sequence->items.empty() && sequence->items.front().isTensor())
    sequence->dtype = sequence->items.front().tensor().dtype;
  return RuntimeValue(std::shared_ptr<const Sequence>(std::move(sequence)));
}

void putVarint(std::string &out, uint64_t value) {
  for (; value >= 128; value >>= 7)
    out.push_back(static_cast<char>(value | 128));
  out.push_back(static_cast<char>(value));
}

void putNumber(std::string &out, uint64_t field, uint64_t value) {
  putVarint(out, field << 3 | Varint);
  putVarint(out, value);
}

void putBytes(std::string &out, uint64_t field, std::string_view bytes) {
  putVarint(out, field << 3 | Bytes);
  putVarint(out, bytes.size());
  out += bytes;
}

std::string formatTensor(const Tensor &tensor) {
  std::string out;
  for (int64_t dim : tensor.dims)
    putNumber(out, Dims, static_cast<uint64_t>(dim));
  putNumber(out, DataType, static_cast<uint64_t>(dtypeToOnnx(tensor.dtype)));
  if (tensor.dtype == DType::String)
    for (const std::string &text : *tensor.strings)
      putBytes(out, StringData, text);
  else
    putBytes(
        out, RawData,
        {reinterpret_cast<const char *>(tensor.data()), static_cast<size_t>(tensor.numBytes())});
  return out;
}

} // namespace

DataKind dataKindOf(const Type &type) {
  if (type.kind() == Type::Kind::Sequence)
    return DataKind::Sequence;
  return type.kind() == Type::Kind::Optional ? DataKind::Optional : DataKind::Tensor;
}

Result<RuntimeValue> parseTestData(std::span<const std::byte> file, DataKind kind,
                                   const std::string &name) {
  if (kind == DataKind::Tensor)
    return readTensor(file, name);
  return readContainer(file, kind == DataKind::Optional, name, 0);
}

std::string formatTestData(const RuntimeValue &value, DataKind kind) {
  std::string out;
  if (kind == DataKind::Optional) {
    bool sequence = value.isSequence();
    if (value.isNone()) {
      putNumber(out, ElementKind, Undefined);
    } else {
      putNumber(out, ElementKind, sequence ? OfSequence : OfTensor);
      putBytes(out, sequence ? SequenceValue : TensorValue,
               formatTestData(value, sequence ? DataKind::Sequence : DataKind::Tensor));
    }
    return out;
  }
  if (value.isTensor())
    return formatTensor(value.tensor());
  if (value.isNone())
    return out;
  const std::vector<RuntimeValue> &items = value.sequence().items;
  bool nested = !items.empty() && items.front().isSequence();
  putNumber(out, ElementKind, nested ? OfSequence : OfTensor);
  for (const RuntimeValue &item : items)
    putBytes(out, nested ? SequenceValue : TensorValue,
             formatTestData(item, nested ? DataKind::Sequence : DataKind::Tensor));
  return out;
}

Result<std::vector<std::optional<RuntimeValue>>> readTestData(const std::string &folder,
                                                              const std::string &prefix,
                                                              const std::vector<DataKind> &kinds) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder, ignored))
    return badInput(fmt::format("{}: no such folder", folder));
  std::vector<std::optional<RuntimeValue>> values(kinds.size());
  for (size_t i = 0; i <= kinds.size(); ++i) {
    std::string path = fmt::format("{}/{}_{}.pb", folder, prefix, i);
    if (!std::filesystem::exists(path, ignored))
      continue;
    if (i == kinds.size())
      return badInput(fmt::format("{}: the model has only {} {}s", path, kinds.size(), prefix));
    std::vector<std::byte> bytes = TRY(readFile(path));
    values[i] = TRY(parseTestData(bytes, kinds[i], path));
  }
  return values;
}

} // namespace cameo
