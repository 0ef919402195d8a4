// Which of many spans overlap a given one, found without looking at the others: a segment tree.
// Each span is kept at the few nodes that together cover it.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace cameo {

/// Numbers of spans [first, last] of positions.
class SpanIndex {
public:
  /// `positions` has every end of a span that will come, in any order.
  explicit SpanIndex(std::vector<int64_t> positions) : positions_(std::move(positions)) {
    std::sort(positions_.begin(), positions_.end());
    positions_.erase(std::unique(positions_.begin(), positions_.end()), positions_.end());
    leaves_ = std::bit_ceil(std::max<size_t>(positions_.size(), 1));
    nodes_.resize(2 * leaves_);
  }

  void add(int64_t number, int64_t first, int64_t last) {
    for (size_t l = leafOf(first), r = leafOf(last) + 1; l < r; l /= 2, r /= 2) {
      if (l % 2)
        addAt(l++, number);
      if (r % 2)
        addAt(--r, number);
    }
  }

  /// The numbers of the spans that overlap [first, last], in ascending order.
  std::vector<int64_t> overlapping(int64_t first, int64_t last) const {
    std::vector<int64_t> found;
    collect(1, leaves_, 2 * leaves_, leafOf(first), leafOf(last), found);
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
  }

private:
  struct Node {
    std::vector<int64_t> numbers;
    bool hasBelow = false; // whether there is a span in the subtrees
  };

  size_t leafOf(int64_t position) const {
    return leaves_ +
           (std::lower_bound(positions_.begin(), positions_.end(), position) - positions_.begin());
  }

  void addAt(size_t node, int64_t number) {
    nodes_[node].numbers.push_back(number);
    for (node /= 2; node > 0 && !nodes_[node].hasBelow; node /= 2)
      nodes_[node].hasBelow = true;
  }

  /// `node` covers the leaves [begin, end).
  void collect(size_t node, size_t begin, size_t end, size_t first, size_t last,
               std::vector<int64_t> &found) const {
    if (last < begin || end <= first)
      return;
    found.insert(found.end(), nodes_[node].numbers.begin(), nodes_[node].numbers.end());
    if (!nodes_[node].hasBelow)
      return;
    size_t middle = begin + (end - begin) / 2;
    collect(2 * node, begin, middle, first, last, found);
    collect(2 * node + 1, middle, end, first, last, found);
  }

  std::vector<int64_t> positions_;
  size_t leaves_;
  std::vector<Node> nodes_; // the root is 1, the children of i are 2 i and 2 i + 1
};

} // namespace cameo
