// What lowering hands to the code generator: loop-level functions and everything the generated
// library says about itself. Code generation adds nothing of its own but the target.
#pragma once

#include "ir/Module.h"

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace cameo {

/// A dim of a port: a constant, or an entry of the run's table of sizes.
struct PortDim {
  int64_t constant = -1;
  int64_t entry = -1; // index into the table, used when constant < 0
};

/// An input or output of the model, in order.
struct Port {
  std::string name;
  DType dtype = DType::F32;
  std::vector<PortDim> dims;
  /// Of an output: what each of its sizes is called if no input gives it a name.
  std::vector<std::string> sizeNames = {};
  Type::Kind kind = Type::Kind::Tensor;
  /// Whether the number of dims is known, of a tensor or of what a sequence or optional has.
  bool isRanked = true;
  /// The box that holds an output whose size, or whose number of elements, only the run knows; -1
  /// for all others.
  int64_t box = -1;
};

/// Where an operand or result of a call is.
struct Place {
  Buffer::Space space = Buffer::Space::Arena;
  bool isAbsent = false;
  /// Of the input, output or box.
  int64_t index = 0;
  /// In bytes, from the start of the arena, the weights or whatever it is in.
  PortDim offset;
  /// Type and sizes.
  Port port;
};

/// A call of a function in C on the calling thread (runtime/include/cameo_op.h).
struct Site {
  std::string callee;
  std::vector<Place> inputs, outputs;
  AttrDict attributes;
  /// Entries of the table of sizes that the call fills in.
  std::vector<int64_t> defines;
  int64_t node = -1;
};

/// How weights are made, a part at a time: `write` makes the bytes from offset `from` on, as many
/// as the span has, which is zeros. A part is of whole pieces. Several threads may make parts at
/// once.
struct WeightMaker {
  int64_t pieceBytes = 1;
  std::function<void(std::span<std::byte> to, int64_t from)> write;
};

/// A part of the weight segment. It is made while the library is written, so that packed weights
/// never all exist in memory.
struct WeightBlob {
  std::string name;
  int64_t offset = 0; // multiple of 64
  int64_t size = 0;
  WeightMaker maker;
};

/// Texts, each once, by the numbers that they get in order.
struct TextTable {
  std::vector<std::string> names;
  std::unordered_map<std::string, int64_t> numbers;

  /// The number of a text, which is added when it is new.
  int64_t add(const std::string &text) {
    auto [entry, isNew] = numbers.try_emplace(text, std::ssize(names));
    if (isNew)
      names.push_back(text);
    return entry->second;
  }
};

struct Program {
  /// Functions by attribute `kind`:
  ///   "main"       () on the calling thread: `team`, control flow
  ///   "sizes"      () -> i32: from the bound symbols fills the rest of the table of sizes; 0, or 1
  ///   when
  ///                a size overflows or is negative
  ///   "workspace"  (threads: index) -> index: bytes of arena, -1 on overflow
  ///   "team"       () run by all threads
  ///   "kernel"     called by team functions: (pointers and indices ..., begin, end)
  ///   "micro"      called by kernels; never inlined
  Module module;
  std::vector<Port> inputs, outputs;
  std::vector<Site> sites;
  int64_t numBoxes = 0;
  /// Names of the table's first entries: the symbols that input shapes bind, in order.
  std::vector<std::string> symbols;
  int64_t numDims = 0;
  /// Names of ONNX nodes: what `fail`'s node attribute indexes.
  TextTable nodeNames;
  /// Texts of faults that are this model's own, numbered from CAMEO_FAULT_OWN (runtime/abi.h) on.
  TextTable faultTexts;
  std::vector<WeightBlob> weights;
  int64_t weightBytes = 0;
  std::map<std::string, std::string> metadata;
};

} // namespace cameo
