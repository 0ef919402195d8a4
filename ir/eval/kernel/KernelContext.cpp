// See KernelContext.h.
#include "ir/eval/kernel/KernelContext.h"

#include "ir/eval/Faults.h"
#include "runtime/abi.h"

#include <fmt/format.h>

namespace cameo::eval {

void KernelContext::fail(const std::string &message) {
  if (memory.error.empty())
    memory.error = message;
}

int64_t KernelContext::size(const Dim &dim) {
  std::optional<int64_t> value = evaluate(dim);
  if (!value)
    fail("the size " + dim.str() + " has no value here");
  return value.value_or(0);
}

void KernelContext::report(const std::string &text, std::optional<int64_t> a,
                           std::optional<int64_t> b) {
  if (!fault)
    fault = faultError(text, op.loc.str(), a, b);
}

void KernelContext::report(int64_t code, std::optional<int64_t> a, std::optional<int64_t> b) {
  report(faultText(code), a, b);
}

void KernelContext::move(const View &to, int64_t element, const View &from, int64_t fromElement) {
  std::byte bytes[8];
  memory.load(from, fromElement, bytes);
  memory.store(to, element, bytes);
}

void KernelContext::alias(const View &to, int64_t element, const View &from, int64_t fromElement) {
  if (!isPlaced)
    return move(to, element, from, fromElement);
  bool same = to.place.number == from.place.number && to.dtype == from.dtype;
  if (!same || to.byteOf(element) != from.byteOf(fromElement))
    fail(fmt::format("element {} of {} is to be element {} of {}, which is elsewhere",
                     to.offset + element, memory.names[to.place.number], from.offset + fromElement,
                     memory.names[from.place.number]));
}

int64_t KernelContext::checkedIndex(int64_t index, int64_t extent) {
  int64_t position = index < 0 ? index + extent : index;
  if (position >= 0 && position < extent)
    return position;
  report(CAMEO_FAULT_INDEX_RANGE, index, extent);
  return 0;
}

} // namespace cameo::eval
