// See ModelObject.h. Every struct here mirrors one in C; fields are in the order of the C text.
#include "codegen/ModelObject.h"

#include "codegen/Features.h"
#include "codegen/WasmLinker.h"
#include "runtime/abi.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace cameo {
namespace {

class ModelEmitter {
public:
  ModelEmitter(const Program &program, const Target &target, const EmittedFuncs &funcs,
               const ModelOptions &options, llvm::Module &module)
      : program_(program), target_(target), funcs_(funcs), options_(options), module_(module),
        b_(module.getContext()) {}

  void emit();

private:
  using Constants = std::vector<llvm::Constant *>;

  llvm::Constant *number(int64_t value) { return b_.getInt64(value); }
  llvm::Constant *small(int64_t value) { return b_.getInt32(value); }
  llvm::Constant *null() { return llvm::ConstantPointerNull::get(b_.getPtrTy()); }
  llvm::Constant *text(const std::string &value);
  llvm::Constant *global(llvm::Constant *value, const char *name);
  llvm::Constant *structOf(const Constants &fields);
  llvm::Constant *array(llvm::Type *element, const Constants &values, const char *name);
  Constants portFields(const Port &port);
  llvm::Constant *ports(const std::vector<Port> &ports, const char *name);
  llvm::Constant *numbers(const std::vector<int64_t> &values, const char *name);
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
  llvm::Constant *model();

