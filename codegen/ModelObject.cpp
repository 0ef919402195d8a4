// See ModelObject.h. Every struct here mirrors one in C (runtime/abi.h, runtime/include/cameo.h).
#include "codegen/ModelObject.h"

#include "codegen/ConstantBuilder.h"
#include "codegen/Features.h"
#include "codegen/WasmLinker.h"
#include "runtime/abi.h"
#include "support/Text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace cameo {
namespace {

class ModelEmitter : ConstantBuilder {
public:
  ModelEmitter(const Program &program, const Target &target, const EmittedFuncs &funcs,
               const LibraryIdentity &options, llvm::Module &module)
      : ConstantBuilder(module), program_(program), target_(target), funcs_(funcs),
        options_(options), metadata_(modelMetadata(program, target, options)) {}

  llvm::Constant *model();

private:
  llvm::Constant *properties();
  llvm::Constant *port(const Port &port);
  llvm::Constant *ports(const std::vector<Port> &ports, const char *name);
  llvm::Constant *outputBoxes();
  llvm::Constant *attribute(const std::string &name, const Attr &value);
  llvm::Constant *places(const std::vector<Place> &places);
  llvm::Constant *sites();
  llvm::Constant *boxing();
  llvm::Constant *dimNameTable();
  llvm::Constant *weights();
  Constants features();
  llvm::Constant *function(const char *kind);
  llvm::Constant *code();

