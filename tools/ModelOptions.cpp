// See ModelOptions.h.
#include "tools/ModelOptions.h"

#include "bench/Library.h"
#include "bench/Report.h"
#include "ir/Parser.h"
#include "ir/Verifier.h"
#include "support/File.h"
#include "tools/Command.h"
#include "tools/Preprocess.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <fmt/format.h>
#include <glob.h>

namespace cameo {

namespace {

std::optional<int64_t> parseSize(std::string_view text) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0)
    return std::nullopt;
  return value;
}

/// `1x3x224x224`; a scalar's shape is the empty text.
std::optional<std::vector<int64_t>> parseShape(std::string_view text) {
  std::vector<int64_t> dims;
  while (!text.empty()) {
    size_t end = std::min(text.find('x'), text.size());
    std::optional<int64_t> dim = parseSize(text.substr(0, end));
    if (!dim || end + 1 == text.size())
      return std::nullopt;
    dims.push_back(*dim);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return dims;
}

} // namespace

void addModelOptions(CLI::App &command, ModelOptions &options) {
  command
      .add_option("--shape", options.shapes,
                  "Shape of an input whose shape the model leaves open, e.g. x=1x3x224x224")
      ->type_name("INPUT=DIMS")
      ->allow_extra_args(false);
  command.add_option("--dim", options.dims, "Size of a symbolic dimension, e.g. batch=4")
      ->type_name("NAME=SIZE")
      ->allow_extra_args(false);
  command
      .add_option("--ops", options.ops,
                  "Static library with the functions of operators that are not ONNX's")
      ->type_name("LIB.a")
      ->allow_extra_args(false);
  command
      .add_option("--preprocess", options.preprocess,
                  "Take bytes of pictures: x=u8hwc,resize=224,mean=0.5,std=0.2,bgr")
      ->type_name("INPUT=u8hwc,...")
      ->allow_extra_args(false);
}

Result<ImportOptions> importOptions(const ModelOptions &options) {
  ImportOptions import;
  import.customOperators = !options.ops.empty();
  // Names may contain `=`; sizes do not, so the last one separates.
  for (const std::string &text : options.shapes) {
    size_t at = text.rfind('=');
    std::optional<std::vector<int64_t>> dims =
        at == std::string::npos ? std::nullopt : parseShape(std::string_view(text).substr(at + 1));
    if (!dims)
      return badInput(
          fmt::format("--shape: expected INPUT=DIMS such as x=1x3x224x224, got '{}'", text));
    import.shapes[text.substr(0, at)] = *dims;
  }
  for (const std::string &text : options.dims) {
    size_t at = text.rfind('=');
    std::optional<int64_t> size =
        at == std::string::npos ? std::nullopt : parseSize(std::string_view(text).substr(at + 1));
    if (!size)
      return badInput(fmt::format("--dim: expected NAME=SIZE such as batch=4, got '{}'", text));
    import.dims[text.substr(0, at)] = *size;
  }
  return import;
}

Result<std::unique_ptr<Module>> readModel(const std::string &path, const ModelOptions &options) {
  ImportOptions import = TRY(importOptions(options));
  std::vector<std::string> notes;
  import.notes = &notes;
  std::unique_ptr<Module> module = TRY(importModel(path, import));
  for (const std::string &note : notes)
    reportNote(path + ": " + note);
  for (const std::string &text : options.preprocess)
    TRY(bakePreprocessing(*module, text));
  return module;
}

bool isIrPath(const std::string &path) { return path.ends_with(".cir"); }

Result<std::unique_ptr<Module>> readIr(const std::string &path, const ModelOptions &options,
                                       bool zeros) {
  if (!options.shapes.empty() || !options.dims.empty() || !options.preprocess.empty())
    return badInput("--shape, --dim and --preprocess are for models: IR text is as it says");
  std::vector<std::byte> bytes = TRY(readFile(path));
  std::string_view text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  std::vector<std::string> elided;
  auto module = std::make_unique<Module>(TRY(parseModule(text, path, &elided)));
  TRY(verify(*module));
  if (module->funcs.empty())
    return badInput("expected a module with a function");
  if (elided.empty() || zeros)
    return module;
  Error error = badInput("the text has no elements of the constant " + elided.front());
  if (elided.size() > 1)
    error.message += " and of " + plural(std::ssize(elided) - 1, "other");
  error.notes.push_back("--zero-weights compiles such constants as zeros");
  return error;
}

bool isLibraryPath(const std::string &path) {
  std::string file = LibraryName::of(path).file;
  return file.ends_with(".so") || file.ends_with(".wasm");
}

/// The field's value for the file; "" if there is none.
static std::string fieldOf(std::string_view field, const std::filesystem::path &file) {
  if (field == "stem")
    return file.stem().string();
  if (!field.starts_with("parent"))
    return "";
  field.remove_prefix(6);
  std::optional<int64_t> levels = field.empty() ? 1 : parseSize(field);
  std::filesystem::path folder = file;
  for (int64_t i = 0; i < std::min<int64_t>(levels.value_or(0), 100); ++i)
    folder = folder.parent_path();
  return levels.value_or(0) > 0 ? folder.filename().string() : "";
}

Result<std::string> ModelNames::of(const std::string &model) const {
  std::error_code ignored;
  std::filesystem::path file = std::filesystem::absolute(model, ignored);
  std::string name;
  for (size_t at = 0; at < pattern.size();) {
    size_t end = pattern[at] == '{' ? pattern.find('}', at) : std::string::npos;
    if (end == std::string::npos) {
      name += pattern[at++];
      continue;
    }
    std::string field = fieldOf(std::string_view(pattern).substr(at + 1, end - at - 1), file);
    if (field.empty())
      return badInput(fmt::format("--output-template: '{}' has no {}: possible are {{stem}}, "
                                  "{{parent}}, {{parent2}}, ...",
                                  model, pattern.substr(at, end + 1 - at)));
    name += field;
    at = end + 1;
  }
  return name;
}

void addNamesOption(CLI::App &command, ModelNames &names) {
  command
      .add_option("--output-template", names.pattern,
                  "Names of results, of {stem}, {parent}, {parent2} ...")
      ->type_name("NAME")
      ->capture_default_str();
}

Result<std::vector<std::string>> expandModels(const std::vector<std::string> &arguments) {
  std::vector<std::string> models;
  for (const std::string &argument : arguments) {
    std::error_code ignored;
    bool pattern = argument.find_first_of("*?[") != std::string::npos;
    if (!pattern || std::filesystem::exists(argument, ignored)) {
      models.push_back(argument);
      continue;
    }
    glob_t found = {};
    int status = ::glob(argument.c_str(), 0, nullptr, &found);
    for (size_t i = 0; status == 0 && i < found.gl_pathc; ++i)
      models.emplace_back(found.gl_pathv[i]);
    ::globfree(&found);
    if (status != 0)
      return badInput(fmt::format("no file matches '{}'", argument));
  }
  return models;
}

} // namespace cameo
