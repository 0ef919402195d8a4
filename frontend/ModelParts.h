// A model file as parts that can be left out, to find out which of them something depends on: nodes
// of the main graph, outputs, the elements of initialisers, sizes of inputs. What is left is a
// model again: values whose nodes are gone are its inputs.
#pragma once

#include "ir/Result.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace cameo {

/// What is kept.
struct ModelCut {
  std::vector<int64_t> nodes;       // of the main graph, by position, ascending
  std::vector<std::string> outputs; // values that these nodes make
  std::set<std::string> zeros;      // initialisers that keep nothing but their shape
  std::map<int64_t, int64_t> sizes; // of inputs: what a constant becomes, wherever it stands
};

class ModelParts {
public:
  static Result<std::unique_ptr<ModelParts>> open(const std::filesystem::path &path);
  ~ModelParts();

  int64_t numNodes() const;
  /// What the nodes make for others: outputs of the model, and values that none of the nodes reads.
  std::vector<std::string> outputsOf(const std::vector<int64_t> &nodes) const;
  /// Names of the cut's initialisers whose elements are bytes, here or in another file, which is
  /// how large ones are stored.
  std::vector<std::string> initializersOf(const ModelCut &cut) const;
  /// The constants above 1 among the sizes of the cut's inputs, before `sizes` replaces them.
  std::set<int64_t> sizesOf(const ModelCut &cut) const;
  /// The model of a cut as the bytes of a file, with data from other files inside. Nothing if the
  /// type of a value that would be an input is neither declared nor inferred.
  Result<std::optional<std::string>> write(const ModelCut &cut) const;

private:
  struct State;
  explicit ModelParts(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

} // namespace cameo
