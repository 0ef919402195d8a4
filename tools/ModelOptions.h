// The options that say which sizes a model is taken at, and how its file becomes a module: shared
// by every subcommand that reads a model.
#pragma once

#include "frontend/Importer.h"

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace cameo {

struct ModelOptions {
  std::vector<std::string> shapes;     // `x=1x3x224x224`
  std::vector<std::string> dims;       // `batch=4`
  std::vector<std::string> ops;        // static libraries with operators of the user's own
  std::vector<std::string> preprocess; // `x=u8hwc,resize=224`, see Preprocess.h
};

/// Adds --shape, --dim, --ops and --preprocess.
void addModelOptions(CLI::App &command, ModelOptions &options);
/// Expands what the shell left alone: a pattern that names no file itself. One that no file matches
/// is an error.
Result<std::vector<std::string>> expandModels(const std::vector<std::string> &arguments);
/// What models are called, or the files that are made of them.
struct ModelNames {
  std::string pattern = "{stem}"; // the file, {parent} its folder, {parent2} the folder of that ...

  /// The model's name. An error if it lies in too few folders.
  Result<std::string> of(const std::string &model) const;
};
/// Adds --output-template.
void addNamesOption(CLI::App &command, ModelNames &names);

/// Parses the texts; an error says what was expected.
Result<ImportOptions> importOptions(const ModelOptions &options);
Result<std::unique_ptr<Module>> readModel(const std::string &path, const ModelOptions &options);

/// Whether the path names IR text rather than a model.
bool isIrPath(const std::string &path);
/// A module from IR text, verified. It has its own sizes: options that give some are errors.
/// Constants whose elements are not in the text are zeros if `zeros` says so, else an error that
/// names them.
Result<std::unique_ptr<Module>> readIr(const std::string &path, const ModelOptions &options,
                                       bool zeros);

/// Whether the path names a compiled library rather than a model.
bool isLibraryPath(const std::string &path);

} // namespace cameo
