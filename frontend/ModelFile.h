// A model file opened: mapped, reduced to what Cameo reads, and parsed. The bytes of raw tensor
// data stay in the mapping and never pass through protobuf, so a model costs no heap for its
// weights and may exceed protobuf's limit of 2 GB.
#pragma once

#include "frontend/MappedFile.h"
#include "frontend/onnx.pb.h"

namespace cameo {

/// Of tensors; what has more dimensions is not read.
constexpr size_t kMaxRank = 64;

struct ModelFile {
  std::filesystem::path path;
  std::shared_ptr<const MappedFile> mapping;
  onnx::ModelProto model;

  /// The folder external data is looked for in.
  std::filesystem::path folder() const { return path.parent_path(); }
};

/// Fails on anything that is not a well-formed ModelProto with a graph, and on one with an absurd
/// number of parts.
Result<std::unique_ptr<ModelFile>> openModelFile(const std::filesystem::path &path);

/// `length` bytes of the file from `offset`; an error naming `what` if it has not so many.
Result<std::span<const std::byte>> bytesOf(const MappedFile &file, uint64_t offset, uint64_t length,
                                           const std::string &what);

/// The well-formed part of openModelFile: rewrites a serialized ModelProto without the fields Cameo
/// ignores and with raw tensor data replaced by its place in `bytes`.
Result<std::string> reduceModel(std::span<const std::byte> bytes);

} // namespace cameo
