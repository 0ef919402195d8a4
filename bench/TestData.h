// The files of ONNX test data (`input_0.pb`, `output_0.pb`): TensorProto, SequenceProto and
// OptionalProto, read and written on the wire format itself, since these three messages are small
// and the harness then needs no protobuf. A file does not say which message it holds; the model
// does. Facts: onnx.proto and onnx-data.proto of the ONNX specification.
#pragma once

#include "ir/Type.h"
#include "ir/eval/graph/Tensor.h"
#include "support/File.h"

namespace cameo {

enum class DataKind { Tensor, Sequence, Optional };
DataKind dataKindOf(const Type &type);

/// Parses a file's bytes; `name` is used in messages. An empty optional is a none value.
Result<RuntimeValue> parseTestData(std::span<const std::byte> file, DataKind kind,
                                   const std::string &name);
/// The file's bytes. `kind` says how a none value or a value inside an optional is to be wrapped.
std::string formatTestData(const RuntimeValue &value, DataKind kind);

/// Reads FOLDER/PREFIX_0.pb ..., one a kind; nothing where there is no such file. A file past the
/// last kind is an error.
Result<std::vector<std::optional<RuntimeValue>>> readTestData(const std::string &folder,
                                                              const std::string &prefix,
                                                              const std::vector<DataKind> &kinds);

} // namespace cameo
