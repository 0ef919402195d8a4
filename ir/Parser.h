// IR text back to a module; the inverse of Printer.h. docs/ir.md describes the syntax.
//
// Beyond what the printer writes, graph ops may leave out their result types, which are then
// inferred, and comments (`//`) may stand anywhere. The parser resolves names and nothing more:
// whether ops are used as their table rows say is the verifier's to check.
#pragma once

#include "ir/Module.h"
#include "ir/Result.h"

#include <string>
#include <string_view>
#include <vector>

namespace cameo {

/// `fileName` stands in messages: `fileName:line:column: message`. Any text gives a module or an
/// error, in time and memory that its length bounds (constants by name only reserve memory).
/// `elided` gets the names and types of the constants whose elements are not in the text.
Result<Module> parseModule(std::string_view text, const std::string &fileName,
                           std::vector<std::string> *elided = nullptr);
/// A type from its text.
Result<Type> parseType(std::string_view text);

} // namespace cameo
