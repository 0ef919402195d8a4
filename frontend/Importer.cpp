// A model file to a module: what belongs to the model as a whole. See Importer.h; the graph walk is
// in GraphImporter.
#include "frontend/Importer.h"

#include "frontend/GraphImporter.h"
#include "frontend/Inputs.h"
#include "frontend/ValueTypes.h"
#include "ir/infer/UnifySizes.h"
#include "support/Text.h"

#include <algorithm>

namespace cameo {
namespace {

Result<void> checkIrVersion(int64_t version) {
  if (version >= kOldestIrVersion && version <= kNewestIrVersion)
    return {};
  return unsupported("the model has IR version " + std::to_string(version) + ", versions " +
                     std::to_string(kOldestIrVersion) + " to " + std::to_string(kNewestIrVersion) +
                     " are supported");
}

void readMetadata(const onnx::ModelProto &model, Module &module) {
  auto put = [&](const std::string &key, const std::string &value) {
    if (!value.empty())
      module.metadata[key] = validUtf8(value);
  };
  put("ir_version", std::to_string(model.ir_version()));
  std::string opsets;
  for (const onnx::OperatorSetIdProto &import : model.opset_import()) {
    std::string domain = canonicalDomain(import.domain());
    opsets += (opsets.empty() ? "" : ", ") + domain + (domain.empty() ? "" : " ") +
              std::to_string(import.version());
  }
  put("opset", opsets);
  put("producer_name", model.producer_name());
  put("producer_version", model.producer_version());
  put("domain", model.domain());
  if (model.has_model_version())
    put("model_version", std::to_string(model.model_version()));
  put("doc_string", model.doc_string());
  put("graph_name", model.graph().name());
  put("graph_doc_string", model.graph().doc_string());
  for (const onnx::StringStringEntryProto &entry : model.metadata_props())
    put("property." + validUtf8(entry.key()), entry.value());
}

/// Names of inputs and outputs become part of the library's interface.
Result<void> checkName(const onnx::ValueInfoProto &value, const char *what,
                       std::set<std::string> &seen) {
  if (value.name().empty())
    return badInput(std::string("an ") + what + " of the model has no name");
  if (!isCleanText(value.name()))
    return badInput(std::string(what) + " " + quote(value.name()) +
                    " has a control character or invalid UTF-8 in its name");
  if (!seen.insert(value.name()).second)
    return badInput(std::string(what) + " " + quote(value.name()) + " is there twice");
  return {};
}

/// The graph's inputs that are not initialisers.
Result<std::vector<const onnx::ValueInfoProto *>> realInputs(const onnx::GraphProto &graph) {
  std::set<std::string> constants, seen;
  for (const onnx::TensorProto &tensor : graph.initializer())
    constants.insert(tensor.name());
  for (const onnx::SparseTensorProto &sparse : graph.sparse_initializer())
    constants.insert(sparse.values().name());
  std::vector<const onnx::ValueInfoProto *> inputs;
  for (const onnx::ValueInfoProto &input : graph.input()) {
    TRY(checkName(input, "input", seen));
    if (!constants.contains(input.name()))
      inputs.push_back(&input);
  }
  return inputs;
}

Result<void> importInputs(const onnx::GraphProto &graph, Module &module,
                          const ImportOptions &options, GraphImporter &importer,
                          GraphImporter::Scope &scope) {
  InputTypes types(module, options);
  std::vector<const onnx::ValueInfoProto *> inputs = TRY(realInputs(graph));
  TRY(types.bindShapes(inputs));
  for (const onnx::ValueInfoProto *input : inputs) {
    Result<Type> type = types.declared(*input);
    if (!type && type.error().kind != ErrorKind::Unsupported)
      return type.error();
    if (!type)
      importer.noteUnsupported(type.error().message);
    GraphImporter::Bound bound{nullptr, true};
    if (type)
      bound = {module.main().body.addArg(*type, input->name())};
    TRY(importer.define(scope, input->name(), bound));
  }
  importer.knowSizes(types.sizes());
  return types.checkOptionsUsed();
}

/// Shapes of outputs are inferred; the declared element type must hold.
Result<void> checkOutputType(const onnx::ValueInfoProto &output, const Type &type) {
  std::optional<Type> declared = elementOf(output.type());
  const Type *inferred = &type, *wanted = declared ? &*declared : nullptr;
  while (wanted && wanted->kind() == inferred->kind() && !wanted->isTensor()) {
    wanted = &wanted->element();
    inferred = &inferred->element();
  }
  if (!wanted || (wanted->kind() == inferred->kind() && wanted->dtype() == inferred->dtype()))
    return {};
  return badInput("output " + quote(output.name()) + " is declared as " + declared->str() +
                  " and computed as " + type.str());
}

/// Whether a size is a number, or one that an input names.
bool hasOwnName(const Dim &dim) {
  std::optional<std::string> symbol = dim.symbolName();
  return dim.isConst() || (symbol && !isFreshSymbol(*symbol));
}

/// The names that an output's declaration has for sizes which its type does not fix: as the text of
/// kResultSizes.
std::string namesOfSizes(const onnx::ValueInfoProto &output, const Type &type) {
  const onnx::TensorShapeProto &declared = output.type().tensor_type().shape();
  std::string names;
  bool isAny = false;
  for (int i = 0; type.isTensor() && type.isRanked() && i < declared.dim_size(); i++) {
    const std::string &name = declared.dim(i).dim_param();
    bool isNamed = !name.empty() && i < type.rank() && !hasOwnName(type.dim(i));
    isAny |= isNamed;
    names += (i > 0 ? "," : "") + (isNamed ? identifier(name) : "");
  }
  return isAny ? names : "";
}

Result<void> importOutputs(const onnx::GraphProto &graph, Module &module,
                           const GraphImporter::Scope &scope) {
  std::set<std::string> seen;
  std::vector<Value *> results;
  std::vector<std::string> sizes;
  if (graph.output().empty())
    return badInput("the model has no outputs");
  for (const onnx::ValueInfoProto &output : graph.output()) {
    TRY(checkName(output, "output", seen));
    const GraphImporter::Bound *bound = scope.find(output.name());
    if (!bound)
      return badInput("output " + quote(output.name()) + " of the model is not computed");
    if (bound->poisoned)
      continue;
    TRY(checkOutputType(output, bound->value->type));
    results.push_back(bound->value);
    sizes.push_back(namesOfSizes(output, bound->value->type));
    module.main().resultNames.push_back(output.name());
  }
  if (std::ranges::any_of(sizes, [](const std::string &names) { return !names.empty(); }))
    module.main().attrs.set(kResultSizes, std::move(sizes));
  Builder build(module, module.main().body);
  build.create(OpKind::LoopReturn, std::move(results), {});
  return {};
}

/// Everything up to the outputs.
Result<void> importNodes(const ModelFile &file, Module &module, const ImportOptions &options,
                         GraphImporter &importer, GraphImporter::Scope &scope) {
  TRY(importer.addFunctions());
  TRY(importInputs(file.model.graph(), module, options, importer, scope));
  return importer.importGraph(file.model.graph(), module.main().body, scope);
}

/// Of a tensor, or a sequence or optional of them. Sizes that are no constants have their text as
/// name.
onnx::TypeProto protoOf(const Type &type) {
  onnx::TypeProto proto;
  if (type.kind() == Type::Kind::Sequence || type.kind() == Type::Kind::Optional) {
    auto *wrapper = type.kind() == Type::Kind::Sequence ? proto.mutable_sequence_type()
                                                        : proto.mutable_optional_type();
    *wrapper->mutable_elem_type() = protoOf(type.element());
    return proto;
  }
  proto.mutable_tensor_type()->set_elem_type(dtypeToOnnx(type.dtype()));
  if (!type.isRanked())
    return proto;
  onnx::TensorShapeProto &shape = *proto.mutable_tensor_type()->mutable_shape();
  for (const Dim &dim : type.shape())
    if (dim.isConst())
      shape.add_dim()->set_dim_value(dim.value());
    else
      shape.add_dim()->set_dim_param(dim.str());
  return proto;
}

} // namespace

std::map<std::string, onnx::TypeProto> valueTypes(const ModelFile &file) {
  std::map<std::string, onnx::TypeProto> types;
  const onnx::GraphProto &graph = file.model.graph();
  for (const auto *declared : {&graph.value_info(), &graph.output(), &graph.input()})
    for (const onnx::ValueInfoProto &value : *declared)
      if (value.has_type())
        types[value.name()] = value.type();
  Module module;
  module.addFunc("main");
  GraphImporter importer(module, file, false);
  GraphImporter::Scope scope;
  // If the model is damaged or not supported, the types of the nodes before the error are known.
  (void)importNodes(file, module, {}, importer, scope);
  for (const auto &[name, bound] : scope.values)
    if (bound.value && !bound.poisoned && !bound.value->type.isNone())
      types[name] = protoOf(bound.value->type);
  return types;
}

Result<std::unique_ptr<Module>> importModel(const std::filesystem::path &path,
                                            const ImportOptions &options) {
  std::unique_ptr<ModelFile> file = TRY(openModelFile(path));
  const onnx::GraphProto &graph = file->model.graph();
  TRY(checkIrVersion(file->model.ir_version()));
  auto module = std::make_unique<Module>();
  module->name = path.stem().string();
  module->addFunc("main");
  readMetadata(file->model, *module);
  GraphImporter importer(*module, *file, options.customOperators);
  GraphImporter::Scope scope;
  TRY(importNodes(*file, *module, options, importer, scope));
  TRY(importOutputs(graph, *module, scope));
  TRY(importer.checkSupported());
  TRY(unifySizes(*module));
  return module;
}

} // namespace cameo
