// See RowVectors.h.
#include "lowering/emit/RowVectors.h"

#include <cmath>

namespace cameo {

LoopBuilder::Values combineInChains(LoopBuilder &b, Value *end, int64_t lanes,
                                    LoopBuilder::Values chains,
                                    const std::function<Value *(Value *, Value *)> &combine,
                                    const std::function<Value *(Value *)> &term) {
  return b.forLoop(b.index(0), end, kChains * lanes, chains,
                   [&](Value *i, const LoopBuilder::Values &now) {
                     LoopBuilder::Values next;
                     for (int64_t c = 0; c < kChains; c++)
                       next.push_back(combine(now[c], term(b.add(i, b.index(c * lanes)))));
                     return next;
                   });
}

/// Elements behind the last whole vector; nullptr where there are none.
Value *RowVectors::tailLanes() const {
  Value *rest = b.rem(count, b.index(lanes));
  return lanes == 1 || b.constantIndex(rest) == 0 ? nullptr : rest;
}

void RowVectors::forEach(const Visit &visit) const {
  Value *tail = tailLanes(), *whole = tail ? b.sub(count, tail) : count;
  b.forLoop(b.index(0), whole, lanes, [&](Value *i) { visit(i, nullptr); });
  if (tail)
    visit(whole, b.laneMask(tail, lanes));
}

/// Combines terms; lanes that are masked off count as `neutral`.
Value *RowVectors::reduce(const std::string &op, double neutral, const Combine &combine,
                          const Term &term) const {
  Value *tail = tailLanes(), *whole = tail ? b.sub(count, tail) : count;
  Value *rest = b.rem(whole, b.index(kChains * lanes)), *end = b.sub(whole, rest);
  Value *start = b.constant(typeOfLanes(work, lanes), neutral);
  LoopBuilder::Values chains(kChains, start);
  chains = combineInChains(b, end, lanes, std::move(chains), combine,
                           [&](Value *i) { return term(i, nullptr); });
  chains[0] = b.forLoop(end, whole, lanes, {chains[0]},
                        [&](Value *i, const LoopBuilder::Values &now) -> LoopBuilder::Values {
                          return {combine(now[0], term(i, nullptr))};
                        })[0];
  if (tail) {
    Value *mask = b.laneMask(tail, lanes);
    chains[1] = combine(chains[1], b.select(mask, term(whole, mask), start));
  }
  Value *total = combine(combine(chains[0], chains[1]), combine(chains[2], chains[3]));
  return b.reduceLanes(total, op);
}

Value *RowVectors::sum(const Term &term) const {
  return reduce("add", 0, [&](Value *x, Value *y) { return b.add(x, y); }, term);
}

Value *RowVectors::largest(const Term &term) const {
  auto larger = [&](Value *x, Value *y) { return b.select(b.cmp("gt", y, x), y, x); };
  return reduce("max", -INFINITY, larger, term);
}

RowVectors::Exponentials
RowVectors::exponentials(bool isMasked, const Term &score,
                         const std::function<void(Value *, Value *, Value *)> &visit) const {
  Value *most = largest(score);
  if (isMasked) {
    Value *none = b.cmp("eq", most, b.constant(most->type, -INFINITY));
    most = b.select(none, b.constant(most->type, 0), most);
  }
  Value *shift = b.splat(most, lanes);
  Value *total = sum([&](Value *i, Value *mask) {
    Value *exponential = b.unary(OpKind::ScalarExp, b.sub(score(i, mask), shift));
    visit(exponential, i, mask);
    return exponential;
  });
  return {shift, total};
}

Value *RowVectors::Exponentials::factor(LoopBuilder &b) const {
  Value *zero = b.constant(sum->type, 0);
  return b.select(b.cmp("eq", sum, zero), zero, b.div(b.constant(sum->type, 1), sum));
}

} // namespace cameo
