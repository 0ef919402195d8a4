// See Faults.h.
#include "ir/eval/Faults.h"

#include "runtime/abi.h"

#include <fmt/format.h>

namespace cameo::eval {

std::string faultText(int64_t code) {
  static constexpr const char *kTexts[] = {"failed",
#define X(name, text) text,
                                           CAMEO_FAULTS(X)
#undef X
  };
  return kTexts[code];
}

Error faultError(std::string text, const std::string &node, const std::optional<int64_t> &a,
                 const std::optional<int64_t> &b) {
  auto insert = [&](const char *place, const std::optional<int64_t> &value) {
    if (size_t at = text.find(place); at != std::string::npos)
      text.replace(at, 2, value ? std::to_string(*value) : "?");
  };
  insert("%a", a);
  insert("%b", b);
  return badInput(node.empty() ? text : fmt::format("node '{}': {}", node, text));
}

} // namespace cameo::eval
