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

class HeaderWriter {
public:
  HeaderWriter(const Program &program, const ModelOptions &options, const std::string &file)
      : program_(program), name_(options.name), bound_(options.bound), file_(file),
        dims_(dimNames(program)) {}

  std::string write();

private:
  std::string shape(const Port &port);
  void describe(const std::vector<Port> &ports, const char *title);
  void indices(const std::vector<Port> &ports, const char *what);
  void example();
  void declare(const Port &port, size_t index);
  void assign(const Port &port, size_t index);
  template <class... Args> void line(fmt::format_string<Args...> text, Args &&...args) {
    text_ += fmt::format(text, std::forward<Args>(args)...) + "\n";
  }

  const Program &program_;
  const std::string &name_, &bound_, &file_;
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

// Positions by name; a name that another one already has as an identifier gets a number.
void HeaderWriter::indices(const std::vector<Port> &ports, const char *what) {
  std::set<std::string> taken = {fmt::format("{}_{}_count", name_, what)};
  line("enum {{");
  for (size_t i = 0; i < ports.size(); i++) {
    std::string base = fmt::format("{}_{}_{}", name_, what, identifierCharacters(ports[i].name));
    std::string unique = base;
    for (int n = 2; !taken.insert(unique).second; n++)
      unique = fmt::format("{}_{}", base, n);
    line("  {} = {},", unique, i);
  }
  line("  {}_{}_count = {}\n}};", name_, what, ports.size());
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
  line("#ifndef CAMEO_MODEL_{0}_H\n#define CAMEO_MODEL_{0}_H\n\n#include \"cameo.h\"\n", bound_);
  line("#ifdef __cplusplus\nextern \"C\" {{\n#endif\n");
  line("/* The model, under a name that no other model called {} has: this header and another "
       "model's\n"
       " * library do not link. */",
       name_);
  line("const cameo_model *{}(void);", bound_);
  line("CAMEO_INLINE const cameo_model *{}(void) {{ return {}(); }}\n", name_, bound_);
  indices(program_.inputs, "input");
  indices(program_.outputs, "output");
  line("\n#ifdef __cplusplus\n}}\n#endif\n\n#endif");
  return text_;
}

} // namespace

std::string modelHeader(const Program &program, const ModelOptions &options,
                        const std::string &file) {
  return HeaderWriter(program, options, file).write();
}

} // namespace cameo
