// The run's table of sizes: the symbols that inputs bind come first, then every expression over
// them that generated code needs. The function `sizes` fills it once at the head of a run, with
// overflow checked there and nowhere else.
#pragma once

#include "ir/Program.h"
#include "lowering/loops/LoopBuilder.h"

#include <map>
#include <string>
#include <vector>

namespace cameo {

class SizeTable {
public:
  explicit SizeTable(std::vector<std::string> symbols);

  /// The entry of a non-constant size; made on first use.
  int64_t entry(const Dim &dim);
  /// The size as an index value: a constant, or a read of the table.
  Value *value(LoopBuilder &b, const Dim &dim);
  /// Makes a symbol of its own for a size, in order: later ones may use it.
  void define(const std::string &symbol, const Dim &dim);
  /// Makes an entry for a symbol whose value the run finds out. Gives its index, and the name of
  /// the function that computes what depends on it, to be called whenever the entry is set.
  std::pair<int64_t, std::string> defineAtRunTime(const std::string &symbol);
  /// A port's dim.
  PortDim portDim(const Dim &dim);
  /// Marks a size that must not be negative (an output's dim, a buffer's size).
  void requireNonNegative(const Dim &dim);

  /// Makes a run fail, naming node number `node`, unless elements `first` and `last` of a dim are
  /// there.
  void requireElements(const Dim &first, const Dim &last, const Dim &extent, int64_t node);

  /// Writes the function `sizes`, and those of symbols defined at run time, for all entries made so
  /// far.
  void emit(Module &module) const;

  const std::vector<std::string> &symbols() const { return symbols_; }
  int64_t numEntries() const;

private:
  struct Elements {
    Dim first, last, extent;
    int64_t node;
  };

  std::vector<std::string> symbols_;
  /// Entries after those of the symbols. Group 0 is known at the head of a run, group g depends on
  /// the g-th symbol defined at run time, and perhaps on earlier ones.
  struct Derived {
    Dim dim;
    int64_t group = 0;
  };
  std::vector<Derived> derived_;
  std::map<std::string, int64_t> groups_;  // of symbols defined at run time
  std::map<std::string, int64_t> entries_; // by text
  std::vector<Dim> nonNegative_;
  std::vector<Elements> elements_;
};

} // namespace cameo
