// Tokens of IR text; see Lexer.h.
#include "ir/Lexer.h"

#include "ir/DimParse.h"

#include <algorithm>
#include <charconv>

namespace cameo {
namespace {

bool isLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isWordChar(char c) { return isLetter(c) || isDigit(c) || c == '.'; }
bool isSpace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

size_t wordLength(std::string_view text) {
  if (text.empty() || !isLetter(text[0]))
    return 0;
  return std::find_if_not(text.begin(), text.end(), isWordChar) - text.begin();
}

int hexDigit(char c) {
  if (isDigit(c))
    return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

} // namespace

bool isWord(std::string_view text) { return !text.empty() && wordLength(text) == text.size(); }

size_t Lexer::position() {
  while (at_ < text_.size()) {
    if (isSpace(text_[at_]))
      at_++;
    else if (text_.substr(at_, 2) == "//")
      at_ = std::min(text_.find('\n', at_), text_.size());
    else
      break;
  }
  return at_;
}

bool Lexer::accept(std::string_view punctuation) {
  if (text_.substr(position(), punctuation.size()) != punctuation)
    return false;
  at_ += punctuation.size();
  return true;
}

bool Lexer::acceptWord(std::string_view word) {
  std::string_view rest = text_.substr(position());
  if (rest.substr(0, wordLength(rest)) != word)
    return false;
  at_ += word.size();
  return true;
}

Result<void> Lexer::expect(std::string_view punctuation) {
  if (accept(punctuation))
    return {};
  return error("expected '" + std::string(punctuation) + "', got " + nextText());
}

Result<void> Lexer::expectWord(std::string_view word) {
  if (acceptWord(word))
    return {};
  return error("expected '" + std::string(word) + "', got " + nextText());
}

std::string_view Lexer::word() {
  std::string_view rest = text_.substr(position());
  std::string_view found = rest.substr(0, wordLength(rest));
  at_ += found.size();
  return found;
}

Result<std::string> Lexer::string() {
  TRY(expect("\""));
  size_t begin = at_ - 1;
  std::string value;
  while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\n') {
    char c = text_[at_++];
    if (c != '\\') {
      value += c;
      continue;
    }
    std::string_view rest = text_.substr(at_);
    char kind = rest.empty() ? '\0' : rest[0];
    int high = rest.size() >= 3 ? hexDigit(rest[1]) : -1,
        low = rest.size() >= 3 ? hexDigit(rest[2]) : -1;
    if (kind == 'n')
      value += '\n';
    else if (kind == '"' || kind == '\\')
      value += kind;
    else if (kind == 'x' && high >= 0 && low >= 0)
      value += static_cast<char>(high * 16 + low);
    else
      return errorAt(at_ - 1, "malformed escape in a string");
    at_ += kind == 'x' ? 3 : 1;
  }
  if (at_ >= text_.size() || text_[at_] != '"')
    return errorAt(begin, "a string without its closing quote");
  at_++;
  return value;
}

Result<std::string> Lexer::name(const char *what) {
  if (peek() == '"')
    return string();
  if (std::string_view found = word(); !found.empty())
    return std::string(found);
  return error("expected " + std::string(what) + ", got " + nextText());
}

Result<std::string_view> Lexer::number() {
  std::string_view rest = text_.substr(position());
  size_t length = rest.starts_with('-') ? 1 : 0;
  size_t letters = wordLength(rest.substr(length));
  if (std::string_view named = rest.substr(length, letters); named == "inf" || named == "nan") {
    length += letters;
  } else {
    if (length >= rest.size() || !isDigit(rest[length]))
      return error("expected a number, got " + nextText());
    while (length < rest.size() && (isWordChar(rest[length]) ||
                                    ((rest[length] == '-' || rest[length] == '+') &&
                                     (rest[length - 1] | 0x20) == 'e' && !rest.starts_with("0x"))))
      length++;
  }
  at_ += length;
  return rest.substr(0, length);
}

Result<int64_t> Lexer::integer() {
  size_t begin = position();
  std::string_view text = TRY(number());
  int64_t value = 0;
  auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size())
    return errorAt(begin, "expected a 64-bit integer, got '" + std::string(text) + "'");
  return value;
}

Result<Dim> Lexer::dim() {
  std::string_view rest = text_.substr(position());
  size_t before = rest.size();
  std::optional<Dim> dim = takeDim(rest);
  if (!dim)
    return error("expected a size, got " + nextText());
  at_ += before - rest.size();
  return *dim;
}

Error Lexer::errorAt(size_t position, const std::string &message) const {
  std::string_view before = text_.substr(0, position);
  int64_t line = std::count(before.begin(), before.end(), '\n') + 1;
  size_t lineStart = before.rfind('\n') + 1; // npos + 1 is 0
  return badInput(file_ + ":" + std::to_string(line) + ":" +
                  std::to_string(position - lineStart + 1) + ": " + message);
}

std::string Lexer::nextText() {
  constexpr size_t kShown = 32;
  std::string_view rest = text_.substr(position());
  if (rest.empty())
    return "the end";
  size_t length = 1;
  while (length < rest.size() && length < kShown && isWordChar(rest[0]) && isWordChar(rest[length]))
    length++;
  if (static_cast<unsigned char>(rest[0]) < 0x20 || static_cast<unsigned char>(rest[0]) >= 0x7f)
    return "a character that is not printable ASCII";
  return "'" + std::string(rest.substr(0, length)) + "'";
}

} // namespace cameo
