// Errors that a run of compiled code reports, in the runtime's words.
#pragma once

#include "ir/Result.h"

#include <cstdint>
#include <optional>
#include <string>

namespace cameo::eval {

/// The text of a fault of runtime/abi.h, with %a and %b for the values of the fault.
std::string faultText(int64_t code);

/// The error that a run ends with: `text` with the values for %a and %b, and the node's name unless
/// that is empty.
Error faultError(std::string text, const std::string &node, const std::optional<int64_t> &a,
                 const std::optional<int64_t> &b);

} // namespace cameo::eval
