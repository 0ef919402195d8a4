// See Header.h.
#include "codegen/Header.h"

#include "codegen/ModelObject.h"
#include "codegen/Names.h"
#include "support/Text.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace cameo {
namespace {

// Names come from the model and may hold anything; nothing may begin or end a comment, and
// compilers warn of `??/` and of marks that turn the direction of text.
std::string inComment(const std::string &name) {
  std::string result = printable(name);
  for (const char *pair : {"/*", "*/", "??"})
    for (size_t at; (at = result.find(pair)) != std::string::npos;)
      result[at + 1] = '?' == pair[1] ? '_' : '?';
  std::replace(result.begin(), result.end(), '\\', '?');
  return result;
}

/// Positions by name, as constants `PREFIX_NAME`, and their number; a name that another one already
/// has as an identifier gets a number.
std::string indexConstants(const std::string &prefix, const std::vector<std::string> &names) {
  std::set<std::string> taken = {prefix + "_count"};
  std::string text = "enum {\n";
  for (size_t i = 0; i < names.size(); i++) {
    std::string base = prefix + "_" + identifierCharacters(names[i]);
    std::string unique = base;
    for (int n = 2; !taken.insert(unique).second; n++)
      unique = fmt::format("{}_{}", base, n);
    text += fmt::format("  {} = {},\n", unique, i);
  }
  return text + fmt::format("  {}_count = {}\n}};\n", prefix, names.size());
}

/// Declares what returns the library's constant, of type `type`. `what` it is, for a comment.
std::string entryDeclaration(const LibraryIdentity &options, const char *type, const char *what) {
  return fmt::format("/* The {0}, under a name that no other {0} called {1} has: this header and "
                     "another {0}'s\n * library do not link. */\n"
                     "const {2} *{3}(void);\n"
                     "CAMEO_INLINE const {2} *{1}(void) {{ return {3}(); }}\n\n",
                     what, options.name, type, options.bound);
}

constexpr const char *kExternC = "#ifdef __cplusplus\nextern \"C\" {\n#endif\n";
constexpr const char *kEndExternC = "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n";

class HeaderWriter {
public:
  HeaderWriter(const Program &program, const LibraryIdentity &options, const std::string &file)
      : program_(program), options_(options), name_(options.name), file_(file),
        dims_(dimNames(program)) {}

  std::string write();

private:
  std::string shape(const Port &port);
  void describe(const std::vector<Port> &ports, const char *title);
  std::string indices(const std::vector<Port> &ports, const char *what);
  void example();
  void declare(const Port &port, size_t index);
  void assign(const Port &port, size_t index);
  template <class... Args> void line(fmt::format_string<Args...> text, Args &&...args) {
    text_ += fmt::format(text, std::forward<Args>(args)...) + "\n";
  }

