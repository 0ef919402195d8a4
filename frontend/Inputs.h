// Types of the model's inputs and outputs: declared shapes with their names for sizes become types
// over symbols, or over the constants that options give.
#pragma once

#include "frontend/Importer.h"
#include "frontend/onnx.pb.h"

#include <set>

namespace cameo {

class InputTypes {
public:
  InputTypes(Module &module, const ImportOptions &options) : module_(module), options_(options) {}

  /// Reads the shapes that options give for inputs, so that `declared` knows the names they fix.
  Result<void> bindShapes(const std::vector<const onnx::ValueInfoProto *> &inputs);
  /// The type of a model input.
  Result<Type> declared(const onnx::ValueInfoProto &input);
  /// Sizes by the names that the model gives them.
  const std::map<std::string, Dim> &sizes() const { return sizes_; }
  /// An error if an option names an input or a size that no input has.
  Result<void> checkOptionsUsed() const;

private:
  Result<Type> read(const onnx::TypeProto &type, const std::string &input, int depth);
  Result<Type> readTensor(const onnx::TypeProto::Tensor &type, const std::string &input);
  Result<Dim> readDim(const onnx::TensorShapeProto::Dimension &dim, const std::string &input,
                      size_t axis);
  Dim symbolFor(const std::string &userName);
  std::string uniqueSymbol(const std::string &userName);

  Module &module_;
  const ImportOptions &options_;
  std::map<std::string, Dim> sizes_; // by the user's name
  std::set<std::string> symbols_, inputs_;
};

/// Element type and kind of a declared type, for comparing with an inferred one: nothing when not
/// given, an unranked tensor for tensors.
std::optional<Type> elementOf(const onnx::TypeProto &type);

} // namespace cameo
