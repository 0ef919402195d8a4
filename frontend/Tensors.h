// Tensor data of a model as constants: all forms ONNX has for it (raw bytes, typed fields, files
// beside the model, sparse), checked against the declared shape.
#pragma once

#include "frontend/ModelFile.h"
#include "ir/Attr.h"

#include <map>
#include <unordered_map>

namespace cameo {

class TensorReader {
public:
  explicit TensorReader(const ModelFile &file);

  /// Raw and external data is referenced, typed fields are converted. `name` is the user's name of
  /// the tensor for messages, or where it was found.
  Result<ConstRef> read(const onnx::TensorProto &tensor, const std::string &name);
  /// A tensor of int4 or uint4, of which a byte holds two, as its values in int8 or uint8.
  Result<ConstRef> readFourBits(const onnx::TensorProto &tensor, const std::string &name);
  /// The same tensor with its zeros.
  Result<ConstRef> readSparse(const onnx::SparseTensorProto &sparse, const std::string &name);

private:
  Result<ConstRef> readUncached(const onnx::TensorProto &tensor, const std::string &name);
  Result<ConstRef> readSparseUncached(const onnx::SparseTensorProto &sparse,
                                      const std::string &name);
  using Bytes = std::pair<std::span<const std::byte>, std::shared_ptr<const void>>;

  Result<Bytes> stored(const onnx::TensorProto &tensor, int64_t size, const std::string &what);
  Result<Bytes> external(const onnx::TensorProto &tensor, int64_t size, const std::string &what);

  const ModelFile &file_;
  std::map<std::string, std::shared_ptr<const MappedFile>> externalFiles_;
  /// Tensors read before: functions are inlined many times.
  std::unordered_map<const void *, ConstRef> cache_;
  /// Bytes that sparse tensors may still grow to: their shape says nothing about the file's size.
  int64_t denseBytesLeft_;
};

/// Whether the number is that of int4 or uint4.
bool isFourBits(int64_t number);
/// The element type with this ONNX number; an Unsupported error naming `what` otherwise.
Result<DType> readDType(int64_t number, const std::string &what);
/// Number of elements of the shape; an error naming `what` if that is impossible.
Result<int64_t> countElements(const std::vector<int64_t> &dims, const std::string &what);
/// `[3,4]`
std::string shapeText(const std::vector<int64_t> &dims);

} // namespace cameo
