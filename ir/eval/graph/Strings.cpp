// Ops on strings: StringConcat, StringNormalizer, StringSplit, RegexFullMatch, TfIdfVectorizer.
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/EvalContext.h"
#include "ir/eval/graph/Regex.h"

#include <algorithm>
#include <map>

namespace cameo::eval {
namespace {

using Strings = std::vector<std::string>;

/// A string tensor whose characters count against the memory budget too: a loop may double them.
Result<Tensor> stringTensor(EvalContext &c, std::vector<int64_t> dims, Strings strings) {
  int64_t bytes = 0;
  for (const std::string &string : strings)
    bytes += static_cast<int64_t>(sizeof(std::string) + string.size());
  TRY(c.charge(bytes));
  std::shared_ptr<MemoryBudget> budget = c.state.memory;
  TRY(c.require(budget->take(bytes), "strings exceed the memory budget of " +
                                         std::to_string(budget->limit()) + " bytes"));
  Tensor y;
  y.dtype = DType::String;
  y.dims = std::move(dims);
  y.strings = std::shared_ptr<const Strings>(new Strings(std::move(strings)),
                                             [budget, bytes](const Strings *old) {
                                               delete old;
                                               budget->give(bytes);
                                             });
  return y;
}

void appendUtf8(std::string &to, uint32_t point) {
  auto put = [&](uint32_t byte) { to.push_back(static_cast<char>(byte)); };
  if (point < 0x80) {
    put(point);
    return;
  }
  int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  put(((0xf00 >> (more + 1)) & 0xff) | point >> (6 * more));
  while (more-- > 0)
    put(0x80 | (point >> (6 * more) & 0x3f));
}

/// Case pairs of the Unicode blocks Latin, Greek and Cyrillic that are a fixed distance apart:
/// upper case from first to last (every second letter if `step` is 2), lower case `distance` above.
struct CasePairs {
  uint32_t first, last, distance, step;
};
constexpr CasePairs kCases[] = {
    {'A', 'Z', 32, 1},     {0xc0, 0xd6, 32, 1},   {0xd8, 0xde, 32, 1},   {0x100, 0x12e, 1, 2},
    {0x132, 0x136, 1, 2},  {0x139, 0x147, 1, 2},  {0x14a, 0x176, 1, 2},  {0x179, 0x17d, 1, 2},
    {0x391, 0x3a1, 32, 1}, {0x3a3, 0x3a9, 32, 1}, {0x400, 0x40f, 80, 1}, {0x410, 0x42f, 32, 1},
};

std::string changeCase(const std::string &text, bool upper) {
  std::string changed;
  for (uint32_t point : codePoints(text)) {
    for (const CasePairs &pairs : kCases) {
      uint32_t from = pairs.first + (upper ? pairs.distance : 0);
      uint32_t last = pairs.last + (upper ? pairs.distance : 0);
      if (point >= from && point <= last && (point - from) % pairs.step == 0) {
        point = upper ? point - pairs.distance : point + pairs.distance;
        break;
      }
    }
    appendUtf8(changed, point);
  }
  return changed;
}

/// Parts of the text between delimiters, at most `limit` splits; with an empty delimiter runs of
/// white space separate, and none is at the beginning or end.
Strings splitText(const std::string &text, const std::string &delimiter, int64_t limit) {
  constexpr char kSpace[] = " \t\n\r\f\v";
  Strings parts;
  bool spaces = delimiter.empty();
  size_t at = spaces ? text.find_first_not_of(kSpace) : 0;
  while (at != std::string::npos) {
    size_t end = spaces ? text.find_first_of(kSpace, at) : text.find(delimiter, at);
    if (static_cast<int64_t>(parts.size()) == limit)
      end = std::string::npos;
    parts.push_back(text.substr(at, end == std::string::npos ? end : end - at));
    if (end == std::string::npos)
      break;
    at = spaces ? text.find_first_not_of(kSpace, end) : end + delimiter.size();
  }
  return parts;
}

} // namespace

EvalResult evalStringConcat(EvalContext &c) {
  const Tensor &a = c.in(0), &b = c.in(1);
  std::optional<std::vector<int64_t>> dims = broadcastDims(a.dims, b.dims);
  TRY(c.require(dims.has_value(),
                "shapes " + dimsText(a.dims) + " and " + dimsText(b.dims) + " do not broadcast"));
  // The number of strings is checked before there are any.
  TRY(c.allocate(DType::String, *dims));
  Strings strings;
  RowWalk walk(*dims, {broadcastStrides(a.dims, *dims), broadcastStrides(b.dims, *dims)});
  for (; !walk.done(); walk.next())
    for (int64_t i = 0; i < walk.rowLength(); i++) {
      strings.push_back((*a.strings)[walk.offset(0) + i * walk.rowStride(0)] +
                        (*b.strings)[walk.offset(1) + i * walk.rowStride(1)]);
      TRY(c.charge(static_cast<int64_t>(strings.back().size())));
    }
  return one(TRY(stringTensor(c, *dims, std::move(strings))));
}

/// Input: words [count] or [1, count]; stop words go, one empty string is left at least.
EvalResult evalStringNormalizer(EvalContext &c) {
  const Tensor &x = c.in(0);
  TRY(c.require(x.rank() == 1 || (x.rank() == 2 && x.dims[0] == 1),
                "expected shape [count] or [1,count], got " + dimsText(x.dims)));
  Strings stop = c.stringsAttr("stopwords"), kept;
  bool exact = c.intAttr("is_case_sensitive") != 0;
  std::string action = c.stringAttr("case_change_action", "NONE");
  auto plain = [&](const std::string &word) { return exact ? word : changeCase(word, false); };
  for (std::string &word : stop)
    word = plain(word);
  std::sort(stop.begin(), stop.end());
  for (const std::string &word : *x.strings)
    if (!std::binary_search(stop.begin(), stop.end(), plain(word)))
      kept.push_back(action == "NONE" ? word : changeCase(word, action == "UPPER"));
  if (kept.empty())
    kept.emplace_back();
  std::vector<int64_t> dims = x.dims;
  dims.back() = static_cast<int64_t>(kept.size());
  return one(TRY(stringTensor(c, dims, std::move(kept))));
}

/// Results: parts, filled up with empty strings to the longest list, and their numbers.
EvalResult evalStringSplit(EvalContext &c) {
  const Tensor &x = c.in(0);
  std::string delimiter = c.stringAttr("delimiter");
  int64_t limit = c.hasAttr("maxsplit") ? c.intAttr("maxsplit") : -1;
  Tensor counts = TRY(c.ints(x.dims));
  std::vector<Strings> lists;
  int64_t longest = 0;
  for (int64_t i = 0; i < x.size(); i++) {
    lists.push_back(splitText((*x.strings)[i], delimiter, limit));
    int64_t count = static_cast<int64_t>(lists.back().size());
    TRY(c.charge(count + static_cast<int64_t>((*x.strings)[i].size())));
    i64Out(counts)[i] = count;
    longest = std::max(longest, count);
  }
  std::vector<int64_t> dims = x.dims;
  dims.push_back(longest);
  TRY(c.allocate(DType::String, dims));
  Strings parts;
  for (Strings &list : lists) {
    list.resize(longest);
    std::move(list.begin(), list.end(), std::back_inserter(parts));
  }
  return Values{TRY(stringTensor(c, dims, std::move(parts))), counts};
}

EvalResult evalRegexFullMatch(EvalContext &c) {
  Result<Regex> regex = Regex::parse(c.stringAttr("pattern"));
  if (!regex) {
    Error error = c.error(regex.error().message);
    error.kind = regex.error().kind;
    return error;
  }
  const Tensor &x = c.in(0);
  Tensor y = TRY(c.allocate(DType::Bool, x.dims));
  for (int64_t i = 0; i < x.size(); i++) {
    const std::string &text = (*x.strings)[i];
    TRY(c.charge({static_cast<int64_t>(text.size()) + 1, regex->size() + 1}));
    store<uint64_t>(y, i, regex->fullMatch(text));
  }
  return one(y);
}

namespace {

/// N-grams of the pool by their words (numbers as text), to their place in the pool.
using Pool = std::map<Strings, int64_t>;

Result<Pool> poolOf(EvalContext &c) {
  Strings words = c.stringsAttr("pool_strings");
  for (int64_t number : c.intsAttr("pool_int64s"))
    words.push_back(std::to_string(number));
  std::vector<int64_t> starts = c.intsAttr("ngram_counts");
  int64_t size = static_cast<int64_t>(words.size());
  starts.push_back(size);
  Pool pool;
  int64_t place = 0;
  for (size_t n = 1; n < starts.size(); n++) {
    int64_t begin = starts[n - 1], end = starts[n], length = static_cast<int64_t>(n);
    TRY(c.require(begin >= 0 && begin <= end && end <= size && (end - begin) % length == 0,
                  "ngram_counts do not divide the pool of " + std::to_string(size)));
    for (; begin < end; begin += length)
      pool.emplace(Strings(words.begin() + begin, words.begin() + begin + length), place++);
  }
  TRY(c.require(place == static_cast<int64_t>(c.intsAttr("ngram_indexes").size()),
                "ngram_indexes: expected one for each of the " + std::to_string(place) +
                    " n-grams"));
  return pool;
}

/// Adds how often each n-gram of the pool occurs in a row, words up to max_skip_count apart.
Result<void> countNgrams(EvalContext &c, const Pool &pool, const Strings &row,
                         std::vector<int64_t> &counts) {
  int64_t length = static_cast<int64_t>(row.size());
  int64_t longest = std::min(c.intAttr("max_gram_length"),
                             static_cast<int64_t>(c.intsAttr("ngram_counts").size()));
  for (int64_t n = std::max<int64_t>(c.intAttr("min_gram_length"), 1); n <= longest; n++)
    for (int64_t skip = 0; skip <= c.intAttr("max_skip_count"); skip++) {
      // One word has nothing to skip.
      if ((n == 1 && skip > 0) || (n - 1) * (skip + 1) >= length)
        break;
      for (int64_t i = 0; i + (n - 1) * (skip + 1) < length; i++) {
        TRY(c.charge(100 * n));
        Strings gram;
        for (int64_t k = 0; k < n; k++)
          gram.push_back(row[i + k * (skip + 1)]);
        if (auto found = pool.find(gram); found != pool.end())
          counts[found->second]++;
      }
    }
  return {};
}

} // namespace

/// Input: words [count] or [rows, count]; counts of the pool's n-grams, weighted as mode says.
EvalResult evalTfIdfVectorizer(EvalContext &c) {
  const Tensor &x = c.in(0);
  TRY(c.require(x.rank() == 1 || x.rank() == 2, "expected rank 1 or 2"));
  Pool pool = TRY(poolOf(c));
  std::vector<int64_t> indexes = c.intsAttr("ngram_indexes");
  std::vector<double> weights = c.floatsAttr("weights");
  weights.resize(std::max(weights.size(), indexes.size()), 1);
  std::string mode = c.stringAttr("mode");
  int64_t width = 0, rows = x.rank() == 2 ? x.dims[0] : 1;
  for (int64_t index : indexes) {
    TRY(c.require(index >= 0 && index < int64_t{1} << 31, "ngram_indexes are out of range"));
    width = std::max(width, index + 1);
  }
  std::vector<int64_t> dims = x.dims;
  dims.back() = width;
  Tensor y = TRY(c.allocate(DType::F32, dims));
  for (int64_t row = 0; row < rows && y.size() > 0; row++) {
    Strings words;
    for (int64_t i = 0; i < x.dims.back(); i++) {
      int64_t at = row * x.dims.back() + i;
      words.push_back(x.dtype == DType::String ? (*x.strings)[at]
                                               : std::to_string(load<int64_t>(x, at)));
    }
    std::vector<int64_t> counts(indexes.size());
    TRY(countNgrams(c, pool, words, counts));
    for (size_t i = 0; i < counts.size(); i++) {
      double count = static_cast<double>(counts[i]);
      if (mode == "IDF")
        count = std::min(count, 1.0);
      store(y, row * width + indexes[i], mode == "TF" ? count : count * weights[i]);
    }
  }
  return one(y);
}

} // namespace cameo::eval
