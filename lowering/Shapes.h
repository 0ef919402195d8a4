// Questions about operands and attributes that several passes ask.
#pragma once

#include "ir/Module.h"

#include <optional>
#include <string>
#include <vector>

namespace cameo {

/// The elements of a small integer tensor if all are known at compile time.
std::optional<std::vector<int64_t>> constantInts(Value *value);
/// The data of a Constant's result; nullptr for anything else.
ConstRef constantData(Value *value);

/// Whether an optional list operand is given: exporters write an absent one as an empty tensor.
bool isGiven(const Value *list);
/// Whether values of the type are trees in the context's heap, which only functions in C handle:
/// strings, sequences, optionals.
bool isBoxed(const Type &type);

/// The symbols that the inputs' shapes bind, in order of first appearance.
std::vector<std::string> boundSymbols(Func &func);
/// The symbols of a size that are not among `bound`.
std::vector<std::string> missingSymbols(const Dim &dim, const std::vector<std::string> &bound);
/// The symbols that a `sizes` or `call_c` defines when it has run; none of other ops.
std::vector<std::string> definedSymbols(const Op &op);

/// A convolution's or pool's window, one entry a spatial dim; explicit pads whatever auto_pad said.
struct Window {
  std::vector<int64_t> kernel, strides, dilations, padsBegin;
  /// Padding after the end is whatever the output size needs; 0 where none is.
  std::vector<Dim> padsEnd;
};

/// The window of a Conv, MaxPool, AveragePool or LpPool with types inferred. `kernel` is its
/// spatial extent. Nothing when auto_pad needs a size that is not constant.
std::optional<Window> windowOf(const Op &op, const std::vector<int64_t> &kernel);

} // namespace cameo
