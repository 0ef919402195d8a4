// Ownership and use lists of the IR's nodes; see Op.h.
#include "ir/Op.h"

#include "ir/Result.h"

#include <algorithm>

namespace cameo {

std::string Loc::str() const {
  std::string text;
  for (const std::string &node : nodes)
    text += (text.empty() ? "" : "+") + node;
  return text;
}

void Loc::append(const Loc &other) {
  for (const std::string &node : other.nodes)
    if (std::find(nodes.begin(), nodes.end(), node) == nodes.end())
      nodes.push_back(node);
}

void Value::replaceAllUsesWith(Value *other) {
  ICE_UNLESS(other != this, "a value replaced by itself");
  while (!users_.empty()) {
    Op *user = users_.back();
    for (int64_t i = 0; i < user->numOperands(); i++)
      if (user->operand(i) == this)
        user->setOperand(i, other);
  }
}

Block::~Block() {
  // Newest uses first, which removeUse finds at once: a value may have very many.
  for (auto op = ops_.rbegin(); op != ops_.rend(); ++op)
    (*op)->dropOperands();
  while (!ops_.empty())
    ops_.pop_back();
}

Value *Block::addArg(Type type, std::string name) {
  std::unique_ptr<Value> &arg = args_.emplace_back(std::make_unique<Value>());
  arg->type = std::move(type);
  arg->name = std::move(name);
  arg->block_ = this;
  arg->index_ = numArgs() - 1;
  return arg.get();
}

void Block::eraseArg(int64_t index) {
  ICE_UNLESS(args_[index]->users().empty(), "an erased block argument has uses");
  args_.erase(args_.begin() + index);
  for (int64_t i = index; i < numArgs(); i++)
    args_[i]->index_ = i;
}

std::unique_ptr<Op> Op::make(OpKind kind, std::vector<Value *> operands,
                             std::vector<Type> resultTypes, AttrDict attrs, int64_t numRegions,
                             Loc loc) {
  std::unique_ptr<Op> op(new Op(kind));
  op->attrs = std::move(attrs);
  op->loc = std::move(loc);
  op->setOperands(std::move(operands));
  for (Type &type : resultTypes)
    op->addResult(std::move(type));
  for (int64_t i = 0; i < numRegions; i++)
    op->addRegion();
  return op;
}

Op::~Op() { dropOperands(); }

void Op::removeUse(Value *value) {
  if (!value)
    return;
  // The newest use or the oldest is the likeliest to go, and a value may have very many.
  std::vector<Op *> &users = value->users_;
  ICE_UNLESS(!users.empty(), "use list out of step");
  auto use = users.back() == this ? std::prev(users.end()) : users.begin();
  if (*use != this)
    use = std::find(users.begin(), users.end(), this);
  ICE_UNLESS(use != users.end(), "use list out of step");
  users.erase(use);
}

void Op::setOperand(int64_t i, Value *value) {
  removeUse(operands_[i]);
  operands_[i] = value;
  if (value)
    value->users_.push_back(this);
}

void Op::setOperands(std::vector<Value *> operands) {
  for (Value *old : operands_)
    removeUse(old);
  operands_.clear();
  for (Value *value : operands)
    addOperand(value);
}

void Op::addOperand(Value *value) {
  operands_.push_back(value);
  if (value)
    value->users_.push_back(this);
}

Value *Op::addResult(Type type) {
  std::unique_ptr<Value> &result = results_.emplace_back(std::make_unique<Value>());
  result->type = std::move(type);
  result->op_ = this;
  result->index_ = numResults() - 1;
  return result.get();
}

void Op::eraseResult(int64_t i) {
  ICE_UNLESS(results_[i]->users().empty(), "an erased result has uses");
  results_.erase(results_.begin() + i);
  for (int64_t k = i; k < numResults(); k++)
    results_[k]->index_ = k;
}

Block &Op::addRegion() { return *regions_.emplace_back(std::make_unique<Block>(this)); }

bool Op::hasUses() const {
  return std::any_of(results_.begin(), results_.end(),
                     [](const std::unique_ptr<Value> &r) { return !r->users().empty(); });
}

void Op::erase() {
  ICE_UNLESS(!hasUses(), "an erased op has uses");
  block_->ops_.erase(position_);
}

Op *Op::insert(std::unique_ptr<Op> op, Block &block, Block::List::iterator where) {
  Op *raw = op.get();
  raw->block_ = &block;
  raw->position_ = block.ops_.insert(where, std::move(op));
  return raw;
}

void Op::moveBefore(Op *other) {
  other->block_->ops_.splice(other->position_, block_->ops_, position_);
  block_ = other->block_;
}

void Op::dropOperands() {
  setOperands({});
  for (const std::unique_ptr<Block> &region : regions_)
    for (const std::unique_ptr<Op> &op : region->ops())
      op->dropOperands();
}

} // namespace cameo
