// Places arena buffers so that buffers whose lifetimes do not overlap share bytes. Runs last before
// loops: views and fusion have settled which buffers there are.
//
// A lifetime is the span of ops that touch a buffer; kernels that no barrier has to part count as
// one, so that none is needed for the bytes that they share. Within one group of sizes that are
// multiples of the same symbols (a batch N: sizes c*N), buffers are placed by size, largest first,
// at the lowest offset that is free during their lifetime (greedy by size: Pisarchyk and Lee,
// "Efficient memory management for deep neural net inference", 2020), in units of the symbols; or,
// where the arena gets no longer by that, around the middle of a larger one. Threads share rows, so
// that the half of a buffer that a thread writes then lies where it wrote its half of another one,
// and not in lines that another core has. Groups follow each other. Other sizes (of images whose
// height and width are symbols) cannot be compared; their buffers share slots as large as the
// largest of them. Buffers whose size the run finds out are not in the arena: they are boxes,
// shared likewise, which may move when symbols in a size of theirs are defined, so nothing lives in
// one then.
#include "lowering/Passes.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/KernelSpan.h"
#include "lowering/build/Shapes.h"
#include "lowering/memory/SpanIndex.h"
#include "lowering/plan/ImageRuns.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace cameo {
namespace {

constexpr int64_t kAlignment = 64;
// Vector loads may run past a tensor's channels, but stay inside the arena.
constexpr int64_t kSlack = 64;
// Of how many middles one is chosen: a run has few large tensors at a time.
constexpr size_t kMostMiddles = 16;
// Sizes with symbols are compared as if each symbol were this: between a batch and an image's side.
const Dim kNominalSize(64);

struct Item {
  int64_t buffer;
  int64_t bytes; // in units of the group's symbols
  Dim size;      // in bytes
  int64_t first, last;
  int64_t offset = -1;
  std::vector<int64_t> resized = {}; // where room for it is made, of boxes
};

/// Spans of op positions, by buffer; first is -1 for untouched ones.
struct Lifetimes {
  std::vector<Item> items;
  int64_t position = 0;
  KernelSpan span;
  /// Where symbols are defined that the inputs do not bind.
  std::map<std::string, std::vector<int64_t>> definitions;
  std::map<const Op *, ImageRun> runs;

  explicit Lifetimes(Func &func) : span(func), runs(imageRunsOf(func)) {
    for (size_t i = 0; i < func.buffers.size(); i++)
      items.push_back({static_cast<int64_t>(i), 0, Dim(0), -1, -1});
    visit(func.body);
  }

  void touch(const Value *value) {
    if (!value || !value->layout)
      return;
    Item &item = items[value->layout->buffer];
    if (item.first < 0)
      item.first = position;
    item.last = position;
  }

  void visit(Block &block) {
    const ImageRun *run = nullptr; // that an op is in, and where that begins
    int64_t start = 0;
    for (const std::unique_ptr<Op> &op : block.ops()) {
      if (auto found = runs.find(op.get()); found != runs.end()) {
        leave();
        run = &found->second;
        start = position;
      }
      enter(*op);
      for (const Value *operand : op->operands())
        touch(operand);
      for (const std::unique_ptr<Value> &result : op->results())
        touch(result.get());
      for (const std::string &symbol : definedSymbols(*op))
        definitions[symbol].push_back(position);
      if (isControlFlow(*op))
        visitRegions(*op);
      if (isBetweenTeams(*op))
        leave();
      if (run && op.get() == run->kernels.back()) {
        keepFrom(start, run->own);
        leave();
        run = nullptr;
      }
    }
    leave();
  }

  /// What has been touched since `start`, but for some buffers, lives from there to here: a loop
  /// over images is around.
  void keepFrom(int64_t start, const std::set<int64_t> &but) {
    for (Item &item : items)
      if (item.last >= start && !but.count(item.buffer)) {
        item.first = std::min(item.first, start);
        item.last = position;
      }
  }

  /// To the position of an op: that of the kernels before it if it may run beside them.
  void enter(const Op &op) {
    if (!span.takes(op))
      leave();
    span.add(op);
  }
  void leave() {
    position++;
    span.clear();
  }

