// Changes of element type: Cast, CastLike, BitCast. Floats to integers truncate and saturate, NaN
// gives 0; integers to narrower integers wrap; anything to bool is x != 0; numbers to strings are
// the shortest text that reads back as the same number.
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/EvalContext.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace cameo::eval {
namespace {

/// As Python prints a float: the shortest digits that round-trip in the element type, scientific
/// for exponents under -4 or from 16 on, and `.0` on whole numbers.
template <class T> std::string floatText(T value) {
  if (value != value)
    return "NaN";
  if (std::isinf(value))
    return value > 0 ? "INF" : "-INF";
  double magnitude = std::fabs(static_cast<double>(value));
  bool scientific = magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e16);
  char buffer[64];
  std::to_chars_result end =
      std::to_chars(buffer, buffer + sizeof buffer, value,
                    scientific ? std::chars_format::scientific : std::chars_format::fixed);
  std::string text(buffer, end.ptr);
  if (!scientific && text.find('.') == std::string::npos)
    text += ".0";
  return text;
}

std::string elementText(const Tensor &x, int64_t i) {
  if (x.dtype == DType::F64)
    return floatText(load<double>(x, i));
  if (isFloat(x.dtype))
    return floatText(static_cast<float>(load<double>(x, i)));
  if (x.dtype == DType::Bool)
    return load<uint64_t>(x, i) ? "True" : "False";
  return isSignedInt(x.dtype) ? std::to_string(load<int64_t>(x, i))
                              : std::to_string(load<uint64_t>(x, i));
}

std::string_view trimmed(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t\n\r");
  if (begin == std::string_view::npos)
    return {};
  return text.substr(begin, text.find_last_not_of(" \t\n\r") - begin + 1);
}

template <class T> std::optional<T> parseNumber(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('+'))
    text.remove_prefix(1);
  T value = 0;
  std::from_chars_result end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec == std::errc::result_out_of_range && std::is_floating_point_v<T>)
    return text.starts_with('-') ? -HUGE_VAL : HUGE_VAL;
  if (text.empty() || end.ec != std::errc() || end.ptr != text.data() + text.size())
    return std::nullopt;
  return value;
}

/// Stores the number a string spells; false if it spells none.
bool storeParsed(Tensor &y, int64_t i, std::string_view text) {
  if (isInt(y.dtype)) {
    if (std::optional<int64_t> value = parseNumber<int64_t>(text)) {
      store(y, i, *value);
      return true;
    }
    if (std::optional<uint64_t> value = parseNumber<uint64_t>(text)) {
      store(y, i, *value);
      return true;
    }
  }
  std::optional<double> value = parseNumber<double>(text);
  if (value)
    store(y, i, *value);
  return value.has_value();
}

EvalResult castStrings(EvalContext &c, DType to) {
  const Tensor &x = c.in(0);
  if (to == DType::String)
    return one(x);
  Tensor y = TRY(c.allocate(to, x.dims));
  for (int64_t i = 0; i < x.size(); i++)
    if (!storeParsed(y, i, (*x.strings)[i]))
      return c.error("'" + (*x.strings)[i].substr(0, 50) + "' is not a number");
  return one(y);
}

EvalResult cast(EvalContext &c, DType to) {
  const Tensor &x = c.in(0);
  if (x.dtype == DType::String)
    return castStrings(c, to);
  if (x.dtype == to)
    return one(x);
  Tensor y = TRY(c.allocate(to, x.dims));
  int64_t size = x.size();
  if (to == DType::String) {
    std::vector<std::string> &strings = const_cast<std::vector<std::string> &>(*y.strings);
    for (int64_t i = 0; i < size; i++)
      strings[i] = elementText(x, i);
    return one(y);
  }
  withWide(x.dtype, [&]<class W>() {
    constexpr int64_t kChunk = 512;
    W row[kChunk];
    for (int64_t i = 0; i < size; i += kChunk) {
      int64_t n = std::min(kChunk, size - i);
      loadRow(x, i, 1, n, row);
      storeRow(y, i, 1, n, row);
    }
  });
  return one(y);
}

} // namespace

// The target type of all three is that of the result, which inference read from `to` or the second
// input.
EvalResult evalCast(EvalContext &c) { return cast(c, c.resultDType(0)); }

EvalResult evalBitCast(EvalContext &c) {
  Tensor y = c.in(0);
  DType to = c.resultDType(0);
  TRY(c.require(to != DType::String && y.dtype != DType::String &&
                    dtypeBytes(to) == dtypeBytes(y.dtype),
                "expected element types of equal width, got " + std::string(dtypeName(y.dtype)) +
                    " and " + std::string(dtypeName(to))));
  y.dtype = to;
  return one(y);
}

} // namespace cameo::eval
