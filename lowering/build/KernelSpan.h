// Kernels in a row that no barrier has to part, as none touches what another one writes.
#pragma once

#include "ir/Module.h"

#include <unordered_map>
#include <vector>

namespace cameo {

/// Whether the calling thread does an op, or sees to what is inside it: between team functions.
bool isBetweenTeams(const Op &op);

/// Whether threads share an op's work.
bool hasLoops(const Op &op);

/// Before memory is planned every buffer has bytes of its own; then their places tell which share
/// some.
class KernelSpan {
public:
  explicit KernelSpan(const Func &func) : func_(func), isPlanned_(func.attrs.has("arena")) {}

  /// Whether an op may run beside the kernels of the span, as those without code may.
  bool takes(const Op &op) const;
  void add(const Op &op);
  void clear() { touches_.clear(), numKernels_ = 0; }
  bool empty() const { return numKernels_ == 0; }

private:
  /// A buffer that a kernel reads, or writes as a whole, in part or around.
  struct Touch {
    int64_t buffer;
    enum { Reads, Writes, FillsHalo } how;
    /// The longest concatenation that what is written is a part of: parts do not overlap.
    const Op *whole;
  };

  /// The last concatenation that a value is a part of, or of a part of, in the same memory.
  const Op *wholeOf(const Value *part) const;
  std::vector<Touch> touchesOf(const Op &op) const;
  void touch(const Value *value, Touch touch, std::vector<Touch> &touches) const;
  bool shareBytes(int64_t a, int64_t b) const;
  bool isApart(const Touch &a, const Touch &b) const;

  const Func &func_;
  bool isPlanned_;
  std::vector<Touch> touches_;
  mutable std::unordered_map<const Op *, const Op *> wholes_; // that concatenations are parts of
  int64_t numKernels_ = 0;
};

} // namespace cameo