  /// What a loop reads from outside, and what it carries, must last through all iterations.
  void visitRegions(Op &op) {
    auto touchArguments = [&] {
      for (int64_t i = 0; i < op.numRegions(); i++)
        for (const std::unique_ptr<Value> &argument : op.region(i).args())
          touch(argument.get());
    };
    touchArguments();
    int64_t start = position++;
    for (int64_t i = 0; i < op.numRegions(); i++)
      visit(op.region(i));
    position++;
    touchArguments();
    for (const std::unique_ptr<Value> &result : op.results())
      touch(result.get());
    for (Item &item : items)
      if (op.kind() == OpKind::Loop && item.first >= 0 && item.first <= start && item.last > start)
        item.last = position;
  }
};

/// Splits a size in bytes into a coefficient and a product of symbols; nothing if it is not one.
std::optional<std::pair<int64_t, Dim>> factored(const Dim &bytes) {
  if (!bytes.expr())
    return std::pair(bytes.value(), Dim(1));
  const std::vector<DimTerm> &terms = bytes.expr()->terms;
  bool plain = terms.size() == 1 && terms[0].coefficient > 0 &&
               std::all_of(terms[0].atoms.begin(), terms[0].atoms.end(),
                           [](const DimAtom &atom) { return atom.kind == DimAtom::Symbol; });
  if (!plain)
    return std::nullopt;
  int64_t coefficient = bytes.expr()->terms[0].coefficient;
  return std::pair(coefficient, *Dim::exactDiv(bytes, Dim(coefficient)));
}

/// The ends of the items' lifetimes.
std::vector<int64_t> endsOf(const std::vector<Item> &items) {
  std::vector<int64_t> ends;
  for (const Item &item : items)
    ends.insert(ends.end(), {item.first, item.last});
  return ends;
}

/// What is in use at some time while an item lives, in the order of the offsets. Two of these may
/// share bytes, as they need not live at the same time.
struct InUse {
  std::vector<const Item *> items;

  bool isFree(int64_t from, int64_t bytes) const {
    return std::none_of(items.begin(), items.end(), [&](const Item *item) {
      return item->offset < from + bytes && from < item->offset + item->bytes;
    });
  }
  int64_t lowestFree(int64_t bytes) const {
    int64_t at = 0;
    for (const Item *item : items) {
      if (at + bytes <= item->offset)
        break;
      at = std::max(at, item->offset + item->bytes);
    }
    return at;
  }
};

/// Greedy by size; returns the bytes used.
int64_t pack(std::vector<Item> &items) {
  std::stable_sort(items.begin(), items.end(),
                   [](const Item &a, const Item &b) { return a.bytes > b.bytes; });
  int64_t total = 0;
  std::vector<int64_t> middles; // of items that made the arena longer, the largest first
  SpanIndex placed(endsOf(items));
  for (size_t i = 0; i < items.size(); i++) {
    Item &item = items[i];
    InUse inUse;
    for (int64_t other : placed.overlapping(item.first, item.last))
      inUse.items.push_back(&items[other]);
    std::sort(inUse.items.begin(), inUse.items.end(),
              [](const Item *a, const Item *b) { return a->offset < b->offset; });
    item.offset = inUse.lowestFree(item.bytes);
    int64_t end = std::max(total, item.offset + item.bytes);
    auto around = [&](int64_t middle) {
      return (middle - item.bytes / 2) / kAlignment * kAlignment;
    };
    auto middle = std::find_if(middles.begin(), middles.end(), [&](int64_t at) {
      int64_t from = around(at);
      return item.bytes / 2 <= at && from + item.bytes <= end && inUse.isFree(from, item.bytes);
    });
    if (middle != middles.end())
      item.offset = around(*middle);
    if (item.offset + item.bytes > total && middles.size() < kMostMiddles)
      middles.push_back(item.offset + item.bytes / 2);
    total = std::max(total, item.offset + item.bytes);
    placed.add(static_cast<int64_t>(i), item.first, item.last);
  }
  return total;
}

struct Group {
  Dim unit;
  std::vector<Item> items;
};

/// A stretch of the arena that buffers with disjoint lifetimes share, as large as its largest.
struct Slot {
  std::vector<Item *> items;
  std::map<int64_t, int64_t> spans; // the last position of each lifetime, by the first
  Dim size;

  bool isFree(const Item &item) const {
    auto after = spans.upper_bound(item.last);
    return after == spans.begin() || std::prev(after)->second < item.first;
  }
  void add(Item &item) {
    items.push_back(&item);
    spans[item.first] = item.last;
  }
};

/// Names for sizes, so that what is computed from them stays short.
struct SizeNames {
  std::vector<std::string> names;
  Dims sizes;

