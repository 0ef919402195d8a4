// See RankRoots.h. Ranks are followed from where values are made to where they are used, through
// branches, loops and sequences.
#include "ir/infer/RankRoots.h"

#include "ir/OpSpec.h"
#include "ir/infer/Checks.h"

#include <algorithm>
#include <set>

namespace cameo {
namespace {

/// A set of ranks: bit r stands for rank r.
using Ranks = uint64_t;
constexpr Ranks kAnyRank = (Ranks(1) << (kMaxOpenRank + 1)) - 1;
// Chains of sequences may be as long as a model.
constexpr int kMaxSteps = 2000;

/// Whether the op takes operands of unknown rank as they are.
bool takesAnyRank(const Op &op) {
  switch (op.kind()) {
  case OpKind::Constant:
  case OpKind::Custom:
  case OpKind::Identity:
  case OpKind::Box:
  case OpKind::Rank:
  case OpKind::Expect:
  case OpKind::SequenceConstruct:
  case OpKind::SequenceInsert:
  case OpKind::SplitToSequence:
  case OpKind::Optional:
  case OpKind::OptionalHasElement:
  case OpKind::OptionalGetElement:
  case OpKind::If:
  case OpKind::Loop:
  case OpKind::SequenceMap:
    return true;
  default:
    return spec(op.kind()).level != Level::Graph;
  }
}

/// The operand whose last size is the rank of the result, or decides it; -1 for other ops.
int64_t lengthOperand(OpKind kind) {
  switch (kind) {
  case OpKind::ConstantOfShape:
    return 0;
  case OpKind::Reshape:
  case OpKind::Expand:
  case OpKind::Squeeze:
  case OpKind::Unsqueeze:
  case OpKind::GatherND:
  case OpKind::AffineGrid:
  case OpKind::Col2Im:
    return 1;
  case OpKind::MaxUnpool:
    return 2;
  default:
    return -1;
  }
}

bool hasOpenLength(const Op &op) {
  int64_t length = lengthOperand(op.kind());
  const Value *shape = length >= 0 ? op.operand(length) : nullptr;
  return shape && shape->type.isRanked() && shape->type.rank() > 0 &&
         !shape->type.shape().back().isConst();
}

/// What a Squeeze without axes may leave.
Ranks squeezed(const Dims &shape) {
  int64_t least = 0, most = 0;
  for (const Dim &dim : shape) {
    least += dim.isConst() && dim.value() != 1;
    most += !(dim == Dim(1));
  }
  return (Ranks(2) << most) - (Ranks(1) << least);
}

class Follower {
public:
  /// The ranks of a tensor, or of the elements of a sequence or optional.
  Ranks of(const Value *value);
  /// Whether what has been followed comes from where nothing is known.
  bool isOpen() const { return isOpen_; }

private:
  Ranks ofArgument(const Value &value);
  Ranks ofResult(const Op &op, const Value &value);
  Ranks ofYielded(const Op &op, int64_t region, int64_t i);

  Ranks any(bool isOpen) {
    isOpen_ = isOpen_ || isOpen;
    return kAnyRank;
  }
  Ranks ofOthers(const Op &op);

  std::set<const Value *> seen_;
  int steps_ = 0;
  bool isOpen_ = false;
};

Ranks Follower::of(const Value *value) {
  const Type *type = &value->type;
  while (type->kind() == Type::Kind::Sequence || type->kind() == Type::Kind::Optional)
    type = &type->element();
  if (type->isRanked())
    return Ranks(1) << std::min<int64_t>(type->rank(), kMaxRank - 1);
  if (!seen_.insert(value).second)
    return 0;
  if (++steps_ > kMaxSteps)
    return any(true);
  return value->definingOp() ? ofResult(*value->definingOp(), *value) : ofArgument(*value);
}

/// A cycle adds nothing to what comes into it, nor does a body that is still being imported.
Ranks Follower::ofYielded(const Op &op, int64_t region, int64_t i) {
  const Op *yield = op.region(region).terminator();
  return yield && yield->kind() == OpKind::LoopYield ? of(yield->operand(i)) : 0;
}

Ranks Follower::ofArgument(const Value &value) {
  const Op *op = value.owner()->parentOp();
  if (op && op->kind() == OpKind::Loop && value.index() >= 2)
    return of(op->operand(value.index())) | ofYielded(*op, 0, value.index() - 1);
  if (op && op->kind() == OpKind::SequenceMap)
    return of(op->operand(value.index()));
  return any(true);
}

/// An operator's result may have any rank, but that is as good as known where the rank of what it
/// reads is.
Ranks Follower::ofOthers(const Op &op) {
  bool isOpen = true;
  for (const Value *operand : op.operands())
    if (isUnranked(operand)) {
      of(operand);
      isOpen = false;
    }
  return any(isOpen || hasOpenLength(op));
}

Ranks Follower::ofResult(const Op &op, const Value &value) {
  int64_t i = value.index();
  Ranks ranks = 0;
  switch (op.kind()) {
  case OpKind::Identity:
  case OpKind::Box:
  case OpKind::Optional:
  case OpKind::OptionalGetElement:
  case OpKind::SequenceAt:
  case OpKind::SequenceErase:
    return op.operand(0) ? of(op.operand(0)) : 0;
  case OpKind::SequenceInsert:
    return of(op.operand(0)) | of(op.operand(1));
  case OpKind::SequenceConstruct:
    for (const Value *operand : op.operands())
      ranks |= of(operand);
    return ranks;
  case OpKind::SequenceEmpty:
    return 0;
  case OpKind::ConcatFromSequence:
    return of(op.operand(0)) << op.attrs.getInt("new_axis");
  case OpKind::If:
    return ofYielded(op, 0, i) | ofYielded(op, 1, i);
  case OpKind::Loop:
    if (i < op.region().numArgs() - 2)
      return of(op.region().arg(i + 2));
    ofYielded(op, 0, i + 1);
    return any(false);
  case OpKind::SequenceMap:
    return ofYielded(op, 0, i);
  case OpKind::Squeeze:
    return op.operand(1) || isUnranked(op.operand(0)) ? ofOthers(op)
                                                      : squeezed(op.operand(0)->type.shape());
  default:
    return ofOthers(op);
  }
}

} // namespace

std::vector<RankRoot> rankRootsOf(const Op &op) {
  std::vector<RankRoot> roots;
  if (takesAnyRank(op))
    return roots;
  auto add = [&](RankRoot root) {
    if (std::find(roots.begin(), roots.end(), root) == roots.end())
      roots.push_back(root);
  };
  for (Value *operand : op.operands())
    if (isUnranked(operand))
      add({operand, -1});
  if (hasOpenLength(op) && isUnranked(op.result())) {
    Value *shape = op.operand(lengthOperand(op.kind()));
    add({shape, shape->type.rank() - 1});
  }
  return roots;
}

bool hasOpenRank(const Value &value) {
  Follower follower;
  follower.of(&value);
  return follower.isOpen();
}

std::vector<int64_t> choicesOf(const RankRoot &root) {
  Ranks ranks = root.axis < 0 ? Follower().of(root.value) : kAnyRank;
  if (ranks == 0)
    ranks = kAnyRank;
  std::vector<int64_t> choices;
  for (int64_t rank = 0; rank < kMaxRank; rank++)
    if (ranks >> rank & 1)
      choices.push_back(rank);
  return choices;
}

} // namespace cameo
