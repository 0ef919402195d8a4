// Questions about operands and attributes that several passes ask.
#pragma once

#include "ir/Module.h"
#include "ir/infer/UnifySizes.h"

#include <optional>
#include <string>
#include <vector>

namespace cameo {

/// The elements of a small integer tensor if all are known at compile time.
std::optional<std::vector<int64_t>> constantInts(Value *value);
/// The data of a Constant's result; nullptr for anything else.
ConstRef constantData(Value *value);
/// The element of a constant whose elements are all equal.
std::optional<double> uniformValue(Value *value);
/// Whether two values are the same constant, or the same value; both may be absent.
bool sameNumbers(Value *a, Value *b);
/// Whether two values are the same, also where an exporter has computed one twice: a quantizer
/// gives each reader a DequantizeLinear of its own.
bool sameValue(Value *a, Value *b);

/// Whether an optional list operand is given: exporters write an absent one as an empty tensor.
bool isGiven(const Value *list);
/// Whether values of the type are trees in the context's heap, which only functions in C handle:
/// strings, sequences, optionals, tensors of a rank that only the run knows.
bool isBoxed(const Type &type);

/// The symbols of a size that are not among `bound`.
std::vector<std::string> missingSymbols(const Dim &dim, const std::vector<std::string> &bound);
/// The symbols that a `sizes` or `call_c` defines when it has run; none of other ops.
std::vector<std::string> definedSymbols(const Op &op);

/// Padding of one spatial dim.
struct Pads {
  Dim begin, end;
};
/// That of spatial dim i of a Conv, MaxPool, AveragePool or LpPool with types inferred, whose
/// dilated kernel has this extent.
Pads padsOf(const Op &op, size_t i, const Dim &extent);

/// A convolution's or pool's window, one entry a spatial dim. Pads are explicit: auto_pad has been
/// applied.
struct Window {
  std::vector<int64_t> kernel, strides, dilations;
  /// padsEnd is as much padding as the output size needs, at least 0. Both have bounds (rangeOf),
  /// even if auto_pad makes them depend on a size that only the run knows.
  Dims padsBegin, padsEnd;
};

/// The window of a Conv, MaxPool, AveragePool or LpPool with types inferred. `kernel` is its
/// spatial extent.
Window windowOf(const Op &op, const std::vector<int64_t> &kernel);

} // namespace cameo
