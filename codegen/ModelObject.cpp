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
  llvm::Constant *ports(const std::vector<Port> &ports, const char *name);
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

// cameo_io
llvm::Constant *ModelEmitter::ports(const std::vector<Port> &ports, const char *name) {
  Constants rows;
  for (const Port &port : ports) {
    Constants dims;
    for (const PortDim &dim : port.dims)
      dims.push_back(number(dim.constant >= 0 ? dim.constant : -1 - dim.entry));
    rows.push_back(
        structOf({text(port.name), array(b_.getInt64Ty(), dims, "dims"), small(0),
                  small(dtypeToOnnx(port.dtype)), small(port.dims.size()), small(port.boxed)}));
  }
  return rows.empty() ? null() : array(rows.front()->getType(), rows, name);
}

llvm::Constant *ModelEmitter::dimNameTable() {
  Constants texts;
  for (const std::string &name : dimNames(program_))
    texts.push_back(name.empty() ? null() : text(name));
  return array(b_.getPtrTy(), texts, "dim_names");
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
  for (const std::string &name : program_.nodeNames)
    nodes.push_back(text(name));
  llvm::Constant *file = options_.weightsFile.empty() ? null() : text(options_.weightsFile);
  Constants masks = features();
  llvm::Constant *mask = llvm::ConstantArray::get(llvm::ArrayType::get(b_.getInt64Ty(), 2), masks);
  return structOf({weights(), file, number(options_.weightsId), mask,
                   small(runtimeArch(target_.arch)), small(nodes.size()),
                   array(b_.getPtrTy(), nodes, "nodes"), function("sizes"), function("workspace"),
                   function("prepare"), function("main"), small(0), small(0), null(), null(),
                   null()});
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
  auto *type = llvm::FunctionType::get(b_.getPtrTy(), false);
  auto *entry =
      llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, options_.name, module_);
  ICE_UNLESS(entry->getName() == llvm::StringRef(options_.name), "the model's name is taken");
  entry->setDoesNotThrow();
  if (target_.isWasm())
    entry->addFnAttr("wasm-export-name", CAMEO_MODEL_SYMBOL);
  b_.SetInsertPoint(llvm::BasicBlock::Create(module_.getContext(), "", entry));
  b_.CreateRet(model());
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
      if (dim.constant >= 0 || !names.at(dim.entry).empty())
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
