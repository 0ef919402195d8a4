// The run's table of sizes: the symbols that inputs bind come first, then every expression over
// them that generated code needs. The function `sizes` fills it once at the head of a run, with
// overflow checked there and nowhere else.
#pragma once

#include "ir/Program.h"
#include "ir/infer/Requirement.h"
#include "lowering/build/LoopBuilder.h"

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
  /// The size in an entry.
  static Value *valueOf(LoopBuilder &b, int64_t entry);
  /// Makes a symbol of its own for a size, in order: later ones may use it.
  void define(const std::string &symbol, const Dim &dim);
  /// Makes entries for symbols whose values the run finds out, all at once. The name of the
  /// function that computes and checks what depends on them, to be called whenever the entries are
  /// set.
  std::string defineAtRunTime(const std::vector<std::string> &symbols);
  /// A port's dim of which nothing is known: an entry that nothing sets.
  PortDim unknownDim();
  /// A port's dim.
  PortDim portDim(const Dim &dim);
  /// Marks a size that must not be negative (an output's dim, a buffer's size).
  void requireNonNegative(const Dim &dim);

  /// Makes a run fail, naming node number `node`, unless elements `first` and `last` of a dim are
  /// there. Checked at the head of the run: knowsAtHead() of all three.
  void requireElements(const Dim &first, const Dim &last, const Dim &extent, int64_t node);
  /// The same where the builder is, in `main`.
  void requireElementsHere(LoopBuilder &b, const Dim &first, const Dim &last, const Dim &extent,
                           int64_t node);

  /// Whether the table has the symbols of a size, and whether they are known at the head of a run.
  bool knows(const Dim &dim) const;
  bool knowsAtHead(const Dim &dim) const;

  /// Makes a run fail with fault `code` about node number `node` and both sizes, unless they are in
  /// the relation. Checked at the head of the run, before other requirements: knowsAtHead() of
  /// both. Of the same requirement by several nodes the first counts.
  void require(Relation relation, const Dim &a, const Dim &b, int64_t code, int64_t node);
  /// The same where the builder is, in `main`, for symbols whose values the run has found out.
  void requireHere(LoopBuilder &b, Relation relation, const Dim &x, const Dim &y, int64_t code,
                   int64_t node);

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
  struct Related {
    Relation relation;
    Dim a, b;
    int64_t code, node;
  };

  std::vector<std::string> symbols_;
  /// Entries after those of the symbols. Group 0 is known at the head of a run, group g depends on
  /// symbols of the g-th definition at run time, and perhaps on earlier ones.
  struct Derived {
    Dim dim;
    int64_t group = 0;
  };
  std::vector<Derived> derived_;
  Value *emitGroup(LoopBuilder &b, int64_t group) const;
  /// The latest group of the symbols in a size.
  int64_t groupOf(const Dim &dim) const;

  std::map<std::string, int64_t> groups_; // of symbols defined at run time
  int64_t numGroups_ = 1;
  std::map<std::string, int64_t> entries_; // by text
  std::vector<Dim> nonNegative_;
  std::vector<Related> related_;
  std::vector<Elements> elements_;
};

} // namespace cameo
