// Thompson's construction and simulation ("Regular expression search algorithm", 1968).
#include "ir/eval/graph/Regex.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace cameo::eval {
namespace {

using Instruction = Regex::Instruction;
using Range = Regex::Range;
using Code = std::vector<Instruction>;

constexpr uint32_t kLast = 0x10ffff;
constexpr size_t kMaxCode = 10000;

void append(Code &to, const Code &from) { to.insert(to.end(), from.begin(), from.end()); }

Instruction split(int64_t first, int64_t second) {
  Instruction jump;
  jump.kind = Instruction::Split;
  jump.first = first, jump.second = second;
  return jump;
}

Instruction set(std::vector<Range> ranges, bool negated = false) {
  Instruction instruction;
  instruction.ranges = std::move(ranges);
  instruction.negated = negated;
  return instruction;
}

int64_t length(const Code &code) { return static_cast<int64_t>(code.size()); }

class Parser {
public:
  explicit Parser(std::string_view pattern) : text_(codePoints(pattern)) {}

  Result<Code> alternatives();
  bool atEnd() const { return at_ == text_.size(); }

private:
  bool peek(uint32_t c) const { return !atEnd() && text_[at_] == c; }
  bool take(uint32_t c) {
    bool found = peek(c);
    at_ += found;
    return found;
  }

  Result<Code> sequence();
  Result<Code> atom();
  Result<Code> group();
  Result<Code> repeated(Code code);
  Result<Code> times(const Code &code, int64_t low, std::optional<int64_t> high);
  Result<Instruction> bracket();
  Result<std::vector<Range>> escape();
  std::optional<int64_t> number();

