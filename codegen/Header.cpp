// See Header.h.
#include "codegen/Header.h"

#include "codegen/ModelObject.h"

#include <fmt/format.h>
#include <set>

namespace cameo {
namespace {

std::string identifierCharacters(const std::string &name) {
  std::string result;
  for (char c : name) {
    bool isAlpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    bool isDigit = c >= '0' && c <= '9';
    if (isDigit && result.empty())
      result += '_';
    result += isAlpha || isDigit ? c : '_';
  }
  return result;
}

// Names come from the model and may hold anything; nothing may end the comment.
std::string inComment(const std::string &name) {
  std::string result;
  for (char c : name) {
    bool plain = c >= 0x20 && c < 0x7f && c != '/' && c != '\\';
    bool slash = c == '/' && (result.empty() || result.back() != '*');
    result += plain || slash || static_cast<unsigned char>(c) >= 0x80 ? c : '?';
  }
  return result;
}

const char *cType(DType dtype) {
  switch (dtype) {
#define TYPE(kind, text)                                                                           \
  case DType::kind:                                                                                \
    return text;
    TYPE(F32, "float")
    TYPE(F64, "double")
    TYPE(I8, "int8_t")
    TYPE(I16, "int16_t")
    TYPE(I32, "int32_t")
    TYPE(I64, "int64_t")
    TYPE(U16, "uint16_t")
    TYPE(U32, "uint32_t")
    TYPE(U64, "uint64_t")
    TYPE(F16, "uint16_t")
    TYPE(BF16, "uint16_t")
    TYPE(String, "char *")
    TYPE(U8, "uint8_t")
    TYPE(Bool, "uint8_t")
#undef TYPE
  }
  ICE("element type without a C type");
}

class HeaderWriter {
public:
  HeaderWriter(const Program &program, const std::string &name, const std::string &file)
      : program_(program), name_(name), file_(file), dims_(dimNames(program)) {}

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

// Positions by name; a name that another one already has as an identifier gets a number.
void HeaderWriter::indices(const std::vector<Port> &ports, const char *what) {
  std::set<std::string> taken;
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
  line(" *       {} *data{} = calloc({}, sizeof *data{});", cType(port.dtype), index, count, index);
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
    line(" *       const {} *result = outputs[0].as.tensor.data; // valid until the next run",
         cType(program_.outputs[0].dtype));
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
  line("#ifndef CAMEO_MODEL_{0}_H\n#define CAMEO_MODEL_{0}_H\n\n#include \"cameo.h\"\n", name_);
  line("#ifdef __cplusplus\nextern \"C\" {{\n#endif\n");
  line("const cameo_model *{}(void);\n", name_);
  indices(program_.inputs, "input");
  indices(program_.outputs, "output");
  line("\n#ifdef __cplusplus\n}}\n#endif\n\n#endif");
  return text_;
}

} // namespace

std::string modelHeader(const Program &program, const std::string &name, const std::string &file) {
  return HeaderWriter(program, name, file).write();
}

// The words are those of C, C++ and the C library functions a program is likely to link.
std::string modelIdentifier(const std::string &name) {
  static const std::set<std::string> reserved = {
      "alignas",  "alignof",  "and",      "asm",      "auto",     "bool",      "break",
      "case",     "catch",    "char",     "class",    "compl",    "const",     "constexpr",
      "continue", "default",  "delete",   "do",       "double",   "else",      "enum",
      "explicit", "export",   "extern",   "false",    "float",    "for",       "friend",
      "goto",     "if",       "inline",   "int",      "long",     "mutable",   "namespace",
      "new",      "not",      "operator", "or",       "private",  "protected", "public",
      "register", "requires", "restrict", "return",   "short",    "signed",    "sizeof",
      "static",   "struct",   "switch",   "template", "this",     "throw",     "true",
      "try",      "typedef",  "typename", "union",    "unsigned", "using",     "virtual",
      "void",     "volatile", "while",    "xor",      "main",     "malloc",    "calloc",
      "realloc",  "free",     "exit",     "abort",    "abs",      "printf",    "puts",
      "read",     "write",    "open",     "close",    "link",     "memcpy",    "memmove",
      "memset",   "memcmp",   "strlen",   "strcmp",   "exp",      "log",       "sin",
      "cos",      "tan",      "pow",      "sqrt",     "erf",      "floor",     "ceil",
      "round",    "fmod",     "syscall",  "signal",   "time",     "clock",     "random",
      "rand",     "index",    "select",   "send",     "recv",     "accept",    "bind",
      "listen",   "connect",  "socket",   "stat",     "remove",   "rename",    "system",
      "yield",    "asinh",    "gamma",    "div",      "y0",       "y1",        "yn",
      "j0",       "j1",       "jn"};
  std::string result = identifierCharacters(name);
  if (result.empty())
    return "model";
  bool isReserved =
      reserved.contains(result) || result.starts_with("cameo") || result.starts_with("pthread_");
  return isReserved ? "m_" + result : result;
}

} // namespace cameo
