// Values of the reference interpreter: tensors whose bytes are shared and immutable once an op has
// returned them, sequences, and the empty optional. All memory proportional to data is taken from a
// budget before it is allocated, so that a model that asks for too much gets an Error.
#pragma once

#include "ir/Attr.h"
#include "ir/Result.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace cameo {

/// Bytes in use against a limit. Tensors give their bytes back when the last copy goes, which may
/// be after the interpreter has returned: hence shared ownership.
class MemoryBudget {
public:
  explicit MemoryBudget(int64_t limit) : limit_(limit) {}
  bool take(int64_t bytes);
  void give(int64_t bytes) { used_ -= bytes; }
  int64_t limit() const { return limit_; }

private:
  int64_t limit_;
  int64_t used_ = 0;
};

/// A tensor: cheap to copy. Elements are row-major and densely packed; a view of a constant may be
/// at any address, so elements are read through Elements.h, never through a cast pointer.
struct Tensor {
  DType dtype = DType::F32;
  std::vector<int64_t> dims;
  std::shared_ptr<const std::byte> bytes;
  /// Elements of a string tensor, which has no bytes.
  std::shared_ptr<const std::vector<std::string>> strings;

  int64_t rank() const { return static_cast<int64_t>(dims.size()); }
  /// Number of elements; dims were checked when the tensor was made.
  int64_t size() const;
  int64_t numBytes() const { return size() * dtypeBytes(dtype); }
  const std::byte *data() const { return bytes.get(); }
  /// The bytes for writing: only for the op that allocated the tensor, before it returns it.
  std::byte *writable() { return const_cast<std::byte *>(bytes.get()); }
  /// The same elements under other dims of the same number of elements.
  Tensor withDims(std::vector<int64_t> newDims) const;

  /// Zero-filled (empty strings). Errors on a negative or overflowing size or an exhausted budget;
  /// the message starts lower case and names no node.
  static Result<Tensor> allocate(const std::shared_ptr<MemoryBudget> &budget, DType dtype,
                                 std::vector<int64_t> dims);
  /// The constant's bytes without a copy. The number of bytes must match the dims: an Error if not.
  static Result<Tensor> view(const ConstRef &data);
  static Tensor ofStrings(std::vector<int64_t> dims, std::vector<std::string> strings);
};

struct Sequence;

/// What an SSA value holds while interpreting. An optional holds its content itself, or is empty.
class RuntimeValue {
public:
  RuntimeValue() = default;
  RuntimeValue(Tensor tensor) : state_(std::move(tensor)) {}
  RuntimeValue(std::shared_ptr<const Sequence> sequence) : state_(std::move(sequence)) {}

  bool isNone() const { return std::holds_alternative<std::monostate>(state_); }
  bool isTensor() const { return std::holds_alternative<Tensor>(state_); }
  bool isSequence() const { return !isNone() && !isTensor(); }
  const Tensor &tensor() const { return std::get<Tensor>(state_); }
  const Sequence &sequence() const { return *std::get<std::shared_ptr<const Sequence>>(state_); }

private:
  std::variant<std::monostate, Tensor, std::shared_ptr<const Sequence>> state_;
};

struct Sequence {
  /// Element type of the tensors in it, also when it is empty.
  DType dtype = DType::F32;
  std::vector<RuntimeValue> items;
};

/// `[2,3]`, for messages.
std::string dimsText(const std::vector<int64_t> &dims);

} // namespace cameo
