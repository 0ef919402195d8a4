// The way in: an ONNX file to a module at the graph level, in the newest ONNX semantics (nothing
// after this knows opsets), with functions inlined, subgraphs as regions, and inferred types.
#pragma once

#include "ir/Module.h"
#include "ir/Result.h"

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace cameo {

/// The versions of the ONNX operator set and of the file format that the importer knows.
constexpr int64_t kNewestOpset = 28;
constexpr int64_t kOldestIrVersion = 3, kNewestIrVersion = 14;

struct ImportOptions {
  /// Sizes of symbolic dimensions, by the name the model gives them (`--dim batch=4`).
  std::map<std::string, int64_t> dims;
  /// Shapes of inputs (`--shape x=1x3x224x224`): must agree with what the model fixes.
  std::map<std::string, std::vector<int64_t>> shapes;
  /// Nodes of domains that are not ONNX's become Custom ops, functions in C of the user (`--ops`).
  bool customOperators = false;
  /// If given: gets a sentence for everything that the importer takes for something else than what
  /// is written.
  std::vector<std::string> *notes = nullptr;
};

/// Imports a model. The module's `main` has the model's inputs as arguments (initialisers are
/// constants even if they are also inputs) and its outputs as results; weights refer to the mapped
/// file, which they keep open. Metadata: `ir_version`, `opset` (`13` or `13, ai.onnx.ml 3`),
/// `producer_name`, `producer_version`, `domain`, `model_version`, `graph_name`; the model's own
/// properties as `property.KEY`; `dim.SYMBOL` is the name the model gives the size of that symbol
/// (symbols are identifiers), `x_0` for one of input x that has no name or is written as -1.
///
/// Errors: BadInput for a damaged or inconsistent model or options that do not fit it; Unsupported
/// with a note for every node that Cameo cannot compile.
Result<std::unique_ptr<Module>> importModel(const std::filesystem::path &file,
                                            const ImportOptions &options = {});

} // namespace cameo
