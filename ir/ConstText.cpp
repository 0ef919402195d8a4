// Text of constants; see AttrText.h. Floats are printed as the shortest text that reads back as the
// same value of their own type.
#include "ir/AttrText.h"

#include "ir/Half.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace cameo {
namespace {

// A model's weights, and then some; memory is only reserved.
constexpr int64_t kMaxReservedBytes = int64_t{64} << 30;
// What a string counts against that: bounds them, who do take memory, to a million.
constexpr int64_t kStringBytes = int64_t{64} << 10;

uint64_t rawBits(const std::byte *from, int64_t size) {
  uint64_t bits = 0;
  std::memcpy(&bits, from, size); // little endian, as ConstData is
  return bits;
}

std::string floatElement(const ConstData &data, int64_t i) {
  int64_t size = dtypeBytes(data.dtype);
  const std::byte *from = data.bytes.data() + i * size;
  double value = loadDouble(data.dtype, from);
  char text[64];
  char *end = text;
  if (std::isnan(value)) {
    std::byte usual[8] = {};
    storeDouble(data.dtype, usual, std::numeric_limits<double>::quiet_NaN());
    if (rawBits(usual, size) == rawBits(from, size))
      return "nan";
    std::memcpy(text, "0x", 2);
    end = std::to_chars(text + 2, text + sizeof text, rawBits(from, size), 16).ptr;
    return std::string(text, end);
  }
  end = data.dtype == DType::F64
            ? std::to_chars(text, text + sizeof text, value).ptr
            : std::to_chars(text, text + sizeof text, static_cast<float>(value)).ptr;
  std::string shortest(text, end);
  return shortest.find_first_of(".ein") == std::string::npos ? shortest + ".0" : shortest;
}

std::string elementText(const ConstData &data, int64_t i) {
  if (data.dtype == DType::String)
    return quotedText(data.strings[i]);
  if (isFloat(data.dtype))
    return floatElement(data, i);
  if (isSignedInt(data.dtype))
    return std::to_string(constInt(data, i));
  // A bool keeps its byte, whatever that is.
  int64_t size = dtypeBytes(data.dtype);
  return std::to_string(rawBits(data.bytes.data() + i * size, size));
}

Error badElement(Lexer &lexer, size_t begin, std::string_view text, DType dtype) {
  return lexer.errorAt(begin, "expected a value of type " + std::string(dtypeName(dtype)) +
                                  ", got '" + std::string(text) + "'");
}

template <class T> bool parseWhole(std::string_view text, T &value, int base = 10) {
  const char *end = text.data() + text.size();
  std::from_chars_result read{};
  if constexpr (std::is_integral_v<T>)
    read = std::from_chars(text.data(), end, value, base);
  else
    read = std::from_chars(text.data(), end, value);
  return read.ec == std::errc() && read.ptr == end;
}

bool parseFloatElement(std::string_view text, DType dtype, std::byte *to) {
  int64_t size = dtypeBytes(dtype);
  if (text.starts_with("0x")) {
    uint64_t bits = 0;
    if (!parseWhole(text.substr(2), bits, 16) || (size < 8 && bits >> (8 * size)))
      return false;
    std::memcpy(to, &bits, size);
    return true;
  }
  if (text == "nan") {
    storeDouble(dtype, to, std::numeric_limits<double>::quiet_NaN());
    return true;
  }
  // Not through double for f32, which would round twice.
  if (dtype == DType::F32) {
    float value = 0;
    if (!parseWhole(text, value))
      return false;
    std::memcpy(to, &value, size);
    return true;
  }
  double value = 0;
  if (!parseWhole(text, value))
    return false;
  storeDouble(dtype, to, value);
  return true;
}

bool parseIntElement(std::string_view text, DType dtype, std::byte *to) {
  int64_t size = dtypeBytes(dtype), value = 0;
  if (dtype == DType::U64) {
    uint64_t wide = 0;
    bool whole = parseWhole(text, wide);
    std::memcpy(to, &wide, size);
    return whole;
  }
  if (!parseWhole(text, value))
    return false;
  bool isSigned = isSignedInt(dtype);
  int64_t bits = 8 * size - (isSigned ? 1 : 0);
  if (bits < 63 && (value >= int64_t{1} << bits || value < (isSigned ? -(int64_t{1} << bits) : 0)))
    return false;
  std::memcpy(to, &value, size);
  return true;
}

Result<void> readElement(Lexer &lexer, ConstData &data, std::vector<std::byte> &bytes) {
  if (data.dtype == DType::String) {
    data.strings.push_back(TRY(lexer.string()));
    return {};
  }
  size_t begin = lexer.position();
  std::string_view text = TRY(lexer.number());
  std::byte element[8] = {};
  bool parsed = isFloat(data.dtype) ? parseFloatElement(text, data.dtype, element)
                                    : parseIntElement(text, data.dtype, element);
  if (!parsed)
    return badElement(lexer, begin, text, data.dtype);
  bytes.insert(bytes.end(), element, element + dtypeBytes(data.dtype));
  return {};
}

/// A ranked tensor type with constant sizes: what a constant has.
Result<std::shared_ptr<ConstData>> readHead(Lexer &lexer, const std::string &name) {
  size_t begin = lexer.position();
  Type type = TRY(readType(lexer));
  std::optional<std::vector<int64_t>> dims;
  if (type.isRanked())
    dims = constantDims(type.shape());
  if (!dims || !checkedNumElements(*dims))
    return lexer.errorAt(begin, "expected a tensor type of constant size, got " + type.str());
  auto data = std::make_shared<ConstData>();
  data->name = name;
  data->dtype = type.dtype();
  data->dims = std::move(*dims);
  return data;
}

/// After `dense`.
Result<ConstRef> readDense(Lexer &lexer, const std::string &name) {
  TRY(lexer.expect("<"));
  std::shared_ptr<ConstData> data = TRY(readHead(lexer, name));
  int64_t count = *checkedNumElements(data->dims);
  auto bytes = std::make_shared<std::vector<std::byte>>();
  for (int64_t i = 0; i < count; i++) {
    TRY(lexer.expect(i ? "," : ":"));
    TRY(readElement(lexer, *data, *bytes));
  }
  TRY(lexer.expect(">"));
  data->bytes = *bytes;
  data->owner = bytes;
  return ConstRef(data);
}

/// After `:`; zeros.
Result<ConstRef> readReference(Lexer &lexer, const std::string &name, NamedConsts &consts) {
  size_t begin = lexer.position();
  std::shared_ptr<ConstData> data = TRY(readHead(lexer, name));
  int64_t count = *checkedNumElements(data->dims), size = dtypeBytes(data->dtype), bytes = 0;
  Type type = Type::tensor(data->dtype, Dims(data->dims.begin(), data->dims.end()));
  ConstRef &known = consts.seen[{name, type.str()}];
  if (known)
    return known;
  if (__builtin_mul_overflow(count, size ? size : kStringBytes, &bytes) ||
      bytes > kMaxReservedBytes - consts.bytes)
    return lexer.errorAt(begin, "the constant '" + name + "' is too large: " + type.str());
  consts.bytes += bytes;
  if (size == 0) {
    data->strings.resize(count);
  } else {
    std::shared_ptr<void> zeros(std::calloc(std::max<int64_t>(count, 1), size), std::free);
    if (!zeros)
      return lexer.errorAt(begin, "no memory for the constant '" + name + "': " + type.str());
    data->bytes = {static_cast<const std::byte *>(zeros.get()), static_cast<size_t>(bytes)};
    data->owner = zeros;
  }
  known = data;
  return known;
}

} // namespace

std::string constText(const ConstRef &data) {
  if (!data)
    return "null";
  std::string name = data->name.empty() ? "" : "#" + nameText(data->name);
  std::string type = Type::tensor(data->dtype, Dims(data->dims.begin(), data->dims.end())).str();
  std::optional<int64_t> count = checkedNumElements(data->dims);
  // Data that is not as long as its shape says is shown by reference, too.
  if (!count || *count > kMaxInline || data->numElements() != *count)
    return (name.empty() ? "#\"\"" : name) + " : " + type;
  std::string elements;
  for (int64_t i = 0; i < *count; i++)
    elements += (i ? ", " : ": ") + elementText(*data, i);
  return name + (name.empty() ? "" : " ") + "dense<" + type + elements + ">";
}

Result<ConstRef> readConst(Lexer &lexer, NamedConsts &consts) {
  std::string name;
  bool named = lexer.accept("#");
  if (named)
    name = TRY(lexer.name("a constant's name"));
  if (lexer.acceptWord("dense"))
    return readDense(lexer, name);
  TRY(lexer.expect(named ? ":" : "dense"));
  return readReference(lexer, name, consts);
}

} // namespace cameo
