// See KernelMemory.h.
#include "ir/eval/kernel/KernelMemory.h"

#include <cstring>
#include <fmt/format.h>

namespace cameo::eval {

int64_t View::at(const std::vector<int64_t> &index) const {
  int64_t element = 0;
  for (size_t i = 0; i < index.size(); i++)
    element += index[i] * strides[i];
  return element;
}

View View::broadcastTo(const std::vector<int64_t> &to) const {
  View view = *this;
  size_t more = to.size() - dims.size();
  view.strides.assign(to.size(), 0);
  for (size_t i = 0; i < dims.size(); i++)
    view.strides[more + i] = dims[i] == 1 ? 0 : strides[i];
  view.dims = to;
  return view;
}

void KernelMemory::fail(std::string message) {
  if (error.empty())
    error = std::move(message);
}

bool KernelMemory::isInside(const View &view, int64_t element) {
  if (++accesses_ > workLimit)
    fail(fmt::format("the run took more than {} ops", workLimit));
  int64_t size = dtypeBytes(view.dtype), at = view.offset + element;
  if (at >= 0 && (at + 1) * size <= view.place.bytes)
    return true;
  fail(fmt::format("element {} is outside of {}, which has {}", at, names[view.place.number],
                   view.place.bytes / size));
  return false;
}

void KernelMemory::load(const View &from, int64_t element, std::byte *to) {
  int64_t size = dtypeBytes(from.dtype), first = from.byteOf(element);
  if (!isInside(from, element)) {
    std::memset(to, 0, size);
    return;
  }
  const MemoryBlock &block = *from.place.block;
  for (int64_t i = first; i < first + size; i++)
    if (int32_t writer = block.writers[i]; writer != from.place.number) {
      const std::string &own = names[from.place.number];
      fail(writer == 0 ? fmt::format("element {} of {} was not written", from.offset + element, own)
                       : fmt::format("element {} of {} holds bytes of {}", from.offset + element,
                                     own, names[writer]));
      break;
    }
  std::memcpy(to, block.bytes.data() + first, size);
  if (from.dtype == DType::Bool)
    *to = std::byte(*to != std::byte{0});
}

void KernelMemory::store(const View &to, int64_t element, const std::byte *from) {
  if (!isInside(to, element))
    return;
  if (to.place.isReadOnly)
    return fail(names[to.place.number] + " must not be written");
  int64_t size = dtypeBytes(to.dtype), first = to.byteOf(element);
  MemoryBlock &block = *to.place.block;
  std::memcpy(block.bytes.data() + first, from, size);
  std::fill_n(block.writers.begin() + first, size, to.place.number);
}

View KernelMemory::allocate(DType dtype, std::vector<int64_t> dims) const {
  View view{dtype, dims, rowMajor(dims), 0, {std::make_shared<MemoryBlock>()}};
  view.place.bytes = *checkedNumElements(dims) * dtypeBytes(dtype);
  view.place.block->bytes.resize(view.place.bytes);
  view.place.block->writers.resize(view.place.bytes);
  return view;
}

} // namespace cameo::eval
