// See Fault.h.
#include "ir/Fault.h"

#include "ir/Result.h"
#include "runtime/abi.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace cameo {
namespace {

constexpr std::string_view kOwn = "own ";

/// The words of all rows, in the order of their numbers.
const auto &faultWords() {
  static const auto words = [] {
    std::array names = {std::string("none"),
#define X(name, text) std::string(#name),
                        CAMEO_FAULTS(X)
#undef X
    };
    for (std::string &name : names)
      for (char &letter : name)
        letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    return names;
  }();
  return words;
}

} // namespace

std::string faultWord(int64_t code) {
  return code < CAMEO_FAULT_OWN ? faultWords()[code]
                                : std::string(kOwn) + std::to_string(code - CAMEO_FAULT_OWN);
}

std::optional<int64_t> faultFromWord(std::string_view word) {
  if (word.starts_with(kOwn)) {
    word.remove_prefix(kOwn.size());
    int32_t number = 0;
    auto [end, error] = std::from_chars(word.begin(), word.end(), number);
    if (error == std::errc() && end == word.end() && number >= 0 && number <= INT32_MAX / 2)
      return CAMEO_FAULT_OWN + number;
    return std::nullopt;
  }
  const auto &words = faultWords();
  auto found = std::find(words.begin() + 1, words.end(), word);
  return found == words.end() ? std::nullopt : std::optional<int64_t>(found - words.begin());
}

int64_t faultOf(const AttrDict &attrs) {
  std::optional<int64_t> code = faultFromWord(attrs.getString("code"));
  ICE_UNLESS(code, "there is no fault '" + attrs.getString("code") + "'");
  return *code;
}

} // namespace cameo
