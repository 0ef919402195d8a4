// See Text.h.
#include "support/Text.h"

#include <cstdint>

namespace cameo {
namespace {

/// Length of the UTF-8 sequence at the start of the text, 0 if there is none (RFC 3629: no
/// overlong forms, no surrogates).
size_t sequenceLength(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>(i < text.size() ? text[i] : 0); };
  uint8_t first = byte(0);
  if (first < 0x80)
    return 1;
  size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4)
    return 0;
  for (size_t i = 1; i < length; i++)
    if ((byte(i) & 0xc0) != 0x80)
      return 0;
  bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  bool outside = (first == 0xed && byte(1) > 0x9f) || (first == 0xf4 && byte(1) > 0x8f);
  return overlong || outside ? 0 : length;
}

/// The code point that a sequence stands for.
char32_t codePoint(std::string_view sequence) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>(sequence[i]); };
  if (sequence.size() == 1)
    return byte(0);
  char32_t point = byte(0) & (0x7f >> sequence.size());
  for (size_t i = 1; i < sequence.size(); i++)
    point = point << 6 | (byte(i) & 0x3f);
  return point;
}

bool isControl(char32_t c) { return c < 0x20 || c == 0x7f; }

/// What a terminal or an editor acts on instead of showing it: control characters of both sets,
/// line separators, and marks that change the direction of text.
bool isHidden(char32_t c) {
  return isControl(c) || (c >= 0x80 && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

/// Replaces what is not UTF-8, and characters that are `bad`, by `?`.
template <class Bad> std::string sanitize(std::string_view text, Bad bad) {
  std::string clean;
  while (!text.empty()) {
    size_t length = sequenceLength(text);
    if (length > 0 && !bad(codePoint(text.substr(0, length))))
      clean += text.substr(0, length);
    else
      clean += '?';
    text.remove_prefix(length > 0 ? length : 1);
  }
  return clean;
}

} // namespace

bool isCleanText(std::string_view text) { return sanitize(text, isControl) == text; }

std::string oneLine(std::string_view text) { return sanitize(text, isHidden); }

std::string lines(std::string_view text) {
  return sanitize(text, [](char32_t c) { return c != '\n' && isHidden(c); });
}

std::string printable(std::string_view text) {
  constexpr size_t kLongest = 200;
  std::string clean = oneLine(text.substr(0, kLongest));
  return text.size() > kLongest ? clean + "..." : clean;
}

std::string validUtf8(std::string_view text) {
  return sanitize(text, [](char32_t) { return false; });
}

std::string identifier(std::string_view text) {
  std::string name;
  for (char c : text.substr(0, 100)) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    bool digit = c >= '0' && c <= '9';
    if (digit && name.empty())
      name += '_';
    name += letter || digit ? c : '_';
  }
  return name.empty() ? "_" : name;
}

std::string quote(std::string_view text) { return "'" + printable(text) + "'"; }

} // namespace cameo
