// Inserts ops at a point. Graph-level ops get their result types from the op table's inference; the
// other levels state them.
#pragma once

#include "ir/Module.h"
#include "ir/Result.h"

namespace cameo {

class Builder {
public:
  explicit Builder(Module &module) : module_(module) {}
  Builder(Module &module, Block &block) : module_(module) { atEnd(block); }

  void atEnd(Block &block) { block_ = &block, where_ = block.ops().end(); }
  void before(Op *op) { block_ = op->block(), where_ = op->position(); }
  void after(Op *op) { block_ = op->block(), where_ = std::next(op->position()); }
  /// The location given to ops created without one.
  Loc loc;

  Module &module() { return module_; }
  Block *block() { return block_; }

  /// A graph-level op, completed with default attributes, checked and inferred. `numResults` is the
  /// number of results wanted; the spec's when -1.
  Result<Op *> graph(OpKind kind, std::vector<Value *> operands, AttrDict attrs = {},
                     int64_t numResults = -1);
  /// The same where failure can only be our bug.
  Value *graphValue(OpKind kind, std::vector<Value *> operands, AttrDict attrs = {});
  /// A graph-level Constant.
  Value *constant(ConstRef data);
  /// Any op with stated result types.
  Op *create(OpKind kind, std::vector<Value *> operands, std::vector<Type> resultTypes,
             AttrDict attrs = {}, int64_t numRegions = 0);

private:
  Module &module_;
  Block *block_ = nullptr;
  Block::List::iterator where_;
};

} // namespace cameo
