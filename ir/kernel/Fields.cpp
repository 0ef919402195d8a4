// See Fields.h.
#include "ir/kernel/Fields.h"

namespace cameo {

std::string wordList(std::span<const std::string_view> words) {
  std::string text;
  for (size_t i = 0; i < words.size(); i++)
    text += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + std::string(words[i]);
  return text;
}

void FieldReader::fail(std::string_view name, const std::string &what) {
  if (fault.empty())
    fault = "attribute '" + std::string(name) + "': " + what;
}

} // namespace cameo
