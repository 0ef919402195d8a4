// Nodes of the user's own operators: functions in C that get the node as it is (see
// runtime/include/cameo_op.h). What their results are, only the model can say.
#include "frontend/Expand.h"
#include "frontend/GraphImporter.h"
#include "support/Text.h"

namespace cameo {
namespace {

// Attributes of calls, which those of the node would be mixed up with.
bool isReserved(const std::string &name) { return name == "callee" || name == "symbols"; }

bool isPassedOn(const Attr &attr) {
  return !std::holds_alternative<ConstRef>(attr) && !std::holds_alternative<Dims>(attr);
}

} // namespace

bool GraphImporter::isCustom(const Site &site) const {
  bool expanded = isExpandedOperator(site.domain, site.node.op_type());
  return customOperators_ && !site.domain.empty() && !expanded;
}

/// Appends a result's declared type to the attributes of a Custom op. Sizes that inputs have are
/// known, others are for the function to say.
Result<void> GraphImporter::declareResult(const Site &site, const std::string &output,
                                          AttrDict &attrs) const {
  const onnx::TypeProto::Tensor *type = site.scope.findDeclared(output);
  if (!type)
    return error(site, "output " + quote(output) +
                           ": expected a declared tensor type with a rank, which operators of " +
                           "one's own must have");
  TRY(readDType(type->elem_type(), "output " + quote(output)));
  std::vector<int64_t> dtypes = attrs.getInts("dtypes"), ranks = attrs.getInts("ranks");
  Dims dims = attrs.getDims("dims");
  for (const onnx::TensorShapeProto::Dimension &dim : type->shape().dim()) {
    auto known = dim.has_dim_param() ? sizes_.find(dim.dim_param()) : sizes_.end();
    dims.push_back(dim.dim_value() < 0     ? Dim(-1)
                   : dim.has_dim_value()   ? Dim(dim.dim_value())
                   : known != sizes_.end() ? known->second
                                           : Dim(-1));
  }
  dtypes.push_back(type->elem_type());
  ranks.push_back(type->shape().dim_size());
  attrs.set("dtypes", std::move(dtypes));
  attrs.set("ranks", std::move(ranks));
  attrs.set("dims", std::move(dims));
  return {};
}

Result<void> GraphImporter::importCustom(const Site &site, const std::vector<Bound> &inputs) {
  AttrDict attrs, given = TRY(readAttributes(site));
  attrs.set("domain", validUtf8(site.domain));
  attrs.set("op_type", validUtf8(site.node.op_type()));
  std::string callee = identifier(site.domain + "_" + site.node.op_type());
  if (callee.starts_with("cameo"))
    return unsupported(
        "names of functions that begin with 'cameo' are not for operators of one's own");
  attrs.set("callee", callee);
  attrs.set("dtypes", std::vector<int64_t>());
  attrs.set("ranks", std::vector<int64_t>());
  attrs.set("dims", Dims());
  for (const onnx::AttributeProto &attribute : site.node.attribute())
    if (attribute.has_g())
      return unsupported("graphs as attributes of operators of one's own are not supported");
  for (const auto &[name, value] : given) {
    if (isReserved(name) || !isPassedOn(value) || identifier(name) != name)
      return unsupported("attribute " + quote(name) +
                         " cannot be passed on to an operator of one's own");
    attrs.set("attr." + name, value);
  }
  if (site.node.output().empty())
    return error(site, "has no outputs");
  for (const std::string &output : site.node.output()) {
    if (output.empty())
      return unsupported("an operator of one's own must have all its outputs");
    TRY(declareResult(site, output, attrs));
  }
  std::vector<Value *> operands;
  for (const Bound &input : inputs)
    operands.push_back(input.value);
  while (!operands.empty() && !operands.back())
    operands.pop_back();
  Op *op = TRY(build_.graph(OpKind::Custom, operands, std::move(attrs), site.node.output_size()));
  std::vector<Value *> results;
  for (const std::unique_ptr<Value> &result : op->results())
    results.push_back(result.get());
  return bindResults(site, boundTo(results));
}

} // namespace cameo
