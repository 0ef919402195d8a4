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
  for (auto op = ops_.rbegin(); op != ops_.rend(); ++op)
    (*op)->dropOperands();
  while (!ops_.empty())
    ops_.pop_back();
}

int64_t Block::countOps() const {
  int64_t count = std::ssize(ops_);
  for (const std::unique_ptr<Op> &op : ops_)
    for (int64_t i = 0; i < op->numRegions(); i++)
      count += op->region(i).countOps();
  return count;
}

Value *Block::addArg(Type type, std::string name) {
  std::unique_ptr<Value> &arg = args_.emplace_back(std::make_unique<Value>());
  arg->type = std::move(type);
  arg->name = std::move(name);
  arg->block_ = this;
  arg->index_ = numArgs() - 1;
  return arg.get();
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

void Op::addUse(int64_t operand) {
  Value *value = operands_[operand];
  if (!value)
    return;
  uses_[operand] = value->users_.size();
  value->users_.push_back(this);
  value->uses_.push_back(operand);
}

/// The last use takes the place of the one that goes: a value may have very many.
void Op::removeUse(int64_t operand) {
  Value *value = operands_[operand];
  if (!value)
    return;
  size_t place = uses_[operand];
  Op *lastUser = value->users_.back();
  int64_t lastOperand = value->uses_.back();
  ICE_UNLESS(value->users_[place] == this && value->uses_[place] == operand,
             "use list out of step");
  value->users_[place] = lastUser;
  value->uses_[place] = lastOperand;
  lastUser->uses_[lastOperand] = place;
  value->users_.pop_back();
  value->uses_.pop_back();
}

void Op::setOperand(int64_t i, Value *value) {
  removeUse(i);
  operands_[i] = value;
  addUse(i);
}

void Op::setOperands(std::vector<Value *> operands) {
  size_t same =
      std::mismatch(operands_.begin(), operands_.end(), operands.begin(), operands.end()).first -
      operands_.begin();
  for (size_t i = same; i < operands_.size(); i++)
    removeUse(static_cast<int64_t>(i));
  operands_.resize(same);
  uses_.resize(same);
  for (size_t i = same; i < operands.size(); i++)
    addOperand(operands[i]);
}

void Op::addOperand(Value *value) {
  operands_.push_back(value);
  uses_.push_back(0);
  addUse(numOperands() - 1);
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
