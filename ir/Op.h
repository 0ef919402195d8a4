// The IR's nodes, the same at all three levels: a Value is the result of an Op or an argument of a
// Block; an Op has operands, results, attributes and regions; a Region holds one Block (control
// flow is structured); a Func is a named Block. Ops are one concrete class with a kind: what
// differs between kinds is in the op table (OpSpec.h), not in subclasses.
//
// Regions see the values of the blocks around them. IR is mutable and not const-correct.
#pragma once

#include "ir/Attr.h"
#include "ir/Layout.h"
#include "ir/OpKind.h"
#include "ir/Type.h"

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cameo {

class Op;
class Block;
class Func;

/// Where an op comes from: the names of the ONNX nodes it stands for. Fusion concatenates.
struct Loc {
  std::vector<std::string> nodes;

  std::string str() const; // `conv1` or `conv1+bn1+relu1`
  void append(const Loc &other);
};

class Value {
public:
  Type type;
  /// The user's name for it (an ONNX value name) or "": a hint for printing and messages.
  std::string name;
  /// Graph level, small integer tensors (rank 0 or 1): the elements as sizes, if inference knows
  /// them. What makes a Reshape by a computed shape static.
  std::optional<Dims> known;
  /// Kernel level: where the elements are. Unset at the graph level and for scalars.
  std::optional<Layout> layout;

  /// The op this is a result of, or nullptr for a block argument.
  Op *definingOp() const { return op_; }
  /// The block this is an argument of, or nullptr.
  Block *owner() const { return block_; }
  /// Position among the results or arguments.
  int64_t index() const { return index_; }
  /// One entry a use, in no particular order: an op that uses the value twice is there twice.
  const std::vector<Op *> &users() const { return users_; }
  bool hasOneUse() const { return users_.size() == 1; }
  void replaceAllUsesWith(Value *other);

private:
  friend class Op;
  friend class Block;
  Op *op_ = nullptr;
  Block *block_ = nullptr;
  int64_t index_ = 0;
  std::vector<Op *> users_;
  std::vector<int64_t> uses_; // which operand of the user each is
};

class Block {
public:
  using List = std::list<std::unique_ptr<Op>>;

  explicit Block(Op *parent = nullptr) : parent_(parent) {}
  ~Block();
  Block(const Block &) = delete;
  Block &operator=(const Block &) = delete;

  Value *addArg(Type type, std::string name = "");
  int64_t numArgs() const { return static_cast<int64_t>(args_.size()); }
  Value *arg(int64_t i) const { return args_[i].get(); }
  const std::vector<std::unique_ptr<Value>> &args() const { return args_; }

  List &ops() { return ops_; }
  bool empty() const { return ops_.empty(); }
  /// With those of the regions inside.
  int64_t countOps() const;
  /// The last op (`yield` or `return`); nullptr in a block under construction.
  Op *terminator() const { return ops_.empty() ? nullptr : ops_.back().get(); }
  /// The op whose region this is; nullptr for a function's body.
  Op *parentOp() const { return parent_; }

private:
  friend class Op;
  Op *parent_;
  std::vector<std::unique_ptr<Value>> args_;
  List ops_;
};

class Op {
public:
  /// Makes a detached op; a Builder inserts it. nullptr operands are absent optional ones.
  static std::unique_ptr<Op> make(OpKind kind, std::vector<Value *> operands,
                                  std::vector<Type> resultTypes, AttrDict attrs = {},
                                  int64_t numRegions = 0, Loc loc = {});
  ~Op();
  Op(const Op &) = delete;
  Op &operator=(const Op &) = delete;

  OpKind kind() const { return kind_; }
  AttrDict attrs;
  Loc loc;

  int64_t numOperands() const { return static_cast<int64_t>(operands_.size()); }
  /// nullptr when absent or past the end, so that optional trailing inputs need no case.
  Value *operand(int64_t i) const { return i < numOperands() ? operands_[i] : nullptr; }
  const std::vector<Value *> &operands() const { return operands_; }
  void setOperand(int64_t i, Value *value);
  void setOperands(std::vector<Value *> operands);
  void addOperand(Value *value);

  int64_t numResults() const { return static_cast<int64_t>(results_.size()); }
  Value *result(int64_t i = 0) const { return results_[i].get(); }
  const std::vector<std::unique_ptr<Value>> &results() const { return results_; }
  Value *addResult(Type type);
  /// Removes a result that has no uses.
  void eraseResult(int64_t i);

  int64_t numRegions() const { return static_cast<int64_t>(regions_.size()); }
  Block &region(int64_t i = 0) const { return *regions_[i]; }
  Block &addRegion();

  Block *block() const { return block_; }
  /// The op's place in its block's list; only for an inserted op.
  Block::List::iterator position() const { return position_; }

  bool hasUses() const;
  /// Unlinks and destroys the op, which must have no uses.
  void erase();
  /// Inserts a detached op before `where`.
  static Op *insert(std::unique_ptr<Op> op, Block &block, Block::List::iterator where);
  /// Moves the op before another, which may be in another block.
  void moveBefore(Op *other);
  /// Drops all operand uses, in nested ops too: for tearing down bodies in any order.
  void dropOperands();

private:
  explicit Op(OpKind kind) : kind_(kind) {}
  void addUse(int64_t operand);
  void removeUse(int64_t operand);

  OpKind kind_;
  std::vector<Value *> operands_;
  std::vector<size_t> uses_; // each operand's place among the uses of its value
  std::vector<std::unique_ptr<Value>> results_;
  std::vector<std::unique_ptr<Block>> regions_;
  Block *block_ = nullptr;
  Block::List::iterator position_;
};

} // namespace cameo
