// Results whose sizes follow from elements of operands, not from their sizes: a Reshape to a
// computed shape, a Slice to a computed end. Kernel selection puts a `sizes` op before such an op,
// which computes them and defines the symbols in the result's type; everything else then works as
// with any other symbols.
#pragma once

#include "lowering/select/Select.h"

namespace cameo {

/// Writes scalar code that reads operands of a graph op, in i64: in the region of a `sizes`, or of
/// the kernel that then does the op's work.
struct OperandReader {
  Selection &s;
  LoopBuilder &b;
  /// The kernel's operands, and for each of them the number of the graph op's operand.
  std::vector<Value *> operands;
  std::vector<int64_t> numbers;

  explicit OperandReader(Selection &s) : s(s), b(s.b) {}

  Value *number(int64_t value);
  /// Adds a graph op's operand to the kernel's, if it is not there; its number among them.
  int64_t position(int64_t operand);
  /// Element i of a graph op's operand of rank 0 or 1, in its own type or (element) in i64. If the
  /// operand has fewer elements, some other value.
  Value *raw(int64_t operand, int64_t i) { return rawAt(operand, b.index(i)); }
  Value *rawAt(int64_t operand, Value *i);
  Value *element(int64_t operand, int64_t i);
  Value *elementAt(int64_t operand, Value *i) { return b.cast(rawAt(operand, i), DType::I64); }
  Value *size(const Dim &dim);
  /// How many elements an operand of rank 0 or 1 has; nothing if only the run knows.
  std::optional<int64_t> length(int64_t operand) const;
  /// The most elements that an operand can have which lists something for different axes of the
  /// data.
  int64_t entries(int64_t operand) const;
  /// A run-time test that such a list has entry i, or nullptr if it certainly has.
  Value *isThere(int64_t operand, int64_t i);
  /// An axis made non-negative.
  Value *axis(Value *given, int64_t rank);
  /// Makes the run fail unless each element of an operand, which may be absent, is an axis, and no
  /// two are the same.
  void requireAxes(int64_t operand, int64_t rank);
  /// Makes the run fail unless low <= given <= high, all i64.
  void requireBetween(Value *low, Value *given, Value *high);
};

/// Selects `given()` if entry i of operand 1, a list, is about axis `dim` of the data, else
/// `otherwise`. Operand `axes` says which axis each entry is about; if it is absent, entry i is
/// about axis i.
Value *ofAxis(OperandReader &reader, int64_t axes, int64_t i, int64_t dim,
              const std::function<Value *()> &given, Value *otherwise);

/// What a Slice takes of one dim, in i64: `count` elements from `first` on, `step` apart.
struct SliceBounds {
  Value *first, *step, *count;
};
SliceBounds sliceBounds(OperandReader &reader, int64_t dim);
/// Whether a Slice may take less than all of a dim.
bool isSliced(const OperandReader &reader, int64_t dim);

/// How much a Pad adds before or after a dim, in i64.
Value *padAmount(OperandReader &reader, int64_t dim, bool after);

/// What a `sizes` op defines, and the operands that it reads.
struct SymbolValues {
  std::vector<std::string> symbols;
  std::vector<Value *> values; // index, one a symbol
  std::vector<Value *> operands;
};
/// A `sizes` op where the builder is; `write` is called with the builder in its region.
void writeSizes(LoopBuilder &b, const std::function<void(SymbolValues &)> &write);

/// A `generate` kernel in the place of the op. Its operands are the op's first and those that
/// `write` reads, which returns the element at an index.
using ReadingElementFn =
    std::function<Value *(OperandReader &reader, const std::vector<Value *> &index)>;
void generateReading(Selection &s, const ReadingElementFn &write);

/// Defines the symbols of the op's results that `bound` lacks, if there are rules for the op, and
/// appends them to `bound`. The caller must check whether all are defined.
Result<void> defineSizes(Selection &s, std::vector<std::string> &bound);

} // namespace cameo
