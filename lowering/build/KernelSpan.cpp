// See KernelSpan.h.
#include "lowering/build/KernelSpan.h"

#include "ir/infer/Sizes.h"
#include "ir/kernel/KernelSpec.h"
#include "lowering/build/ControlFlow.h"

#include <algorithm>

namespace cameo {
namespace {

// What a kernel touches is compared with all that the others do.
constexpr int64_t kMostKernels = 128;

/// A concatenation that a value is a part of, in the same memory.
const Op *concatOf(const Value *part) {
  for (const Op *user : part->users())
    if (user->kind() == OpKind::KernelConcat &&
        user->result()->layout->buffer == part->layout->buffer)
      return user;
  return nullptr;
}

bool isConstant(const Buffer &buffer) {
  return buffer.space == Buffer::Space::Weight || buffer.space == Buffer::Space::Input;
}

} // namespace

const Op *KernelSpan::wholeOf(const Value *part) const {
  std::vector<const Op *> path; // whose whole is not known yet
  const Op *whole = concatOf(part);
  for (const Op *next = whole; next; next = concatOf(next->result())) {
    whole = next;
    if (auto known = wholes_.find(next); known != wholes_.end()) {
      whole = known->second;
      break;
    }
    path.push_back(next);
  }
  for (const Op *concat : path)
    wholes_[concat] = whole;
  return whole;
}

bool isBetweenTeams(const Op &op) {
  const KernelSpec *row = kernelSpec(op.kind());
  return isControlFlow(op) || (row && row->isOnCaller);
}

bool hasLoops(const Op &op) {
  const KernelSpec *row = kernelSpec(op.kind());
  return row && row->isEmitted;
}

void KernelSpan::touch(const Value *value, Touch touch, std::vector<Touch> &touches) const {
  if (!value || !value->layout || isConstant(func_.buffers[value->layout->buffer]))
    return;
  touch.buffer = value->layout->buffer;
  touches.push_back(touch);
}

std::vector<KernelSpan::Touch> KernelSpan::touchesOf(const Op &op) const {
  std::vector<Touch> touches;
  for (int64_t i = 0; i < op.numOperands(); i++) {
    bool isAround = i == 0 && op.kind() == OpKind::KernelFillHalo;
    touch(op.operand(i), {-1, isAround ? Touch::FillsHalo : Touch::Reads, nullptr}, touches);
  }
  for (const std::unique_ptr<Value> &result : op.results())
    touch(result.get(), {-1, Touch::Writes, wholeOf(result.get())}, touches);
  return touches;
}

bool KernelSpan::shareBytes(int64_t a, int64_t b) const {
  if (a == b || !isPlanned_)
    return a == b;
  const Buffer &x = func_.buffers[a], &y = func_.buffers[b];
  if (x.space != y.space)
    return false;
  if (x.space != Buffer::Space::Arena)
    return x.port == y.port;
  auto isBehind = [](const Buffer &one, const Buffer &other) {
    return provablyAtLeast(one.offset, other.offset + other.size * Dim(dtypeBytes(other.dtype)));
  };
  return !isBehind(x, y) && !isBehind(y, x);
}

bool KernelSpan::isApart(const Touch &a, const Touch &b) const {
  if ((a.how == Touch::Reads && b.how == Touch::Reads) || !shareBytes(a.buffer, b.buffer))
    return true;
  if (a.buffer != b.buffer)
    return false;
  if (a.how == Touch::FillsHalo || b.how == Touch::FillsHalo)
    return a.how == Touch::Writes || b.how == Touch::Writes; // what is inside the halo
  return a.how == b.how && a.whole && a.whole == b.whole;
}

bool KernelSpan::takes(const Op &op) const {
  if (!hasLoops(op))
    return !isBetweenTeams(op);
  if (numKernels_ == kMostKernels)
    return false;
  std::vector<Touch> touches = touchesOf(op);
  return std::all_of(touches.begin(), touches.end(), [&](const Touch &a) {
    return std::all_of(touches_.begin(), touches_.end(),
                       [&](const Touch &b) { return isApart(a, b); });
  });
}

void KernelSpan::add(const Op &op) {
  if (!hasLoops(op))
    return;
  std::vector<Touch> touches = touchesOf(op);
  touches_.insert(touches_.end(), touches.begin(), touches.end());
  numKernels_++;
}

} // namespace cameo
