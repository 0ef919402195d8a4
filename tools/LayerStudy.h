// How the inner values of models compare: compiled code with a reference, and the variants of a
// model with that model. For the page of `cameo bench --report`.
#pragma once

#include "tools/Compiler.h"
#include "tools/Engine.h"
#include "tools/Taps.h"

#include <optional>

namespace cameo {

/// An inner value or an output, in order of execution.
struct LayerResult {
  std::string value, node, op;
  /// Of compiled code from the reference, and from what the reference says of the value of this
  /// name in the first model, where there is one.
  std::optional<Deviation> fromReference, fromFirst;
};

class LayerStudy {
public:
  /// `reference` as --against of `cameo bench`.
  LayerStudy(std::string reference, RunOptions run) : reference_(std::move(reference)), run_(run) {}

  /// Compiles the model of the request once more, with its inner values as outputs. Reports errors
  /// itself; the exit status. The model of the first call is the one that others are variants of.
  int add(CompileRequest request, const std::vector<RuntimeValue> &inputs,
          std::vector<LayerResult> &results);

private:
  Result<std::vector<LayerResult>> compare(const CompileRequest &request,
                                           const std::string &library,
                                           const std::vector<RuntimeValue> &inputs);

  std::string reference_;
  RunOptions run_;
  bool isFirst_ = true;
  std::map<std::string, RuntimeValue> first_; // by name
};

} // namespace cameo