  std::vector<uint32_t> text_;
  size_t at_ = 0;
  int depth_ = 0;
};

Result<Code> Parser::alternatives() {
  Code code = TRY(sequence());
  while (take('|')) {
    Code other = TRY(sequence()), both = {split(1, length(code) + 2)};
    append(both, code);
    both.push_back(split(length(other) + 1, length(other) + 1));
    append(both, other);
    code = std::move(both);
    if (code.size() > kMaxCode)
      return badInput("the pattern is too long");
  }
  return code;
}

Result<Code> Parser::sequence() {
  Code code;
  while (!atEnd() && !peek('|') && !peek(')')) {
    append(code, TRY(repeated(TRY(atom()))));
    if (code.size() > kMaxCode)
      return badInput("the pattern is too long");
  }
  return code;
}

Result<Code> Parser::group() {
  if (take('?')) {
    if (take('P') && !peek('<'))
      return unsupported("the pattern uses an unknown group");
    if (take('<')) {
      while (!atEnd() && !peek('>'))
        at_++;
      take('>');
    } else if (!take(':')) {
      return unsupported("the pattern uses flags or an assertion");
    }
  }
  if (++depth_ > 100)
    return badInput("the pattern nests too deep");
  Code code = TRY(alternatives());
  depth_--;
  if (!take(')'))
    return badInput("the pattern has a '(' without ')'");
  return code;
}

Result<Code> Parser::atom() {
  uint32_t c = text_[at_++];
  Instruction anchor;
  anchor.kind = c == '^' ? Instruction::Begin : Instruction::End;
  switch (c) {
  case '(':
    return group();
  case '[':
    return Code{TRY(bracket())};
  case '.':
    return Code{set({{'\n', '\n'}}, true)};
  case '^':
  case '$':
    return Code{anchor};
  case '\\':
    if (peek('b') || peek('B')) {
      anchor.kind = Instruction::Boundary;
      anchor.negated = text_[at_++] == 'B';
      return Code{anchor};
    }
    return Code{set(TRY(escape()))};
  case '*':
  case '+':
  case '?':
    return badInput("the pattern repeats nothing");
  default:
    return Code{set({{c, c}})};
  }
}

std::optional<int64_t> Parser::number() {
  int64_t value = -1;
  for (; !atEnd() && text_[at_] >= '0' && text_[at_] <= '9' && value < 10000; at_++)
    value = std::max<int64_t>(value, 0) * 10 + (text_[at_] - '0');
  return value < 0 ? std::nullopt : std::optional(value);
}

Result<Code> Parser::times(const Code &code, int64_t low, std::optional<int64_t> high) {
  if (low > 1000 || high.value_or(0) > 1000 || (high && *high < low))
    return badInput("the pattern repeats {" + std::to_string(low) + "} or more, which is too much");
  Code all;
  int64_t count = high.value_or(low + 1);
  if (code.size() * static_cast<size_t>(count) > kMaxCode)
    return badInput("the pattern is too long");
  for (int64_t i = 0; i < count; i++) {
    if (i >= low)
      all.push_back(split(1, length(code) + (high ? 1 : 2)));
    append(all, code);
  }
  if (!high)
    all.push_back(split(-length(code) - 1, -length(code) - 1));
  return all;
}

Result<Code> Parser::repeated(Code code) {
  while (!atEnd()) {
    size_t start = at_;
    if (take('*')) {
      code = TRY(times(code, 0, std::nullopt));
    } else if (take('+')) {
      code = TRY(times(code, 1, std::nullopt));
    } else if (take('?')) {
      code = TRY(times(code, 0, 1));
    } else if (take('{')) {
      std::optional<int64_t> low = number(), high = low;
      if (low && take(','))
        high = number();
      if (!low || !take('}')) {
        // Not a repetition: an ordinary brace.
        at_ = start;
        return code;
      }
      code = TRY(times(code, *low, high));
    } else {
      return code;
    }
    take('?'); // lazy: the same texts match
  }
  return code;
}

void addComplement(const std::vector<Range> &of, std::vector<Range> &to) {
  uint32_t next = 0;
  for (const Range &range : of) { // in order
    if (range.first > next)
      to.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  to.push_back({next, kLast});
}

/// What stands behind a backslash.
Result<std::vector<Range>> Parser::escape() {
  if (atEnd())
    return badInput("the pattern ends in a backslash");
  uint32_t c = text_[at_++];
  std::vector<Range> digit = {{'0', '9'}}, ranges;
  std::vector<Range> word = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
  std::vector<Range> space = {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}};
  const std::vector<Range> &kind = c == 'd' || c == 'D'   ? digit
                                   : c == 'w' || c == 'W' ? word
                                                          : space;
  switch (c) {
  case 'd':
  case 'w':
  case 's':
    return kind;
  case 'D':
  case 'W':
  case 'S':
    addComplement(kind, ranges);
    return ranges;
  case 'n':
    return std::vector<Range>{{'\n', '\n'}};
  case 't':
    return std::vector<Range>{{'\t', '\t'}};
  case 'r':
    return std::vector<Range>{{'\r', '\r'}};
  case 'f':
    return std::vector<Range>{{'\f', '\f'}};
  case 'v':
    return std::vector<Range>{{'\v', '\v'}};
  default:
    break;
  }
  bool letter = (c | 32) >= 'a' && (c | 32) <= 'z' && c < 128;
  if (letter || (c >= '0' && c <= '9'))
    return unsupported("the pattern uses an escape that is not supported");
  return std::vector<Range>{{c, c}};
}

/// A character class, after its `[`.
Result<Instruction> Parser::bracket() {
  Instruction result = set({}, take('^'));
  for (bool first = true; first || !peek(']'); first = false) {
    if (atEnd())
      return badInput("the pattern has a '[' without ']'");
    if (peek('[') && at_ + 1 < text_.size() && text_[at_ + 1] == ':')
      return unsupported("the pattern uses a named class");
    uint32_t low = text_[at_++];
    std::vector<Range> ranges = {{low, low}};
    if (low == '\\')
      ranges = TRY(escape());
    bool single = ranges.size() == 1 && ranges[0].first == ranges[0].last;
    if (single && peek('-') && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
      uint32_t high = text_[++at_];
      at_++;
      if (high == '\\')
        high = TRY(escape()).front().first;
      if (high < ranges[0].first)
        return badInput("the pattern has a range that is backwards");
      ranges[0].last = high;
    }
    result.ranges.insert(result.ranges.end(), ranges.begin(), ranges.end());
  }
  take(']');
  return result;
}

/// Positions of the code that a simulation is at.
struct Threads {
  std::vector<bool> seen;
  std::vector<int64_t> list;