  const Program &program_;
  const LibraryIdentity &options_;
  const std::string &name_, &file_;
  std::vector<std::string> dims_;
  std::string text_;
};

std::string HeaderWriter::shape(const Port &port) {
  std::string text;
  for (const PortDim &dim : port.dims) {
    std::string own = dim.constant >= 0 ? std::to_string(dim.constant) : dims_.at(dim.entry);
    text += (text.empty() ? "" : ", ") + (own.empty() ? "?" : inComment(own));
  }
  return "[" + (port.isRanked ? text : "...") + "]";
}

static std::string kindText(const Port &port) {
  if (port.kind == Type::Kind::Sequence)
    return "sequence of ";
  return port.kind == Type::Kind::Optional ? "optional " : "";
}

void HeaderWriter::describe(const std::vector<Port> &ports, const char *title) {
  line(" * {}:", title);
  for (size_t i = 0; i < ports.size(); i++)
    line(" *   {}  {}  {}{}{}", i, inComment(ports[i].name), kindText(ports[i]),
         dtypeName(ports[i].dtype), shape(ports[i]));
}

std::string HeaderWriter::indices(const std::vector<Port> &ports, const char *what) {
  std::vector<std::string> names;
  for (const Port &port : ports)
    names.push_back(port.name);
  return indexConstants(name_ + "_" + what, names);
}

// An input of zeros or empty strings; sizes known only at run time are 1.
void HeaderWriter::declare(const Port &port, size_t index) {
  if (port.kind != Type::Kind::Tensor)
    return;
  std::string dims, count;
  for (const PortDim &dim : port.dims) {
    std::string size = std::to_string(dim.constant >= 0 ? dim.constant : 1);
    dims += (dims.empty() ? "" : ", ") + size;
    count += (count.empty() ? "(size_t)" : " * ") + size;
  }
  line(" *       int64_t dims{}[] = {{{}}}; // {}", index, dims.empty() ? "0" : dims, shape(port));
  if (count.empty())
    count = "1";
  if (port.dtype == DType::String) {
    line(" *       const char **data{0} = malloc(({1}) * sizeof *data{0});", index, count);
    line(" *       for (size_t i = 0; i < {}; i++)", count);
    line(" *         data{}[i] = \"\";", index);
    return;
  }
  line(" *       {} *data{} = calloc({}, sizeof *data{});", dtypeSpec(port.dtype).storage, index,
       count, index);
}

void HeaderWriter::assign(const Port &port, size_t index) {
  if (port.kind != Type::Kind::Tensor) {
    bool isSequence = port.kind == Type::Kind::Sequence;
    line(" *       inputs[{}].kind = {}; // empty", index,
         isSequence ? "CAMEO_SEQUENCE" : "CAMEO_OPTIONAL");
    return;
  }
  if (port.dtype == DType::String) {
    line(" *       inputs[{}].kind = CAMEO_STRINGS;", index);
    line(" *       inputs[{0}].as.strings.data = data{0};", index);
    line(" *       inputs[{}].as.strings.rank = {};", index, port.dims.size());
    line(" *       inputs[{0}].as.strings.dims = dims{0};", index);
    return;
  }
  line(" *       inputs[{}].kind = CAMEO_TENSOR;", index);
  line(" *       inputs[{0}].as.tensor.data = data{0};", index);
  line(" *       inputs[{}].as.tensor.dtype = {}; // {}", index, dtypeToOnnx(port.dtype),
       dtypeName(port.dtype));
  line(" *       inputs[{}].as.tensor.rank = {};", index, port.dims.size());
  line(" *       inputs[{0}].as.tensor.dims = dims{0};", index);
}

void HeaderWriter::example() {
  line(" * A program that runs it once, on zeros and without error checks:");
  line(" *\n *     #include \"{}\"\n *     #include <stdlib.h>\n *", inComment(file_));
  line(" *     int main(void) {{");
  for (size_t i = 0; i < program_.inputs.size(); i++)
    declare(program_.inputs[i], i);
  line(" *       cameo_value inputs[{}] = {{{{0}}}}, outputs[{}] = {{{{0}}}};",
       std::max<size_t>(1, program_.inputs.size()), std::max<size_t>(1, program_.outputs.size()));
  for (size_t i = 0; i < program_.inputs.size(); i++)
    assign(program_.inputs[i], i);
  line(" *       cameo_context *context;");
  line(" *       cameo_create({}(), NULL, &context);", name_);
  line(" *       int status = cameo_run(context, inputs, outputs);");
  bool isPlain = !program_.outputs.empty() && program_.outputs[0].dtype != DType::String &&
                 program_.outputs[0].kind == Type::Kind::Tensor;
  if (isPlain)
    line(" *       // The result, until the next run: (const {} *)outputs[0].as.tensor.data",
         dtypeSpec(program_.outputs[0].dtype).storage);
  line(" *       cameo_destroy(context);\n *       return status;\n *     }}");
}

std::string HeaderWriter::write() {
  line("/*\n * {}: a model compiled by Cameo. See cameo.h for the functions that run it.\n *",
       name_);
  describe(program_.inputs, "Inputs");
  describe(program_.outputs, "Outputs");
  line(" *");
  example();
  line(" */");
  line("#ifndef CAMEO_MODEL_{0}_H\n#define CAMEO_MODEL_{0}_H\n\n#include \"cameo.h\"\n",
       options_.bound);
  text_ += kExternC + entryDeclaration(options_, "cameo_model", "model");
  text_ += indices(program_.inputs, "input") + indices(program_.outputs, "output");
  return text_ + kEndExternC;
}

} // namespace

std::string modelHeader(const Program &program, const LibraryIdentity &options,
                        const std::string &file) {
  return HeaderWriter(program, options, file).write();
}

std::string bundleHeader(const Bundle &bundle, const LibraryIdentity &options,
                         const std::string &file) {
  std::vector<std::string> names;
  for (const BundleModel &model : bundle.models)
    names.push_back(model.name);
  return fmt::format(R"(/*
 * {0}: {1} models compiled by Cameo. See cameo_bundle.h for the functions that find them, and
 * cameo.h for those that run them:
 *
 *     #include "{2}"
 *
 *     const cameo_model *model = cameo_bundle_model({0}(), cameo_bundle_find({0}(), "NAME"));
 *     cameo_context *context;
 *     int status = cameo_create(model, NULL, &context);
 */
#ifndef CAMEO_BUNDLE_{3}_H
#define CAMEO_BUNDLE_{3}_H

#include "cameo_bundle.h"

)",
                     options.name, names.size(), inComment(file), options.bound) +
         kExternC + entryDeclaration(options, "cameo_bundle", "bundle") +
         "/* The models' indices. */\n" + indexConstants(options.name + "_model", names) +
         kEndExternC;
}

} // namespace cameo