  Dim define(const Dim &size) {
    names.push_back("bytes." + std::to_string(names.size()));
    sizes.push_back(size);
    return Dim::symbol(names.back());
  }
};

/// Places buffers whose sizes cannot be compared (sums of products of symbols) after `start`: the
/// nominally largest first, each in the smallest slot that is free. Returns the end.
Dim placeInSlots(Func &func, std::vector<Item> &items, const Dim &start) {
  SizeNames names;
  std::map<std::string, Dim> named;
  for (Item &item : items) {
    auto nominal = [](const std::string &) { return std::optional<Dim>(kNominalSize); };
    Dim typical = item.size.substitute(nominal);
    item.bytes = typical.isConst() ? typical.value() : 0;
    auto [entry, isNew] = named.try_emplace(item.size.str());
    if (isNew)
      entry->second = names.define(item.size);
    item.size = entry->second;
  }
  std::stable_sort(items.begin(), items.end(),
                   [](const Item &a, const Item &b) { return a.bytes > b.bytes; });
  std::vector<Slot> slots;
  for (Item &item : items) {
    auto free = std::find_if(slots.rbegin(), slots.rend(),
                             [&](const Slot &slot) { return slot.isFree(item); });
    Slot &slot = free == slots.rend() ? slots.emplace_back() : *free;
    slot.size = slot.items.empty() ? item.size : Dim::max(slot.size, item.size);
    slot.add(item);
  }
  Dim end = start;
  for (Slot &slot : slots) {
    for (const Item *item : slot.items)
      func.buffers[item->buffer].offset = end;
    Dim lines = names.define(Dim::ceilDiv(slot.size, Dim(kAlignment)));
    end = end + lines * Dim(kAlignment);
  }
  if (!names.names.empty()) {
    func.attrs.set("size_names", names.names);
    func.attrs.set("sizes", names.sizes);
  }
  return end;
}

/// Whether an item lives at one of the positions.
bool livesAt(const Item &item, const std::vector<int64_t> &positions) {
  return std::any_of(positions.begin(), positions.end(), [&](int64_t position) {
    return item.first <= position && position <= item.last;
  });
}

/// Numbers the boxes: those that a call or the caller owns are nobody else's, others are shared by
/// buffers that live neither at the same time nor while room is made for the other.
void numberBoxes(Func &func, std::vector<Item> &shared) {
  int64_t count = 0;
  for (Buffer &buffer : func.buffers)
    if (buffer.space == Buffer::Space::Box)
      buffer.port = count++;
  std::vector<Slot> slots;
  for (Item &item : shared) {
    auto free = std::find_if(slots.begin(), slots.end(), [&](const Slot &slot) {
      return slot.isFree(item) &&
             std::none_of(slot.items.begin(), slot.items.end(), [&](const Item *other) {
               return livesAt(*other, item.resized) || livesAt(item, other->resized);
             });
    });
    Slot &slot = free == slots.end() ? slots.emplace_back() : *free;
    slot.add(item);
    Buffer &buffer = func.buffers[item.buffer];
    buffer.space = Buffer::Space::Box;
    buffer.port = count + (&slot - slots.data());
  }
}

} // namespace

Result<bool> planMemory(Module &module, PassContext &) {
  Func &func = module.main();
  std::map<std::string, Group> groups; // by text, so that the order is fixed
  std::vector<Item> others, boxes;
  Lifetimes lifetimes(func);
  for (Item &item : lifetimes.items) {
    Buffer &buffer = func.buffers[item.buffer];
    if (buffer.space != Buffer::Space::Arena || item.first < 0)
      continue;
    std::set<std::string> symbols;
    buffer.size.collectSymbols(symbols);
    for (const std::string &symbol : symbols)
      if (auto entry = lifetimes.definitions.find(symbol); entry != lifetimes.definitions.end())
        item.resized.insert(item.resized.end(), entry->second.begin(), entry->second.end());
    if (!item.resized.empty()) {
      boxes.push_back(item);
      continue;
    }
    item.size = buffer.size * Dim(dtypeBytes(buffer.dtype));
    if (item.size.isOverflow())
      return badInput("the sizes of this model's tensors overflow");
    std::optional<std::pair<int64_t, Dim>> multiple = factored(item.size);
    if (!multiple) {
      others.push_back(item);
      continue;
    }
    if (__builtin_add_overflow(multiple->first, kAlignment - 1, &item.bytes))
      return badInput("the sizes of this model's tensors overflow");
    item.bytes = item.bytes / kAlignment * kAlignment;
    Group &group = groups[multiple->second.str()];
    group.unit = multiple->second;
    group.items.push_back(item);
  }
  Dim total(0);
  for (auto &[text, group] : groups) {
    int64_t bytes = pack(group.items);
    for (const Item &item : group.items)
      func.buffers[item.buffer].offset = total + Dim(item.offset) * group.unit;
    total = total + Dim(bytes) * group.unit;
  }
  total = placeInSlots(func, others, total) + Dim(kSlack);
  numberBoxes(func, boxes);
  if (total.isOverflow())
    return badInput("the sizes of this model's tensors overflow");
  func.attrs.set("arena", Dims{total});
  return true;
}

} // namespace cameo
