// A model at any level: functions, and what the model says about itself. At the graph level there
// is one function, `main`, whose arguments and results carry the model's input and output names. At
// the loop level there are the generated functions.
#pragma once

#include "ir/Op.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace cameo {

class Module;

class Func {
public:
  explicit Func(std::string name) : name(std::move(name)) {}

  std::string name;
  /// Arguments and ops; the last op is `return`, whose operands are the results.
  Block body;
  /// `kind = "micro"` and the like; see docs/ir.md for those the loop level defines.
  AttrDict attrs;
  /// Graph level: the model's output names, one an operand of `return`.
  std::vector<std::string> resultNames;
  /// Kernel level: root buffers that layouts refer to.
  std::vector<Buffer> buffers;
};

/// Whether Module::freshSymbol made the name: then it says nothing to a user.
bool isFreshSymbol(const std::string &name);

/// The attribute of a graph's function with the names that the model's file gives to sizes of its
/// results: a text for each result, names of the axes with commas between, "" for none.
constexpr const char *kResultSizes = "result_sizes";
/// What a size of a result is called that is none of the arguments': as the file has it, else
/// `RESULT_AXIS`.
std::string resultSizeName(const Func &func, int64_t result, int64_t axis);

class Module {
public:
  std::string name;
  std::vector<std::unique_ptr<Func>> funcs;
  /// ONNX metadata_props, producer, opset and the like, kept for the library's metadata.
  std::map<std::string, std::string> metadata;

  Func *addFunc(std::string funcName);
  Func *find(const std::string &funcName) const;
  /// The graph- or kernel-level function.
  Func &main() const { return *funcs.front(); }
  /// A symbol name not yet used in this module: `prefix`, `prefix1` ...
  std::string freshSymbol(const std::string &prefix = "s");
  /// Makes fresh symbols' numbers at least `next`: for modules that come with symbols.
  void reserveSymbols(int64_t next) { nextSymbol_ = std::max(nextSymbol_, next); }

private:
  int64_t nextSymbol_ = 0;
};

} // namespace cameo
