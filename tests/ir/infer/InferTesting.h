// How tests of inference rules are written: arguments and ops as IR text without result types, and
// what they infer to.
#pragma once

#include "ir/Parser.h"
#include "ir/Printer.h"

#include <gtest/gtest.h>

#include <string>

namespace cameo {

/// The types of the last op's results: `f32[N,3], i64[2] known <N, 3>`; or the error's message from
/// `node` or `a node` on.
inline std::string inferred(const std::string &arguments, const std::string &ops) {
  Result<Module> module =
      parseModule("module \"m\" {\n  func @main(" + arguments + ") {\n" + ops + "\n  }\n}\n", "t");
  if (!module)
    return module.error().message;
  std::string text;
  Op *last = module->main().body.terminator();
  for (int64_t i = 0; i < last->numResults(); i++) {
    const Value &value = *last->result(i);
    text += (i ? ", " : "") + value.type.str();
    if (value.known)
      text += " known " + dimsText(*value.known);
  }
  return text;
}

/// The same for one op given as `Kind(operands) {attributes}` with `results` results.
inline std::string inferredOp(const std::string &arguments, const std::string &op,
                              int results = 1) {
  std::string names;
  for (int i = 0; i < results; i++)
    names += (i ? ", %r" : "%r") + std::to_string(i);
  return inferred(arguments, "    " + names + " = " + op);
}

/// Whether the message has the text, with the message shown if it has not.
inline testing::AssertionResult has(const std::string &message, const std::string &text) {
  if (message.find(text) != std::string::npos)
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << message << "' has no '" << text << "'";
}

} // namespace cameo