  const Program &program_;
  const Target &target_;
  const EmittedFuncs &funcs_;
  const LibraryIdentity &options_;
  const nlohmann::ordered_json metadata_;
};

// Names come from the model file and need not be UTF-8.
std::string jsonText(const nlohmann::ordered_json &json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// A constant size, or an entry of the table of sizes as a negative number.
static int64_t dimNumber(const PortDim &dim) {
  return dim.constant >= 0 ? dim.constant : -1 - dim.entry;
}

static int32_t valueKind(const Port &port) {
  if (port.kind == Type::Kind::Sequence)
    return CAMEO_SEQUENCE;
  if (port.kind == Type::Kind::Optional)
    return CAMEO_OPTIONAL;
  return port.dtype == DType::String ? CAMEO_STRINGS : CAMEO_TENSOR;
}

// cameo_io
llvm::Constant *ModelEmitter::port(const Port &port) {
  Constants dims;
  for (const PortDim &dim : port.dims)
    dims.push_back(number(dimNumber(dim)));
  int64_t rank = port.isRanked ? static_cast<int64_t>(dims.size()) : -1;
  return structOf<cameo_io>({MEMBER(cameo_io, name, text(port.name)),
                             MEMBER(cameo_io, dims, array(b_.getInt64Ty(), dims, "dims")),
                             MEMBER(cameo_io, kind, small(valueKind(port))),
                             MEMBER(cameo_io, dtype, small(dtypeToOnnx(port.dtype))),
                             MEMBER(cameo_io, rank, small(rank)),
                             MEMBER(cameo_io, boxed, small(port.box >= 0))});
}

llvm::Constant *ModelEmitter::ports(const std::vector<Port> &ports, const char *name) {
  Constants rows;
  for (const Port &each : ports)
    rows.push_back(port(each));
  return rows.empty() ? null() : array(rows.front()->getType(), rows, name);
}

llvm::Constant *ModelEmitter::dimNameTable() {
  Constants texts;
  for (const std::string &name : dimNames(program_))
    texts.push_back(name.empty() ? null() : text(name));
  return array(b_.getPtrTy(), texts, "dim_names");
}

llvm::Constant *ModelEmitter::outputBoxes() {
  std::vector<int64_t> boxes;
  boxes.reserve(program_.outputs.size());
  for (const Port &port : program_.outputs)
    boxes.push_back(port.box);
  bool none = std::all_of(boxes.begin(), boxes.end(), [](int64_t box) { return box < 0; });
  return none ? null() : numbers(boxes, "output_boxes");
}

// cameo_attribute
llvm::Constant *ModelEmitter::attribute(const std::string &name, const Attr &value) {
  auto row = [&](int64_t kind, bool scalar, llvm::Type *type, const Constants &values) {
    return structOf<cameo_attribute>(
        {MEMBER(cameo_attribute, name, text(name)), MEMBER(cameo_attribute, kind, small(kind)),
         MEMBER(cameo_attribute, scalar, small(scalar)),
         MEMBER(cameo_attribute, count, number(values.size())),
         MEMBER(cameo_attribute, data, array(type, values, "values"))});
  };
  auto real = [&](double x) { return llvm::ConstantFP::get(b_.getDoubleTy(), x); };
  Constants values;
  if (const auto *one = std::get_if<int64_t>(&value))
    return row(CAMEO_ATTR_INTS, true, b_.getInt64Ty(), {number(*one)});
  if (const auto *one = std::get_if<double>(&value))
    return row(CAMEO_ATTR_FLOATS, true, b_.getDoubleTy(), {real(*one)});
  if (const auto *one = std::get_if<std::string>(&value))
    return row(CAMEO_ATTR_STRINGS, true, b_.getPtrTy(), {text(*one)});
  if (const auto *one = std::get_if<DType>(&value))
    return row(CAMEO_ATTR_INTS, true, b_.getInt64Ty(), {number(dtypeToOnnx(*one))});
  if (const auto *ints = std::get_if<std::vector<int64_t>>(&value)) {
    for (int64_t x : *ints)
      values.push_back(number(x));
    return row(CAMEO_ATTR_INTS, false, b_.getInt64Ty(), values);
  }
  if (const auto *reals = std::get_if<std::vector<double>>(&value)) {
    for (double x : *reals)
      values.push_back(real(x));
    return row(CAMEO_ATTR_FLOATS, false, b_.getDoubleTy(), values);
  }
  const auto *texts = std::get_if<std::vector<std::string>>(&value);
  ICE_UNLESS(texts,
             "attribute '" + name + "' of a call is of a kind that functions in C cannot get");
  for (const std::string &x : *texts)
    values.push_back(text(x));
  return row(CAMEO_ATTR_STRINGS, false, b_.getPtrTy(), values);
}

static int32_t spaceNumber(const Place &place) {
  if (place.isAbsent)
    return CAMEO_SPACE_NONE;
  switch (place.space) {
  case Buffer::Space::Arena:
    return CAMEO_SPACE_ARENA;
  case Buffer::Space::Input:
    return CAMEO_SPACE_INPUT;
  case Buffer::Space::Output:
    return CAMEO_SPACE_OUTPUT;
  case Buffer::Space::Weight:
    return CAMEO_SPACE_WEIGHTS;
  case Buffer::Space::Box:
    return CAMEO_SPACE_BOX;
  }
  ICE("a space that the runtime does not know");
}

// cameo_place
llvm::Constant *ModelEmitter::places(const std::vector<Place> &places) {
  Constants rows;
  for (const Place &place : places)
    rows.push_back(
        structOf<cameo_place>({MEMBER(cameo_place, space, small(spaceNumber(place))),
                               MEMBER(cameo_place, index, small(std::max<int64_t>(place.index, 0))),
                               MEMBER(cameo_place, offset, number(dimNumber(place.offset))),
                               MEMBER(cameo_place, io, port(place.port))}));
  return rows.empty() ? null() : array(rows.front()->getType(), rows, "places");
}

// cameo_site
llvm::Constant *ModelEmitter::sites() {
  Constants rows;
  auto *type = llvm::FunctionType::get(b_.getInt32Ty(), {b_.getPtrTy()}, false);
  for (const Site &site : program_.sites) {
    Constants attributes;
    for (const auto &[name, value] : site.attributes)
      attributes.push_back(attribute(name, value));
    llvm::Type *element = attributes.empty() ? b_.getInt8Ty() : attributes.front()->getType();
    auto *kernel =
        llvm::cast<llvm::Constant>(module_.getOrInsertFunction(site.callee, type).getCallee());
    rows.push_back(structOf<cameo_site>(
        {MEMBER(cameo_site, kernel, kernel), MEMBER(cameo_site, inputs, places(site.inputs)),
         MEMBER(cameo_site, outputs, places(site.outputs)),
         MEMBER(cameo_site, attributes, array(element, attributes, "attributes")),
         MEMBER(cameo_site, defines, numbers(site.defines, "defines")),
         MEMBER(cameo_site, num_inputs, small(site.inputs.size())),
         MEMBER(cameo_site, num_outputs, small(site.outputs.size())),
         MEMBER(cameo_site, num_attributes, small(attributes.size())),
         MEMBER(cameo_site, num_defines, small(site.defines.size())),
         MEMBER(cameo_site, node, small(site.node))}));
  }
  return rows.empty() ? null() : array(rows.front()->getType(), rows, "sites");
}

// The part of the runtime that knows boxes and calls, in libraries that need it.
llvm::Constant *ModelEmitter::boxing() {
  auto isBoxed = [](const Port &port) { return valueKind(port) != CAMEO_TENSOR || !port.isRanked; };
  bool needed = program_.numBoxes > 0 || !program_.sites.empty() ||
                std::any_of(program_.inputs.begin(), program_.inputs.end(), isBoxed) ||
                std::any_of(program_.outputs.begin(), program_.outputs.end(), isBoxed);
  return needed ? runtimeVariable("cameo_rt_boxing", b_.getPtrTy()) : null();
}

/// As LLVM calls a symbol that is the assembler's own, `.Lcameo_weights`.
constexpr const char *kWeightsSymbol = "\1.Lcameo_weights";

// In a section of its own so that the linker can place it last. In assembler, as LLVM has NOBITS
// for .bss alone: a variable of zeros in another section takes its size in the object and in
// memory. For wasm at a fixed address, see WasmLinker.h.
llvm::Constant *ModelEmitter::weights() {
  if (program_.weightBytes == 0 || !options_.weightsFile.empty())
    return null();
  if (target_.isWasm())
    return llvm::ConstantExpr::getIntToPtr(small(kWasmWeightsAddress), b_.getPtrTy());
  if (llvm::Constant *known = module_.getNamedValue(kWeightsSymbol))
    return known; // of another model in the bundle
  module_.appendModuleInlineAsm(fmt::format(".section {},\"aw\",%nobits\n.balign 64\n"
                                            ".Lcameo_weights:\n.zero {}\n.text",
                                            kWeightsSection, program_.weightBytes + kWeightsSlack));
  auto *variable =
      new llvm::GlobalVariable(module_, b_.getInt8Ty(), /*isConstant=*/false,
                               llvm::GlobalValue::ExternalLinkage, nullptr, kWeightsSymbol);
  variable->setDSOLocal(true);
  return variable;
}

ModelEmitter::Constants ModelEmitter::features() {
  std::array<uint64_t, 2> mask = featureMask(target_);
  return {number(mask[0]), number(mask[1])};
}

llvm::Constant *ModelEmitter::function(const char *kind) {
  for (const auto &[name, func] : funcs_)
    if (func.kind == kind)
      return func.function;
  return null();
}

// cameo_code
llvm::Constant *ModelEmitter::code() {
  Constants nodes;
  for (const std::string &name : program_.nodeNames.names)
    nodes.push_back(text(name));
  Constants texts;
  for (const std::string &faultText : program_.faultTexts.names)
    texts.push_back(text(faultText));
  llvm::Constant *file = options_.weightsFile.empty() ? null() : text(options_.weightsFile);
  Constants masks = features();
  llvm::Constant *mask = llvm::ConstantArray::get(llvm::ArrayType::get(b_.getInt64Ty(), 2), masks);
  return structOf<cameo_code>(
      {MEMBER(cameo_code, weights, weights()), MEMBER(cameo_code, weights_file, file),
       MEMBER(cameo_code, weights_id, number(options_.weightsId)),
       MEMBER(cameo_code, features, mask),
       MEMBER(cameo_code, arch, small(runtimeArch(target_.arch))),
       MEMBER(cameo_code, num_nodes, small(nodes.size())),
       MEMBER(cameo_code, nodes, array(b_.getPtrTy(), nodes, "nodes")),
       MEMBER(cameo_code, texts, array(b_.getPtrTy(), texts, "texts")),
       MEMBER(cameo_code, num_texts, small(texts.size())),
       MEMBER(cameo_code, sizes, function("sizes")),
       MEMBER(cameo_code, workspace, function("workspace")),
       MEMBER(cameo_code, main, function("main")),
       MEMBER(cameo_code, num_boxes, small(program_.numBoxes)),
       MEMBER(cameo_code, num_sites, small(program_.sites.size())),
       MEMBER(cameo_code, output_boxes, outputBoxes()), MEMBER(cameo_code, sites, sites()),
       MEMBER(cameo_code, boxing, boxing())});
}

// cameo_property, those of the file's own first, so that they are what cameo_metadata finds.
llvm::Constant *ModelEmitter::properties() {
  Constants rows, others;
  for (const auto &[key, value] : metadata_.items()) {
    std::string_view name = key;
    bool isOwn = name.starts_with(kOwnProperty);
    name.remove_prefix(isOwn ? kOwnProperty.size() : 0);
    std::string shown = value.is_string() ? value.get<std::string>() : jsonText(value);
    (isOwn ? rows : others)
        .push_back(structOf<cameo_property>({MEMBER(cameo_property, key, text(std::string(name))),
                                             MEMBER(cameo_property, value, text(shown))}));
  }
  rows.insert(rows.end(), others.begin(), others.end());
  return array(rows.front()->getType(), rows, "properties");
}

// cameo_model
llvm::Constant *ModelEmitter::model() {
  llvm::Constant *api = runtimeVariable("cameo_rt_api", llvm::ArrayType::get(b_.getPtrTy(), 8));
  std::vector<Member> members = {MEMBER(cameo_model, abi_version, small(CAMEO_ABI_VERSION)),
                                 MEMBER(cameo_model, name, text(options_.name)),
                                 MEMBER(cameo_model, metadata, text(jsonText(metadata_))),
                                 MEMBER(cameo_model, cpu, text(target_.cpu)),
                                 MEMBER(cameo_model, inputs, ports(program_.inputs, "inputs")),
                                 MEMBER(cameo_model, outputs, ports(program_.outputs, "outputs")),
                                 MEMBER(cameo_model, dim_names, dimNameTable()),
                                 MEMBER(cameo_model, num_inputs, small(program_.inputs.size())),
                                 MEMBER(cameo_model, num_outputs, small(program_.outputs.size())),
                                 MEMBER(cameo_model, num_symbols, small(program_.symbols.size())),
                                 MEMBER(cameo_model, num_dims, small(program_.numDims)),
                                 MEMBER(cameo_model, weights_size, number(program_.weightBytes)),
                                 MEMBER(cameo_model, api, api),
                                 MEMBER(cameo_model, code, global(code(), "code")),
                                 MEMBER(cameo_model, properties, properties()),
                                 MEMBER(cameo_model, num_properties, number(metadata_.size()))};
  return global(sizedStructOf<cameo_model>(members, offsetof(cameo_model, struct_size)), "model");
}

} // namespace

nlohmann::ordered_json modelMetadata(const Program &program, const Target &target,
                                     const LibraryIdentity &options) {
  nlohmann::ordered_json json;
  for (const auto &[key, value] : program.metadata)
    json[key] = value;
  json["cameo"] = {{"target", target.triple}, {"cpu", target.cpu}};
  json["cameo"].update(options.madeBy);
  return json;
}

std::vector<std::string> dimNames(const Program &program) {
  std::vector<std::string> names(program.symbols);
  ICE_UNLESS(static_cast<int64_t>(names.size()) <= program.numDims, "more symbols than dims");
  names.resize(program.numDims);
  auto taken = [&](const std::string &name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const Port &port : program.outputs)
    for (size_t axis = 0; axis < port.sizeNames.size(); axis++) {
      int64_t entry = port.dims.at(axis).entry;
      if (entry < 0 || port.kind != Type::Kind::Tensor || !names.at(entry).empty())
        continue;
      std::string name = identifier(port.sizeNames[axis]);
      while (taken(name))
        name += "_";
      names[entry] = name;
    }
  return names;
}

llvm::Constant *emitModelObject(const Program &program, const Target &target,
                                const EmittedFuncs &funcs, const LibraryIdentity &options,
                                llvm::Module &module) {
  return ModelEmitter(program, target, funcs, options, module).model();
}

void emitModel(const Program &program, const Target &target, const EmittedFuncs &funcs,
               const LibraryIdentity &options, llvm::Module &module) {
  llvm::Constant *model = emitModelObject(program, target, funcs, options, module);
  emitEntry(module, options.name, options.bound, model, CAMEO_MODEL_SYMBOL);
}

} // namespace cameo
