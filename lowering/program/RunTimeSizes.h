// The part of a program's `main` that finds out sizes while it runs: between team functions it
// computes them or calls functions in C, sets the entries of the table of sizes, has what depends
// on them computed and checked, and makes room in the boxes whose size is known then.
#pragma once

#include "ir/Program.h"
#include "lowering/build/LoopBuilder.h"
#include "lowering/build/SizeTable.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace cameo {

class RunTimeSizes {
public:
  /// `main` is where the program's `main` goes on.
  RunTimeSizes(Func &func, Program &program, SizeTable &sizes, LoopBuilder &main)
      : func_(func), program_(program), sizes_(sizes), main_(main) {}

  /// Makes entries for all symbols that ops define, before anything asks for a size.
  void defineSymbols();
  /// A `sizes` op.
  void addSizes(Op &op);
  /// A `call_c` op.
  void addCall(Op &op);
  /// Sets the entries of symbols that `op` defines, and what follows from that.
  void define(Op &op, const Dims &symbols, const std::vector<Value *> &values);
  /// Returns from `main` after a failure, when memory may not be what it should.
  void leaveIfFailed();

  /// A typed pointer to a value's first element.
  Value *pointerTo(const Value &value, LoopBuilder &b);
  /// The first element of a value, in `main`.
  Value *loadFirst(const Value &value);
  Port port(const std::string &name, const Type &type);

private:
  /// The element of a value at an offset; 0 if it has none.
  Value *loadIfAny(const Value &value, Value *offset);
  /// Symbols that are always defined together, perhaps by several ops: in both branches of an If,
  /// before a loop and at the end of its body.
  struct Definition {
    std::string function;       // computes and checks what depends on the symbols
    std::vector<int64_t> boxed; // buffers whose size is known then
  };
  Place place(Value *value);
  void follow(Op &op);
  void reserve(const Op &op);

  Func &func_;
  Program &program_;
  SizeTable &sizes_;
  LoopBuilder &main_;
  std::map<const Op *, std::shared_ptr<Definition>> definitions_;
  /// Buffers that keep their contents when they grow: stacked results of loops.
  std::set<int64_t> kept_;
};

} // namespace cameo
