// See JsModule.h.
#include "codegen/JsModule.h"

#include "codegen/ModelObject.h"
#include "codegen/Names.h"
#include "ir/DType.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <nlohmann/json.hpp>

namespace cameo {
namespace {

/// A string of JavaScript. Names come from the model and may hold anything.
std::string jsString(const std::string &text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

/// The typed array that cameo.mjs keeps a port's elements in; it refuses ports of other kinds.
std::string arrayOf(const Port &port) {
  static const std::map<std::string_view, std::string> arrays = {
      {"float", "Float32Array"},     {"double", "Float64Array"},  {"int8_t", "Int8Array"},
      {"int16_t", "Int16Array"},     {"int32_t", "Int32Array"},   {"int64_t", "BigInt64Array"},
      {"uint8_t", "Uint8Array"},     {"uint16_t", "Uint16Array"}, {"uint32_t", "Uint32Array"},
      {"uint64_t", "BigUint64Array"}};
  auto found = arrays.find(dtypeSpec(port.dtype).storage);
  return port.kind == Type::Kind::Tensor && found != arrays.end() ? found->second : "never";
}

/// `interface Inputs { "x": Input<Float32Array>; }`, with dtype and dims in a comment for each.
std::string interfaceOf(const std::string &title, const std::string &wrapper,
                        const std::vector<Port> &ports, const std::vector<std::string> &dims) {
  std::string text = fmt::format("export interface {} {{\n", title);
  for (const Port &port : ports) {
    std::vector<std::string> sizes;
    for (const PortDim &dim : port.dims) {
      std::string own = dim.constant >= 0 ? "" : dims.at(dim.entry);
      sizes.push_back(dim.constant >= 0 ? std::to_string(dim.constant)
                      : own.empty()     ? "?"
                                        : identifierCharacters(own));
    }
    text += fmt::format("  /** {}[{}] */\n  {}: {}<{}>;\n", dtypeName(port.dtype),
                        port.isRanked ? fmt::format("{}", fmt::join(sizes, ", ")) : "...",
                        jsString(port.name), wrapper, arrayOf(port));
  }
  return text + "}\n\n";
}

} // namespace

std::string jsModule(const std::string &name, const std::string &stem, const std::string &wasm) {
  return fmt::format(R"(// {0}: a model compiled by Cameo; cameo.mjs says what can be done with it.
//
//     import {{ load }} from {1};
//     const model = await load();
import {{ load as loadModel }} from "./cameo.mjs";

// Bundlers know this form and take the file along.
export const url = new URL({2}, import.meta.url);
export const load = (source = url, options) => loadModel(source, options);
)",
                     name, jsString("./" + stem + ".mjs"), jsString(wasm));
}

std::string jsTypes(const Program &program, const std::string &name) {
  std::vector<std::string> dims = dimNames(program);
  return fmt::format("// {}: a model compiled by Cameo.\n"
                     "import type {{ Input, LoadOptions, Model, Source, Tensor }} from "
                     "\"./cameo.mjs\";\n\n",
                     name) +
         interfaceOf("Inputs", "Input", program.inputs, dims) +
         interfaceOf("Outputs", "Tensor", program.outputs, dims) +
         "export const url: URL;\n"
         "export function load(source?: Source, options?: LoadOptions): "
         "Promise<Model<Inputs, Outputs>>;\n";
}

} // namespace cameo
