// Regular expressions for RegexFullMatch: the regular part of RE2's syntax, matched in time
// proportional to pattern times text. (std::regex backtracks and recurses: a hostile pattern takes
// exponential time or the stack.)
#pragma once

#include "ir/Result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cameo::eval {

class Regex {
public:
  /// An Error names what is malformed or not supported; it starts lower case.
  static Result<Regex> parse(std::string_view pattern);

  /// Whether the whole text matches. Malformed UTF-8 counts as Latin-1.
  bool fullMatch(std::string_view text) const;
  /// The instructions as numbers, for runtime/kernels/Regex.c, which says how.
  std::vector<int64_t> encoded() const;
  int64_t size() const { return static_cast<int64_t>(code_.size()); }

  struct Range {
    uint32_t first, last;
  };
  /// An instruction; jumps are relative, so that a piece of code can be repeated.
  struct Instruction {
    enum Kind { Set, Split, Begin, End, Boundary } kind = Set;
    bool negated = false;          // Set, Boundary
    std::vector<Range> ranges;     // Set: consumes one character
    int64_t first = 1, second = 1; // Split: both go on
  };

private:
  std::vector<Instruction> code_; // the end is a match
};

/// The text's characters.
std::vector<uint32_t> codePoints(std::string_view text);

} // namespace cameo::eval
