// Characters of IR text to words, numbers and strings, on demand: the parser asks for what its
// grammar allows next. Spaces and `//` comments between tokens are skipped.
#pragma once

#include "ir/Dim.h"
#include "ir/Result.h"

#include <string>
#include <string_view>

namespace cameo {

/// Letters, digits, '_' and '.', beginning with a letter or '_': what needs no quotes in IR text.
bool isWord(std::string_view text);

class Lexer {
public:
  Lexer(std::string_view text, std::string file) : text_(text), file_(std::move(file)) {}

  /// Where the next token begins.
  size_t position();
  bool atEnd() { return position() == text_.size(); }
  /// The next character, 0 at the end.
  char peek() { return position() < text_.size() ? text_[at_] : '\0'; }
  /// Skips `punctuation` if it comes next.
  bool accept(std::string_view punctuation);
  /// Skips the whole word `word` if it comes next.
  bool acceptWord(std::string_view word);
  Result<void> expect(std::string_view punctuation);
  Result<void> expectWord(std::string_view word);

  /// The word that comes next, removed; empty if something else comes.
  std::string_view word();
  /// A quoted string, its escapes resolved.
  Result<std::string> string();
  /// A word, or a quoted string where a name is no word.
  Result<std::string> name(const char *what);
  /// The text of a number: [-](digits and what floats have | inf | nan), or 0x and hex digits.
  Result<std::string_view> number();
  Result<int64_t> integer();
  Result<Dim> dim();

  /// `file:line:column: message`, at the next token or at a position.
  Error error(const std::string &message) { return errorAt(position(), message); }
  Error errorAt(size_t position, const std::string &message) const;
  /// The next token in quotes, or `the end`, for messages.
  std::string nextText();

private:
  std::string_view text_;
  std::string file_;
  size_t at_ = 0;
};

} // namespace cameo
