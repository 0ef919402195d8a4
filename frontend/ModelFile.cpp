// Reduction and parsing of a model file; see ModelFile.h. The reduction walks the wire format
// (protobuf.dev/programming-guides/encoding) with a table of the fields that onnx.proto declares:
// fields outside the table are dropped, messages are descended into, raw_data becomes an offset and
// a length. Every message and string is counted, because two bytes of file can become hundreds of
// bytes of objects.
#include "frontend/ModelFile.h"

#include "frontend/FileKind.h"

#include <limits>

namespace cameo {
namespace {

enum class Message : uint8_t {
  None, // a scalar or string, copied
  Raw,  // tensor data, replaced by its place
  Model,
  Graph,
  Node,
  Attribute,
  Tensor,
  Sparse,
  Function,
  ValueInfo,
  Type,
  TensorType,
  Wrapper,
  Map,
  Shape,
  Dimension,
  Pair,
  Opset,
};

struct Field {
  Message message;
  uint32_t number;
  Message child;
};

using enum Message;
constexpr Field kFields[] = {
    {Model, 1, None},        {Model, 2, None},        {Model, 3, None},
    {Model, 4, None},        {Model, 5, None},        {Model, 6, None},
    {Model, 7, Graph},       {Model, 8, Opset},       {Model, 14, Pair},
    {Model, 25, Function},   {Graph, 1, Node},        {Graph, 2, None},
    {Graph, 5, Tensor},      {Graph, 10, None},       {Graph, 11, ValueInfo},
    {Graph, 12, ValueInfo},  {Graph, 13, ValueInfo},  {Graph, 15, Sparse},
    {Node, 1, None},         {Node, 2, None},         {Node, 3, None},
    {Node, 4, None},         {Node, 5, Attribute},    {Node, 7, None},
    {Node, 8, None},         {Attribute, 1, None},    {Attribute, 2, None},
    {Attribute, 3, None},    {Attribute, 4, None},    {Attribute, 5, Tensor},
    {Attribute, 6, Graph},   {Attribute, 7, None},    {Attribute, 8, None},
    {Attribute, 9, None},    {Attribute, 10, Tensor}, {Attribute, 11, Graph},
    {Attribute, 14, Type},   {Attribute, 20, None},   {Attribute, 21, None},
    {Attribute, 22, Sparse}, {Tensor, 1, None},       {Tensor, 2, None},
    {Tensor, 4, None},       {Tensor, 5, None},       {Tensor, 6, None},
    {Tensor, 7, None},       {Tensor, 8, None},       {Tensor, 9, Raw},
    {Tensor, 10, None},      {Tensor, 11, None},      {Tensor, 13, Pair},
    {Tensor, 14, None},      {Sparse, 1, Tensor},     {Sparse, 2, Tensor},
    {Sparse, 3, None},       {Function, 1, None},     {Function, 4, None},
    {Function, 5, None},     {Function, 6, None},     {Function, 7, Node},
    {Function, 9, Opset},    {Function, 10, None},    {Function, 11, Attribute},
    {Function, 13, None},    {ValueInfo, 1, None},    {ValueInfo, 2, Type},
    {Type, 1, TensorType},   {Type, 4, Wrapper},      {Type, 5, Map},
    {Type, 7, Opset},        {Type, 8, TensorType},   {Type, 9, Wrapper},
    {TensorType, 1, None},   {TensorType, 2, Shape},  {Wrapper, 1, Type},
    {Map, 1, None},          {Map, 2, Type},          {Shape, 1, Dimension},
    {Dimension, 1, None},    {Dimension, 2, None},    {Pair, 1, None},
    {Pair, 2, None},         {Opset, 1, None},        {Opset, 2, None},
};
constexpr uint32_t kMaxField = 32;

/// kFields by message and number; nothing for a field to drop.
std::optional<Message> childOf(Message message, uint64_t number) {
  static const auto table = [] {
    std::vector<std::optional<Message>> rows((static_cast<size_t>(Opset) + 1) * kMaxField);
    for (const Field &field : kFields)
      rows[static_cast<size_t>(field.message) * kMaxField + field.number] = field.child;
    return rows;
  }();
  if (number >= kMaxField)
    return std::nullopt;
  return table[static_cast<size_t>(message) * kMaxField + number];
}

class Reducer {
public:
  explicit Reducer(std::span<const std::byte> bytes)
      : bytes_(bytes), messagesLeft_(500'000 + static_cast<int64_t>(bytes.size() / 40)),
        stringsLeft_(2'000'000 + static_cast<int64_t>(bytes.size() / 30)) {}

  Result<std::string> run() {
    TRY(message(Model, 0, bytes_.size(), 0));
    return std::move(out_);
  }

private:
  enum Wire { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

  Error malformed(size_t at) const {
    return badInput("the file is not an ONNX model or is damaged: malformed data at byte " +
                    std::to_string(at));
  }

  /// Reads a varint at `at` (advanced past it), not going beyond `end`.
  bool readVarint(size_t &at, size_t end, uint64_t &value) const {
    value = 0;
    for (int shift = 0; shift < 64 && at < end; shift += 7) {
      uint8_t byte = static_cast<uint8_t>(bytes_[at++]);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80)
        return true;
    }
    return false;
  }

  void writeVarint(uint64_t value) {
    for (; value >= 0x80; value >>= 7)
      out_ += static_cast<char>(value | 0x80);
    out_ += static_cast<char>(value);
  }

  void copy(size_t begin, size_t end) {
    out_.append(reinterpret_cast<const char *>(bytes_.data()) + begin, end - begin);
  }

  /// Writes what stands for raw_data (onnx.proto).
  void writePlace(uint64_t offset, uint64_t length) {
    writeVarint(onnx::TensorProto::kRawOffsetFieldNumber << 3 | Varint);
    writeVarint(offset);
    writeVarint(onnx::TensorProto::kRawLengthFieldNumber << 3 | Varint);
    writeVarint(length);
  }

  Result<void> message(Message kind, size_t begin, size_t end, int depth);
  Result<void> payload(Message child, uint64_t number, size_t begin, size_t end, int depth);

  std::span<const std::byte> bytes_;
  std::string out_;
  int64_t messagesLeft_, stringsLeft_;
};

Result<void> Reducer::message(Message kind, size_t begin, size_t end, int depth) {
  // Protobuf's parser has the same limit.
  if (depth >= 100)
    return badInput("the model nests deeper than 100 levels");
  if (--messagesLeft_ < 0)
    return badInput("the model has too many nodes, attributes and tensors for a file of " +
                    std::to_string(bytes_.size()) + " bytes");
  size_t dims = 0;
  for (size_t at = begin; at < end;) {
    size_t start = at;
    uint64_t tag = 0, value = 0;
    if (!readVarint(at, end, tag) || tag >> 3 == 0 || tag > std::numeric_limits<uint32_t>::max())
      return malformed(start);
    std::optional<Message> child = childOf(kind, tag >> 3);
    if (child == Dimension && ++dims > kMaxRank)
      return badInput("the shape at byte " + std::to_string(begin) + " has more than " +
                      std::to_string(kMaxRank) + " dimensions");
    switch (tag & 7) {
    case Varint:
      if (!readVarint(at, end, value))
        return malformed(start);
      break;
    case Fixed64:
    case Fixed32:
      value = (tag & 7) == Fixed64 ? 8 : 4;
      if (end - at < value)
        return malformed(start);
      at += value;
      break;
    case Bytes:
      if (!readVarint(at, end, value) || value > end - at)
        return malformed(start);
      if (child)
        TRY(payload(*child, tag >> 3, at, at + value, depth));
      at += value;
      continue;
    default:
      return malformed(start);
    }
    if (child == None)
      copy(start, at);
  }
  return {};
}

/// A length-delimited field that is kept.
Result<void> Reducer::payload(Message child, uint64_t number, size_t begin, size_t end, int depth) {
  if (out_.size() + (child == None ? end - begin : 0) > size_t{1} << 30)
    return badInput("the model has more than 1 GB besides its raw tensor data");
  if (child == Raw) {
    writePlace(begin, end - begin);
    return {};
  }
  writeVarint(number << 3 | Bytes);
  if (child == None) {
    if (--stringsLeft_ < 0)
      return badInput("the model has too many names for a file of " +
                      std::to_string(bytes_.size()) + " bytes");
    writeVarint(end - begin);
    copy(begin, end);
    return {};
  }
  // The length is known afterwards: five bytes are reserved, enough for any reduced message, and
  // filled with a varint padded to that length.
  constexpr size_t kReserved = 5;
  size_t length = out_.size();
  out_.append(kReserved, '\0');
  TRY(message(child, begin, end, depth + 1));
  uint64_t size = out_.size() - length - kReserved;
  for (size_t i = 0; i < kReserved; i++, size >>= 7)
    out_[length + i] = static_cast<char>((size & 0x7f) | (i + 1 < kReserved ? 0x80 : 0));
  return {};
}

} // namespace

Result<std::string> reduceModel(std::span<const std::byte> bytes) { return Reducer(bytes).run(); }

namespace {

/// Fails on what is not a well-formed ModelProto with a graph.
Result<void> parseModel(ModelFile &file) {
  std::string reduced = TRY(reduceModel(file.mapping->bytes()));
  if (!file.model.ParseFromArray(reduced.data(), static_cast<int>(reduced.size())))
    return badInput("the file is not an ONNX model or is damaged");
  if (!file.model.has_graph() || !file.model.has_ir_version())
    return badInput("the file is not an ONNX model: it has no " +
                    std::string(file.model.has_graph() ? "IR version" : "graph"));
  return {};
}

} // namespace

Result<std::unique_ptr<ModelFile>> openModelFile(const std::filesystem::path &path) {
  auto file = std::make_unique<ModelFile>();
  file->path = path;
  file->mapping = TRY(MappedFile::open(path));
  if (file->mapping->bytes().empty())
    return badInput("'" + path.string() + "' is empty");
  if (Result<void> parsed = parseModel(*file); !parsed) {
    std::optional<std::string> kind = otherFileKind(path, file->mapping->bytes());
    return kind ? badInput("the file is not an ONNX model but " + *kind) : parsed.error();
  }
  return file;
}

Result<std::span<const std::byte>> bytesOf(const MappedFile &file, uint64_t offset, uint64_t length,
                                           const std::string &what) {
  size_t size = file.bytes().size();
  if (offset > size || length > size - offset)
    return badInput(what + ": " + std::to_string(length) + " bytes at offset " +
                    std::to_string(offset) + " are past the end of its file of " +
                    std::to_string(size) + " bytes");
  return file.bytes().subspan(offset, length);
}

} // namespace cameo
