// Places arena buffers so that buffers whose lifetimes do not overlap share bytes. Runs last before
// loops: views and fusion have settled which buffers there are.
//
// A lifetime is the span of ops that touch a buffer. Within one group of sizes that are multiples
// of the same symbols (a batch N: sizes c*N), buffers are placed by size, largest first, at the
// lowest offset that is free during their lifetime (greedy by size: Pisarchyk and Lee, "Efficient
// memory management for deep neural net inference", 2020), in units of the symbols. Groups follow
// each other.
#include "lowering/Passes.h"

#include <algorithm>
#include <map>
#include <string>

namespace cameo {
namespace {

constexpr int64_t kAlignment = 64;
// Vector loads may run past a tensor's channels, but stay inside the arena.
constexpr int64_t kSlack = 64;

struct Item {
  int64_t buffer;
  int64_t bytes; // in units of the group's symbols
  int64_t first, last;
  int64_t offset = -1;
};

/// Spans of op positions, by buffer; first is -1 for untouched ones.
std::vector<Item> lifetimes(Func &func) {
  std::vector<Item> items;
  for (size_t i = 0; i < func.buffers.size(); i++)
    items.push_back({static_cast<int64_t>(i), 0, -1, -1});
  int64_t position = 0;
  auto touch = [&](const Value *value) {
    if (!value || !value->layout)
      return;
    Item &item = items[value->layout->buffer];
    if (item.first < 0)
      item.first = position;
    item.last = position;
  };
  for (const std::unique_ptr<Op> &op : func.body.ops()) {
    for (const Value *operand : op->operands())
      touch(operand);
    for (const std::unique_ptr<Value> &result : op->results())
      touch(result.get());
    position++;
  }
  return items;
}

/// Splits a size in bytes into a coefficient and a product of symbols; sums are a group of their
/// own.
std::pair<int64_t, Dim> factored(const Dim &bytes) {
  if (!bytes.expr())
    return {bytes.value(), Dim(1)};
  if (bytes.expr()->terms.size() != 1)
    return {1, bytes};
  int64_t coefficient = bytes.expr()->terms[0].coefficient;
  return {coefficient, *Dim::exactDiv(bytes, Dim(coefficient))};
}

/// Greedy by size; returns the bytes used.
int64_t pack(std::vector<Item> &items) {
  std::stable_sort(items.begin(), items.end(),
                   [](const Item &a, const Item &b) { return a.bytes > b.bytes; });
  int64_t total = 0;
  std::vector<Item *> placed; // by offset
  for (Item &item : items) {
    int64_t at = 0;
    for (const Item *other : placed) {
      if (other->last < item.first || item.last < other->first)
        continue;
      if (at + item.bytes <= other->offset)
        break;
      at = std::max(at, other->offset + other->bytes);
    }
    item.offset = at;
    total = std::max(total, at + item.bytes);
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), &item,
                         [](const Item *a, const Item *b) { return a->offset < b->offset; }),
        &item);
  }
  return total;
}

} // namespace

Result<bool> planMemory(Module &module, PassContext &) {
  Func &func = module.main();
  struct Group {
    Dim unit;
    std::vector<Item> items;
  };
  std::map<std::string, Group> groups; // by text, so that the order is fixed
  for (Item &item : lifetimes(func)) {
    Buffer &buffer = func.buffers[item.buffer];
    if (buffer.space != Buffer::Space::Arena || item.first < 0)
      continue;
    auto [bytes, unit] = factored(buffer.size * Dim(dtypeBytes(buffer.dtype)));
    if (__builtin_add_overflow(bytes, kAlignment - 1, &item.bytes))
      return badInput("the sizes of this model's tensors overflow");
    item.bytes = item.bytes / kAlignment * kAlignment;
    Group &group = groups[unit.str()];
    group.unit = unit;
    // A sum of products is no multiple of the alignment by itself.
    if (!(unit == Dim(1)) && unit.expr() && unit.expr()->terms.size() > 1)
      group.unit = Dim::ceilDiv(unit, Dim(kAlignment));
    group.items.push_back(item);
  }
  Dim total(0);
  for (auto &[text, group] : groups) {
    int64_t bytes = pack(group.items);
    for (const Item &item : group.items)
      func.buffers[item.buffer].offset = total + Dim(item.offset) * group.unit;
    total = total + Dim(bytes) * group.unit;
  }
  total = total + Dim(kSlack);
  if (total.isOverflow())
    return badInput("the sizes of this model's tensors overflow");
  func.attrs.set("arena", Dims{total});
  return true;
}

} // namespace cameo
