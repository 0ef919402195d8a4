// See Description.h.
#include "codegen/Description.h"

#include "codegen/LlvmHeaders.h"
#include "codegen/ModelObject.h"
#include "runtime/abi.h"

#include <llvm/Object/ObjectFile.h>
#include <llvm/Support/LEB128.h>

namespace cameo {
namespace {

constexpr std::string_view kSection = ".cameo";

Type typeOf(const Port &port, const std::vector<std::string> &names) {
  Type tensor = Type::unranked(port.dtype);
  if (port.isRanked) {
    Dims dims;
    for (const PortDim &dim : port.dims) {
      bool isNamed = dim.constant < 0 && dim.entry >= 0 && !names.at(dim.entry).empty();
      dims.push_back(dim.constant >= 0 ? Dim(dim.constant)
                                       : Dim::symbol(isNamed ? names[dim.entry] : "?"));
    }
    tensor = Type::tensor(port.dtype, std::move(dims));
  }
  if (port.kind == Type::Kind::Sequence)
    return Type::sequence(tensor);
  return port.kind == Type::Kind::Optional ? Type::optional(tensor) : tensor;
}

nlohmann::ordered_json describePorts(const std::vector<Port> &ports,
                                     const std::vector<std::string> &names) {
  auto list = nlohmann::ordered_json::array();
  for (const Port &port : ports)
    list.push_back({{"name", port.name}, {"type", typeOf(port, names).str()}});
  return list;
}

/// A text in a string of assembler.
std::string inAssembler(const std::string &text) {
  std::string escaped;
  for (char c : text) {
    if (c == '"' || c == '\\')
      escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string encoded(uint64_t value) {
  uint8_t bytes[16];
  return {reinterpret_cast<char *>(bytes), llvm::encodeULEB128(value, bytes)};
}

} // namespace

std::string describeLibrary(const std::vector<DescribedModel> &models, int64_t weightBytes,
                            const Target &target, const LibraryIdentity &identity) {
  nlohmann::ordered_json text = {{"entry", identity.name},
                                 {"cpu", target.cpu},
                                 {"abi_version", CAMEO_ABI_VERSION},
                                 {"weight_bytes", weightBytes},
                                 {"models", nlohmann::ordered_json::array()}};
  for (const DescribedModel &model : models) {
    const Program &program = *model.program;
    std::vector<std::string> names = dimNames(program);
    text["models"].push_back({{"name", model.name},
                              {"inputs", describePorts(program.inputs, names)},
                              {"outputs", describePorts(program.outputs, names)},
                              {"open_sizes", program.symbols},
                              {"metadata", modelMetadata(program, target, identity)}});
  }
  // Names come from the model file and need not be UTF-8; assembler gets ASCII alone.
  return text.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

void emitDescription(const std::string &text, llvm::Module &module) {
  module.appendModuleInlineAsm(
      fmt::format(".section {},\"\",%progbits\n.ascii \"{}\"\n.text", kSection, inAssembler(text)));
}

std::string wasmDescription(const std::string &text) {
  std::string payload = encoded(kSection.size());
  payload += kSection;
  payload += text;
  return std::string(1, '\0') + encoded(payload.size()) + payload;
}

Result<nlohmann::ordered_json> readDescription(const std::string &path) {
  Error none = badInput(
      fmt::format("{}: not a library made by cameo (it has no section '{}')", path, kSection));
  auto file = llvm::object::ObjectFile::createObjectFile(path);
  if (!file) {
    llvm::consumeError(file.takeError());
    return none;
  }
  for (const llvm::object::SectionRef &section : file->getBinary()->sections()) {
    llvm::Expected<llvm::StringRef> name = section.getName();
    llvm::Expected<llvm::StringRef> text = section.getContents();
    if (name && text && *name == llvm::StringRef(kSection)) {
      auto json = nlohmann::ordered_json::parse(text->str(), nullptr, /*allow_exceptions=*/false);
      if (json.is_object() && json.contains("models"))
        return json;
    }
    llvm::consumeError(name.takeError());
    llvm::consumeError(text.takeError());
  }
  return none;
}

} // namespace cameo
