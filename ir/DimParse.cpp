// Recursive descent over the text of sizes:
//   sum    := term (('+' | '-') term)*          a first term may have a '-'
//   term   := factor ('*' factor)*
//   factor := integer | symbol | function '(' sum ',' sum ')'
// Depth and number of factors are bounded, so that hostile text costs little.
#include "ir/DimParse.h"

namespace cameo {
namespace {

constexpr int kMaxDepth = 32;
constexpr int kMaxFactors = 256;

bool isLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool isDigit(char c) { return c >= '0' && c <= '9'; }

class DimReader {
public:
  explicit DimReader(std::string_view text) : text_(text) {}

  std::optional<Dim> sum();
  size_t consumed() const { return at_; }

private:
  char peek() {
    while (at_ < text_.size() && text_[at_] == ' ')
      at_++;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c)
      return false;
    at_++;
    return true;
  }
  std::optional<Dim> term(bool negative);
  std::optional<Dim> factor(bool negative);
  std::optional<Dim> integer(bool negative);
  std::optional<Dim> named();

  std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
  int factors_ = 0;
};

std::optional<Dim> DimReader::sum() {
  if (++depth_ > kMaxDepth)
    return std::nullopt;
  std::optional<Dim> total = term(accept('-'));
  while (total && (peek() == '+' || peek() == '-')) {
    bool negative = text_[at_++] == '-';
    std::optional<Dim> next = term(negative);
    total = next ? std::optional<Dim>(*total + *next) : std::nullopt;
  }
  depth_--;
  return total;
}

std::optional<Dim> DimReader::term(bool negative) {
  std::optional<Dim> result = factor(negative);
  while (result && accept('*')) {
    std::optional<Dim> next = factor(false);
    result = next ? std::optional<Dim>(*result * *next) : std::nullopt;
  }
  return result;
}

std::optional<Dim> DimReader::factor(bool negative) {
  if (++factors_ > kMaxFactors)
    return std::nullopt;
  if (isDigit(peek()))
    return integer(negative);
  std::optional<Dim> value = named();
  return value && negative ? *value * Dim(-1) : value;
}

/// Accumulates below zero, where int64 reaches one further.
std::optional<Dim> DimReader::integer(bool negative) {
  int64_t value = 0;
  for (; at_ < text_.size() && isDigit(text_[at_]); at_++)
    if (__builtin_mul_overflow(value, 10, &value) ||
        __builtin_sub_overflow(value, text_[at_] - '0', &value))
      return std::nullopt;
  if (!negative && __builtin_sub_overflow(0, value, &value))
    return std::nullopt;
  return Dim(value);
}

std::optional<Dim> DimReader::named() {
  if (!isLetter(peek()))
    return std::nullopt;
  size_t begin = at_;
  while (at_ < text_.size() && (isLetter(text_[at_]) || isDigit(text_[at_]) || text_[at_] == '.'))
    at_++;
  std::string_view name = text_.substr(begin, at_ - begin);
  if (name == "overflow")
    return Dim::overflow();
  if (peek() != '(')
    return Dim::symbol(std::string(name));
  using Function = Dim (*)(const Dim &, const Dim &);
  Function function = name == "floordiv"    ? Dim::floorDiv
                      : name == "mod"       ? Dim::mod
                      : name == "min"       ? Dim::min
                      : name == "max"       ? Dim::max
                      : name == "broadcast" ? Dim::broadcast
                                            : nullptr;
  at_++;
  std::optional<Dim> a = sum();
  if (!function || !a || !accept(','))
    return std::nullopt;
  std::optional<Dim> b = sum();
  if (!b || !accept(')'))
    return std::nullopt;
  return function(*a, *b);
}

} // namespace

std::optional<Dim> takeDim(std::string_view &text) {
  DimReader reader(text);
  std::optional<Dim> dim = reader.sum();
  if (dim)
    text.remove_prefix(reader.consumed());
  return dim;
}

std::optional<Dim> Dim::parse(std::string_view text) {
  std::optional<Dim> dim = takeDim(text);
  return text.empty() ? dim : std::nullopt;
}

} // namespace cameo
