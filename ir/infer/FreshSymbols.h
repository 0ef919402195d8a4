// Symbols for sizes that an op alone knows. Rules run often: where one makes a fresh size in the
// same place as the time before, the old symbol stays, so that inferring twice changes nothing.
#pragma once

#include "ir/Module.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace cameo {

class FreshSymbols {
public:
  /// Remembers the op's results, which inference is about to overwrite.
  explicit FreshSymbols(const Op &op);

  /// Makes a size that is equal to no other, with a name that is valid until settle().
  Dim make();

  /// Whether a size mentions one that make() made.
  bool isIn(const Dim &dim) const { return !made(dim).empty(); }

  /// Gives their final names to the sizes of make() that are in results: the name that the result's
  /// size had before, if this op had made it, else a new one.
  void settle(Module &module, Op &op);

private:
  std::set<std::string> made(const Dim &dim) const;
  std::set<std::string> own(const Dim &dim) const;
  void match(const Dims &before, const Dims &now);

  std::vector<Dims> before_;    // shapes, then known contents, of each result
  std::set<std::string> read_;  // symbols of what the op and its regions read
  std::set<std::string> taken_; // old symbols in use again
  std::map<std::string, Dim> names_;
  int64_t count_ = 0;
};

} // namespace cameo
