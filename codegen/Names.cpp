// See Names.h.
#include "codegen/Names.h"

#include <fmt/format.h>
#include <set>
#include <string_view>

namespace cameo {
namespace {

bool isReserved(const std::string &name) {
  static const std::set<std::string_view> reserved = [] {
    std::string_view text =
#include "codegen/ReservedNames.inc"
        ;
    std::set<std::string_view> names;
    for (size_t end; (end = text.find(' ')) != std::string_view::npos; text.remove_prefix(end + 1))
      names.insert(text.substr(0, end));
    return names;
  }();
  // An underscore is free before a digit alone.
  bool system = name.size() > 1 && name[0] == '_' && !(name[1] >= '0' && name[1] <= '9');
  return system || reserved.contains(name) || name.starts_with("cameo") ||
         name.starts_with("pthread_");
}

} // namespace

std::string identifierCharacters(const std::string &name) {
  std::string result;
  for (char c : name) {
    bool isAlpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    bool isDigit = c >= '0' && c <= '9';
    if (isDigit && result.empty())
      result += '_';
    result += isAlpha || isDigit ? c : '_';
  }
  return result;
}

std::string modelIdentifier(const std::string &name) {
  std::string result = identifierCharacters(name);
  if (result.empty())
    return "model";
  return isReserved(result) ? "m_" + result : result;
}

std::string boundIdentifier(const std::string &entry, uint64_t modelHash) {
  return fmt::format("{}_of_model_{:016x}", entry, modelHash);
}

} // namespace cameo
