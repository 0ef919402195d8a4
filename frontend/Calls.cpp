// Calls of model-local functions, replaced by the function's nodes. A function sees only its inputs
// and attributes, has its own opset imports, and may call others but not itself.
#include "frontend/GraphImporter.h"
#include "support/Text.h"

namespace cameo {

std::string canonicalDomain(const std::string &domain) { return domain == "ai.onnx" ? "" : domain; }

Result<void> GraphImporter::addFunctions() {
  const onnx::ModelProto &model = file_.model;
  root_.opsets = TRY(readOpsets(model.opset_import(), "the model"));
  for (const onnx::FunctionProto &function : model.functions()) {
    std::tuple key(canonicalDomain(function.domain()), function.name(), function.overload());
    if (!functions_.emplace(std::move(key), &function).second)
      return badInput("the function " + quote(function.name()) + " is defined twice");
  }
  return {};
}

const onnx::FunctionProto *GraphImporter::functionFor(const onnx::NodeProto &node,
                                                      const std::string &domain) const {
  auto found = functions_.find({domain, node.op_type(), node.overload()});
  return found == functions_.end() ? nullptr : found->second;
}

/// The attribute itself, or what it stands for in the call being inlined: nullptr if the call does
/// not give it.
Result<const onnx::AttributeProto *> GraphImporter::resolve(const onnx::AttributeProto &attribute,
                                                            const Site &site) const {
  if (attribute.ref_attr_name().empty())
    return &attribute;
  if (!environment_->function)
    return error(site, "attribute " + quote(attribute.name()) +
                           " refers to a function's attribute outside functions");
  auto found = environment_->attributes.find(attribute.ref_attr_name());
  return found == environment_->attributes.end() ? nullptr : found->second;
}

Result<void> GraphImporter::bindCallAttributes(const Site &site,
                                               const onnx::FunctionProto &function,
                                               Environment &environment) const {
  std::set<std::string> declared(function.attribute().begin(), function.attribute().end());
  for (const onnx::AttributeProto &attribute : function.attribute_proto()) {
    declared.insert(attribute.name());
    environment.attributes[attribute.name()] = &attribute;
  }
  for (const onnx::AttributeProto &attribute : site.node.attribute()) {
    if (!declared.contains(attribute.name()))
      return error(site, "the function has no attribute " + quote(attribute.name()));
    const onnx::AttributeProto *value = TRY(resolve(attribute, site));
    if (value && value->has_g())
      return unsupported("graphs as attributes of functions are not supported");
    if (value)
      environment.attributes[attribute.name()] = value;
  }
  return {};
}

Result<void> GraphImporter::inlineCall(const Site &site, const onnx::FunctionProto &function,
                                       const std::vector<Bound> &inputs) {
  for (const Environment *outer = environment_; outer; outer = outer->caller)
    if (outer->function == &function)
      return error(site, "the function calls itself");
  Environment environment;
  environment.function = &function;
  environment.caller = environment_;
  environment.prefix = site.name + "/";
  environment.opsets =
      TRY(readOpsets(function.opset_import(), "the function " + quote(function.name())));
  TRY(bindCallAttributes(site, function, environment));
  if (inputs.size() > static_cast<size_t>(function.input_size()) ||
      site.node.output_size() > function.output_size())
    return error(site, "the function has " + std::to_string(function.input_size()) +
                           " inputs and " + std::to_string(function.output_size()) +
                           " outputs, the call more");
  Scope scope;
  for (int i = 0; i < function.input_size(); i++)
    TRY(define(scope, function.input(i),
               static_cast<size_t>(i) < inputs.size() ? inputs[i] : Bound{}));
  const Environment *outer = std::exchange(environment_, &environment);
  TRY(importNodes(function.node(), *build_.block(), scope));
  environment_ = outer;
  for (int i = 0; i < site.node.output_size(); i++) {
    const Bound *result = scope.find(function.output(i));
    if (!result || !(result->value || result->poisoned))
      return error(site, "the function does not compute its output " + quote(function.output(i)));
    if (!site.node.output(i).empty())
      TRY(define(site.scope, site.node.output(i), *result));
  }
  return {};
}

} // namespace cameo
