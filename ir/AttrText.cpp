// Text of types and attributes; see AttrText.h. Constants are in ConstText.cpp.
#include "ir/AttrText.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

namespace cameo {
namespace {

constexpr int kMaxTypeDepth = 16;
constexpr int64_t kMaxLanes = 4096;

template <class T> std::string shortest(T value) {
  char text[64];
  return std::string(text, std::to_chars(text, text + sizeof text, value).ptr);
}

template <class T> std::string listText(const T &list, const char *before, auto &&text) {
  std::string all;
  for (const auto &element : list)
    all += (all.empty() ? "" : ", ") + text(element);
  return before + ("[" + all + "]");
}

std::string hexText(uint64_t bits) {
  char text[24] = "0x";
  return std::string(text, std::to_chars(text + 2, text + sizeof text, bits, 16).ptr);
}

} // namespace

std::string quotedText(const std::string &value) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text = "\"";
  for (char c : value) {
    unsigned char byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      text += std::string("\\") + c;
    else if (c == '\n')
      text += "\\n";
    else if (byte < 0x20 || byte >= 0x7f)
      text += std::string("\\x") + kHex[byte >> 4] + kHex[byte & 15];
    else
      text += c;
  }
  return text + '"';
}

std::string nameText(const std::string &name) { return isWord(name) ? name : quotedText(name); }