  const Program &program_;
  const Target &target_;
  const EmittedFuncs &funcs_;
  const ModelOptions &options_;
  llvm::Module &module_;
  llvm::IRBuilder<> b_;
};

llvm::Constant *ModelEmitter::global(llvm::Constant *value, const char *name) {
  return new llvm::GlobalVariable(module_, value->getType(), /*isConstant=*/true,
                                  llvm::GlobalValue::InternalLinkage, value, name);
}

llvm::Constant *ModelEmitter::text(const std::string &value) {
  return b_.CreateGlobalString(value, "text", 0, &module_);
}

llvm::Constant *ModelEmitter::structOf(const Constants &fields) {
  return llvm::ConstantStruct::getAnon(module_.getContext(), fields);
}

llvm::Constant *ModelEmitter::array(llvm::Type *element, const Constants &values,
                                    const char *name) {
  if (values.empty())
    return null();
  return global(llvm::ConstantArray::get(llvm::ArrayType::get(element, values.size()), values),
                name);
}

llvm::Constant *ModelEmitter::numbers(const std::vector<int64_t> &values, const char *name) {
  Constants rows;
  for (int64_t value : values)
    rows.push_back(small(value));
  return array(b_.getInt32Ty(), rows, name);
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
ModelEmitter::Constants ModelEmitter::portFields(const Port &port) {
  Constants dims;
  for (const PortDim &dim : port.dims)
    dims.push_back(number(dimNumber(dim)));
  int64_t rank = port.isRanked ? static_cast<int64_t>(dims.size()) : -1;
  return {text(port.name),
          array(b_.getInt64Ty(), dims, "dims"),
          small(valueKind(port)),
          small(dtypeToOnnx(port.dtype)),
          small(rank),
          small(port.box >= 0)};
}

llvm::Constant *ModelEmitter::ports(const std::vector<Port> &ports, const char *name) {
  Constants rows;
  for (const Port &port : ports)
    rows.push_back(structOf(portFields(port)));
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
    return structOf({text(name), small(kind), small(scalar), number(values.size()),
                     array(type, values, "values")});
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

// cameo_place
llvm::Constant *ModelEmitter::places(const std::vector<Place> &places) {
  static constexpr int32_t kSpaces[] = {CAMEO_SPACE_ARENA, CAMEO_SPACE_INPUT, CAMEO_SPACE_OUTPUT,
                                        CAMEO_SPACE_WEIGHTS, CAMEO_SPACE_BOX};
  Constants rows;
  for (const Place &place : places) {
    int32_t space = place.isAbsent ? CAMEO_SPACE_NONE : kSpaces[static_cast<size_t>(place.space)];
    rows.push_back(structOf({small(space), small(std::max<int64_t>(place.index, 0)),
                             number(dimNumber(place.offset)), structOf(portFields(place.port))}));
  }
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
    rows.push_back(
        structOf({kernel, places(site.inputs), places(site.outputs),
                  array(element, attributes, "attributes"), numbers(site.defines, "defines"),
                  small(site.inputs.size()), small(site.outputs.size()), small(attributes.size()),
                  small(site.defines.size()), small(site.node)}));
  }
  return rows.empty() ? null() : array(rows.front()->getType(), rows, "sites");
}

// The part of the runtime that knows boxes and calls, in libraries that need it.
llvm::Constant *ModelEmitter::boxing() {
  auto isBoxed = [](const Port &port) { return valueKind(port) != CAMEO_TENSOR || !port.isRanked; };
  bool needed = program_.numBoxes > 0 || !program_.sites.empty() ||
                std::any_of(program_.inputs.begin(), program_.inputs.end(), isBoxed) ||
                std::any_of(program_.outputs.begin(), program_.outputs.end(), isBoxed);
  return needed ? new llvm::GlobalVariable(module_, b_.getPtrTy(), true,
                                           llvm::GlobalValue::ExternalLinkage, nullptr,
                                           "cameo_rt_boxing")
                : null();
}

// In a section of its own so that the linker can place it last. In assembler, as LLVM has NOBITS
// for .bss alone: a variable of zeros in another section takes its size in the object and in
// memory. For wasm at a fixed address, see WasmLinker.h.
llvm::Constant *ModelEmitter::weights() {
  if (program_.weightBytes == 0 || !options_.weightsFile.empty())
    return null();
  if (target_.isWasm())
    return llvm::ConstantExpr::getIntToPtr(small(kWasmWeightsAddress), b_.getPtrTy());
  module_.appendModuleInlineAsm(fmt::format(".section {},\"aw\",%nobits\n.balign 64\n"
                                            ".Lcameo_weights:\n.zero {}\n.text",
                                            kWeightsSection, program_.weightBytes + kWeightsSlack));
  auto *variable =
      new llvm::GlobalVariable(module_, b_.getInt8Ty(), /*isConstant=*/false,
                               llvm::GlobalValue::ExternalLinkage, nullptr, "\1.Lcameo_weights");
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
  return structOf({weights(), file, number(options_.weightsId), mask,
                   small(runtimeArch(target_.arch)), small(nodes.size()),
                   array(b_.getPtrTy(), nodes, "nodes"), array(b_.getPtrTy(), texts, "texts"),
                   small(texts.size()), function("sizes"), function("workspace"), function("main"),
                   small(program_.numBoxes), small(program_.sites.size()), outputBoxes(), sites(),
                   boxing()});
}

// cameo_model
llvm::Constant *ModelEmitter::model() {
  auto *api = new llvm::GlobalVariable(module_, llvm::ArrayType::get(b_.getPtrTy(), 8), true,
                                       llvm::GlobalValue::ExternalLinkage, nullptr, "cameo_rt_api");
  Constants fields = {small(CAMEO_ABI_VERSION),
                      small(0),
                      text(options_.name),
                      text(metadataJson(program_, target_)),
                      text(target_.cpu),
                      ports(program_.inputs, "inputs"),
                      ports(program_.outputs, "outputs"),
                      dimNameTable(),
                      small(program_.inputs.size()),
                      small(program_.outputs.size()),
                      small(program_.symbols.size()),
                      small(program_.numDims),
                      number(program_.weightBytes),
                      api,
                      global(code(), "code")};
  int64_t size = module_.getDataLayout().getTypeAllocSize(structOf(fields)->getType());
  fields[1] = small(size);
  return global(structOf(fields), "model");
}

void ModelEmitter::emit() {
  // Functions inside go by any name.
  if (llvm::GlobalValue *inner = module_.getNamedValue(options_.name);
      inner && !inner->isDeclaration())
    inner->setName("");
  auto *type = llvm::FunctionType::get(b_.getPtrTy(), false);
  auto *entry =
      llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, options_.name, module_);
  ICE_UNLESS(entry->getName() == llvm::StringRef(options_.name), "the model's name is taken");
  entry->setDoesNotThrow();
  if (target_.isWasm())
    entry->addFnAttr("wasm-export-name", CAMEO_MODEL_SYMBOL);
  b_.SetInsertPoint(llvm::BasicBlock::Create(module_.getContext(), "", entry));
  b_.CreateRet(model());
  if (!target_.isWasm())
    llvm::GlobalAlias::create(options_.bound, entry);
}

} // namespace

// Symbols have their names; an entry that an output's dims mention gets one if it has none.
std::vector<std::string> dimNames(const Program &program) {
  std::vector<std::string> names(program.symbols);
  ICE_UNLESS(static_cast<int64_t>(names.size()) <= program.numDims, "more symbols than dims");
  names.resize(program.numDims);
  auto taken = [&](const std::string &name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const Port &port : program.outputs)
    for (const PortDim &dim : port.dims) {
      if (dim.entry < 0 || port.kind != Type::Kind::Tensor || !names.at(dim.entry).empty())
        continue;
      std::string name = "d" + std::to_string(dim.entry);
      while (taken(name))
        name += "_";
      names[dim.entry] = name;
    }
  return names;
}

std::string metadataJson(const Program &program, const Target &target) {
  nlohmann::ordered_json json;
  for (const auto &[key, value] : program.metadata)
    json[key] = value;
  json["cameo"] = {{"target", target.triple}, {"cpu", target.cpu}};
  // Names come from the model file and need not be UTF-8.
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void emitModel(const Program &program, const Target &target, const EmittedFuncs &funcs,
               const ModelOptions &options, llvm::Module &module) {
  ModelEmitter(program, target, funcs, options, module).emit();
}

} // namespace cameo
