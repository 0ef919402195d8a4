// Memory of a run of kernel-level code. A tensor is a view of a buffer: it knows where its elements
// are, and that no access may leave the buffer. Each byte knows the buffer that wrote it, so that
// reading what nobody wrote, or what another buffer has overwritten meanwhile, is an error.
#pragma once

#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/Tensor.h"

#include <memory>
#include <string>
#include <vector>

namespace cameo::eval {

/// Bytes that buffers are in: one buffer, the arena, or a box.
struct MemoryBlock {
  std::vector<std::byte> bytes;
  std::vector<int32_t> writers; // of each byte: the buffer's number, 0 for none
};

/// A buffer in its block.
struct BufferPlace {
  std::shared_ptr<MemoryBlock> block;
  int64_t begin = 0, bytes = 0;
  int32_t number = 1; // not 0
  bool isReadOnly = false;
};

/// Elements are `offset` + sum of index * stride elements from the start of the buffer.
struct View {
  DType dtype = DType::F32;
  std::vector<int64_t> dims, strides;
  int64_t offset = 0;
  BufferPlace place;

  bool isAbsent() const { return !place.block; }
  int64_t rank() const { return std::ssize(dims); }
  /// How far the element at an index is from the first one.
  int64_t at(const std::vector<int64_t> &index) const;
  /// The same view with the strides of the shape `to`, to which it broadcasts.
  View broadcastTo(const std::vector<int64_t> &to) const;
  /// Byte of the block at which an element begins.
  int64_t byteOf(int64_t element) const {
    return place.begin + (offset + element) * dtypeBytes(dtype);
  }
};

class KernelMemory {
public:
  /// What was wrong first; "" while nothing is. Elements that cannot be read are 0.
  std::string error;
  /// Accesses that a run may take.
  int64_t workLimit = 0;
  /// What buffers are called, by their numbers.
  std::vector<std::string> names = {"nothing"};

  /// Copies the bytes of an element, `element` elements from the view's first. Any bool is 0 or 1.
  void load(const View &from, int64_t element, std::byte *to);
  void store(const View &to, int64_t element, const std::byte *from);

  template <class W> W get(const View &from, int64_t element) {
    std::byte bytes[kMostBytes];
    load(from, element, bytes);
    return withStorage(from.dtype, [&]<class T>() { return widen<W>(readAs<T>(bytes)); });
  }
  template <class W> void put(const View &to, int64_t element, W value) {
    std::byte bytes[kMostBytes];
    withStorage(to.dtype, [&]<class T>() { writeAs(bytes, narrow<T>(value)); });
    store(to, element, bytes);
  }

  /// A dense tensor in a block of its own, which is number 1.
  View allocate(DType dtype, std::vector<int64_t> dims) const;

private:
  static constexpr int64_t kMostBytes = 8; // of an element

  void fail(std::string message);
  bool isInside(const View &view, int64_t element);

  int64_t accesses_ = 0;
};

} // namespace cameo::eval