std::string floatText(double value) {
  if (std::isnan(value)) {
    uint64_t bits = std::bit_cast<uint64_t>(value);
    bool usual = bits == std::bit_cast<uint64_t>(std::numeric_limits<double>::quiet_NaN());
    return usual ? "nan" : hexText(bits);
  }
  if (std::isinf(value))
    return value < 0 ? "-inf" : "inf";
  std::string text = shortest(value);
  bool isSingle = std::abs(value) <= std::numeric_limits<float>::max() &&
                  static_cast<double>(static_cast<float>(value)) == value;
  if (isSingle) {
    std::string single = shortest(static_cast<float>(value));
    if (single.size() + 1 < text.size())
      return single + (single.find_first_of(".e") == std::string::npos ? ".0f" : "f");
  }
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

std::string dimsText(const Dims &dims) {
  std::string text;
  for (const Dim &dim : dims)
    text += (text.empty() ? "" : ", ") + dim.str();
  return "<" + text + ">";
}

std::string attrText(const Attr &attr) {
  struct Printer {
    std::string operator()(int64_t value) { return std::to_string(value); }
    std::string operator()(double value) { return floatText(value); }
    std::string operator()(const std::string &value) { return quotedText(value); }
    std::string operator()(const std::vector<int64_t> &list) {
      return listText(list, "", [](int64_t value) { return std::to_string(value); });
    }
    std::string operator()(const std::vector<double> &list) {
      return listText(list, "floats", floatText);
    }
    std::string operator()(const std::vector<std::string> &list) {
      return listText(list, "strings", quotedText);
    }
    std::string operator()(DType value) { return std::string(dtypeName(value)); }
    std::string operator()(const Dims &dims) { return dimsText(dims); }
    std::string operator()(const ConstRef &data) { return constText(data); }
  };
  return std::visit(Printer{}, attr);
}

std::string attrsText(const AttrDict &attrs) {
  std::string text;
  for (const auto &[name, value] : attrs)
    text += (text.empty() ? "" : ", ") + nameText(name) + " = " + attrText(value);
  return "{" + text + "}";
}

namespace {

Result<DType> readDType(Lexer &lexer) {
  size_t begin = lexer.position();
  std::string_view name = lexer.word();
  std::optional<DType> dtype = dtypeFromName(name);
  if (!dtype && name.empty())
    return lexer.error("expected an element type, got " + lexer.nextText());
  if (!dtype)
    return lexer.errorAt(begin, "unknown element type '" + std::string(name) + "'");
  return *dtype;
}

/// After `vec<`. The lexer takes `16xf32` as one number.
Result<Type> readVector(Lexer &lexer) {
  size_t begin = lexer.position();
  std::string text(TRY(lexer.number()));
  size_t x = text.find('x');
  std::optional<DType> dtype;
  int64_t lanes = 0;
  if (x != std::string::npos) {
    auto [end, status] = std::from_chars(text.data(), text.data() + x, lanes);
    dtype = dtypeFromName(std::string_view(text).substr(x + 1));
    if (status != std::errc() || end != text.data() + x)
      lanes = 0;
  }
  if (!dtype || lanes < 1 || lanes > kMaxLanes)
    return lexer.errorAt(begin,
                         "expected lanes and element type as in '16xf32', got '" + text + "'");
  TRY(lexer.expect(">"));
  return Type::vector(*dtype, lanes);
}

/// After the opening bracket.
Result<Type> readTensor(Lexer &lexer, DType dtype) {
  if (lexer.accept("*")) {
    TRY(lexer.expect("]"));
    return Type::unranked(dtype);
  }
  Dims shape;
  while (!lexer.accept("]")) {
    if (!shape.empty())
      TRY(lexer.expect(","));
    shape.push_back(TRY(lexer.dim()));
  }
  return Type::tensor(dtype, std::move(shape));
}

Result<Type> readTypeAt(Lexer &lexer, int depth) {
  if (depth > kMaxTypeDepth)
    return lexer.error("a type nested too deeply");
  if (lexer.acceptWord("none"))
    return Type::none();
  if (lexer.acceptWord("index"))
    return Type::index();
  bool isSequence = lexer.acceptWord("seq");
  if (isSequence || lexer.acceptWord("opt")) {
    TRY(lexer.expect("<"));
    Type element = TRY(readTypeAt(lexer, depth + 1));
    TRY(lexer.expect(">"));
    return isSequence ? Type::sequence(element) : Type::optional(element);
  }
  if (lexer.acceptWord("vec")) {
    TRY(lexer.expect("<"));
    return readVector(lexer);
  }
  if (lexer.acceptWord("ptr")) {
    TRY(lexer.expect("<"));
    DType dtype = TRY(readDType(lexer));
    TRY(lexer.expect(">"));
    return Type::pointer(dtype);
  }
  DType dtype = TRY(readDType(lexer));
  return lexer.accept("[") ? readTensor(lexer, dtype) : Result<Type>(Type::scalar(dtype));
}

/// A double, as floatText prints it; the text may also be an integer's.
std::optional<double> doubleFromText(std::string_view text) {
  const char *end = text.data() + text.size();
  if (text.starts_with("0x")) {
    uint64_t bits = 0;
    std::from_chars_result read = std::from_chars(text.data() + 2, end, bits, 16);
    return read.ec == std::errc() && read.ptr == end
               ? std::optional<double>(std::bit_cast<double>(bits))
               : std::nullopt;
  }
  if (text.ends_with('f') && !text.ends_with("inf")) {
    float single = 0;
    std::from_chars_result read = std::from_chars(text.data(), --end, single);
    return read.ec == std::errc() && read.ptr == end ? std::optional<double>(single) : std::nullopt;
  }
  double value = 0;
  std::from_chars_result read = std::from_chars(text.data(), end, value);
  return read.ec == std::errc() && read.ptr == end ? std::optional<double>(value) : std::nullopt;
}

Result<double> readFloat(Lexer &lexer) {
  size_t begin = lexer.position();
  std::string_view text = TRY(lexer.number());
  std::optional<double> value = doubleFromText(text);
  if (!value)
    return lexer.errorAt(begin, "malformed number '" + std::string(text) + "'");
  return *value;
}

Result<Attr> readNumber(Lexer &lexer) {
  Lexer ahead = lexer;
  std::string_view text = TRY(ahead.number());
  bool isInt = text.find_first_not_of("-0123456789") == std::string_view::npos;
  if (isInt)
    return Attr(TRY(lexer.integer()));
  return Attr(TRY(readFloat(lexer)));
}

template <class T, class Read> Result<Attr> readList(Lexer &lexer, Read read) {
  TRY(lexer.expect("["));
  std::vector<T> list;
  while (!lexer.accept("]")) {
    if (!list.empty())
      TRY(lexer.expect(","));
    list.push_back(TRY(read(lexer)));
  }
  return Attr(std::move(list));
}

} // namespace

Result<Type> readType(Lexer &lexer) { return readTypeAt(lexer, 0); }

Result<Dims> readDims(Lexer &lexer) {
  TRY(lexer.expect("<"));
  Dims dims;
  while (!lexer.accept(">")) {
    if (!dims.empty())
      TRY(lexer.expect(","));
    dims.push_back(TRY(lexer.dim()));
  }
  return dims;
}

Result<Attr> readAttr(Lexer &lexer, NamedConsts &consts) {
  char next = lexer.peek();
  if (next == '"')
    return Attr(TRY(lexer.string()));
  if (next == '[')
    return readList<int64_t>(lexer, [](Lexer &l) { return l.integer(); });
  if (next == '<')
    return Attr(TRY(readDims(lexer)));
  Lexer ahead = lexer;
  std::string_view word = ahead.word();
  if (next == '#' || word == "dense")
    return Attr(TRY(readConst(lexer, consts)));
  if (word == "floats" || word == "strings") {
    lexer = ahead;
    return word == "floats" ? readList<double>(lexer, readFloat)
                            : readList<std::string>(lexer, [](Lexer &l) { return l.string(); });
  }
  if (word.empty() || word == "inf" || word == "nan")
    return readNumber(lexer);
  return Attr(TRY(readDType(lexer)));
}

Result<AttrDict> readAttrs(Lexer &lexer, NamedConsts &consts) {
  AttrDict attrs;
  while (!lexer.accept("}")) {
    if (!attrs.empty())
      TRY(lexer.expect(","));
    size_t begin = lexer.position();
    std::string name = TRY(lexer.name("an attribute's name"));
    if (attrs.has(name))
      return lexer.errorAt(begin, "attribute '" + name + "' is given twice");
    TRY(lexer.expect("="));
    attrs.set(name, TRY(readAttr(lexer, consts)));
  }
  return attrs;
}

} // namespace cameo