  explicit Threads(size_t size) : seen(size + 1) {}
  void clear() {
    for (int64_t position : list)
      seen[position] = false;
    list.clear();
  }
};

bool isWord(std::optional<uint32_t> c) {
  return c && *c < 128 && (std::isalnum(static_cast<int>(*c)) || *c == '_');
}

/// Whether an instruction that consumes nothing holds between two characters, or none at an end.
bool holds(const Instruction &instruction, std::optional<uint32_t> before,
           std::optional<uint32_t> after) {
  if (instruction.kind == Instruction::Begin)
    return !before;
  if (instruction.kind == Instruction::End)
    return !after;
  return instruction.kind == Instruction::Boundary &&
         (isWord(before) != isWord(after)) != instruction.negated;
}

/// Adds a position between two characters, and those reached from it without consuming one.
void follow(const Code &code, Threads &threads, int64_t from, std::optional<uint32_t> before,
            std::optional<uint32_t> after) {
  size_t next = threads.list.size();
  auto add = [&](int64_t position) {
    if (!threads.seen[position]) {
      threads.seen[position] = true;
      threads.list.push_back(position);
    }
  };
  for (add(from); next < threads.list.size(); next++) {
    int64_t position = threads.list[next];
    if (position == length(code))
      continue;
    const Instruction &instruction = code[position];
    if (instruction.kind == Instruction::Split) {
      add(position + instruction.first);
      add(position + instruction.second);
    } else if (holds(instruction, before, after)) {
      add(position + 1);
    }
  }
}

bool consumes(const Instruction &instruction, uint32_t c) {
  bool inside =
      std::any_of(instruction.ranges.begin(), instruction.ranges.end(),
                  [c](const Range &range) { return c >= range.first && c <= range.last; });
  return instruction.kind == Instruction::Set && inside != instruction.negated;
}

} // namespace

std::vector<uint32_t> codePoints(std::string_view text) {
  std::vector<uint32_t> points;
  for (size_t i = 0; i < text.size();) {
    unsigned char lead = text[i];
    size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    uint32_t point = more ? lead & (0x3f >> more) : lead;
    bool valid = i + more < text.size() && lead < 0xf8;
    for (size_t k = 1; valid && k <= more; k++) {
      unsigned char next = text[i + k];
      valid = (next & 0xc0) == 0x80;
      point = point << 6 | (next & 0x3f);
    }
    points.push_back(valid ? point : lead);
    i += valid ? more + 1 : 1;
  }
  return points;
}

Result<Regex> Regex::parse(std::string_view pattern) {
  Parser parser(pattern);
  Regex regex;
  regex.code_ = TRY(parser.alternatives());
  if (!parser.atEnd())
    return badInput("the pattern has a ')' without '('");
  return regex;
}

std::vector<int64_t> Regex::encoded() const {
  std::vector<int64_t> numbers = {length(code_)}, ranges;
  for (const Instruction &instruction : code_) {
    bool isSet = instruction.kind == Instruction::Set;
    int64_t before = static_cast<int64_t>(ranges.size()) / 2;
    for (const Range &range : instruction.ranges)
      ranges.insert(ranges.end(), {range.first, range.last});
    int64_t after = static_cast<int64_t>(ranges.size()) / 2;
    numbers.insert(numbers.end(),
                   {instruction.kind, instruction.negated, isSet ? before : instruction.first,
                    isSet ? after : instruction.second});
  }
  numbers.insert(numbers.end(), ranges.begin(), ranges.end());
  return numbers;
}

bool Regex::fullMatch(std::string_view text) const {
  std::vector<uint32_t> points = codePoints(text);
  Threads now(code_.size()), next(code_.size());
  auto pointAt = [&](size_t i) {
    return i < points.size() ? std::optional(points[i]) : std::nullopt;
  };
  follow(code_, now, 0, std::nullopt, pointAt(0));
  for (size_t i = 0; i < points.size() && !now.list.empty(); i++) {
    next.clear();
    for (int64_t position : now.list)
      if (position < length(code_) && consumes(code_[position], points[i]))
        follow(code_, next, position + 1, points[i], pointAt(i + 1));
    std::swap(now, next);
  }
  return now.seen[code_.size()];
}

} // namespace cameo::eval
