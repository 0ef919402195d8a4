// Expands the op table's rows once, at first use; see OpSpec.h and ops/Ops.def for the row format.
#include "ir/OpSpec.h"

#include "ir/infer/Infer.h"
#include "ir/kernel/KernelSpec.h"

#include <charconv>
#include <unordered_map>

namespace cameo {
namespace {

std::string_view trim(std::string_view text) {
  size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos)
    return {};
  return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!trim(text).empty()) {
    size_t end = text.find(separator);
    parts.push_back(trim(text.substr(0, end)));
    text = end == std::string_view::npos ? "" : text.substr(end + 1);
  }
  return parts;
}

std::vector<FormalSpec> parseFormals(std::string_view text) {
  std::vector<FormalSpec> formals;
  for (std::string_view part : split(text, ',')) {
    FormalSpec &formal = formals.emplace_back();
    if (part.back() == '*') {
      formal.variadic = true;
      part.remove_suffix(1);
    }
    if (part.back() == '?') {
      formal.optional = true;
      part.remove_suffix(1);
    }
    size_t colon = part.find(':');
    formal.name = part.substr(0, colon);
    if (colon != std::string_view::npos)
      formal.type = part.substr(colon + 1);
  }
  return formals;
}

void addDTypes(std::string_view name, std::vector<DType> &dtypes) {
  bool all = name == "all", num = all || name == "num";
  for (const DTypeSpec &row : kDTypes) {
    DType dtype = row.kind;
    bool plain = name == "plain" && dtype != DType::BF16;
    bool wanted = all || plain || row.name == name ||
                  ((num || name == "float") && isFloat(dtype)) ||
                  ((num || name == "int") && isInt(dtype));
    if (wanted)
      dtypes.push_back(dtype);
  }
}

std::vector<ConstraintSpec> parseConstraints(std::string_view text) {
  std::vector<ConstraintSpec> constraints;
  for (std::string_view part : split(text, ';')) {
    ConstraintSpec &constraint = constraints.emplace_back();
    size_t colon = part.find(':');
    constraint.name = part.substr(0, colon);
    std::string_view types = trim(part.substr(colon + 1));
    if (types.starts_with("seq(") || types.starts_with("opt(")) {
      constraint.sequence = types.starts_with("seq(");
      constraint.optional = !constraint.sequence;
      types = types.substr(4, types.size() - 5);
    }
    for (std::string_view type : split(types, '|'))
      addDTypes(type, constraint.dtypes);
  }
  return constraints;
}

Attr parseDefault(std::string_view kind, std::string_view text) {
  if (kind == "s")
    return std::string(text);
  // ONNX attributes are 32-bit: 0.1 means the float nearest to it.
  if (kind == "f")
    return static_cast<double>(std::stof(std::string(text)));
  if (kind == "ss") {
    std::vector<std::string> values;
    for (std::string_view part : split(text, ' '))
      values.emplace_back(part);
    return values;
  }
  if (kind == "is") {
    std::vector<int64_t> values;
    for (std::string_view part : split(text, ' '))
      values.push_back(std::get<int64_t>(parseDefault("i", part)));
    return values;
  }
  if (kind == "d")
    return *dtypeFromName(text);
  ICE_UNLESS(kind == "i", "op table: a default of kind '" + std::string(kind) + "'");
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::vector<AttrSpec> parseAttributes(std::string_view text) {
  std::vector<AttrSpec> attributes;
  for (std::string_view part : split(text, ',')) {
    AttrSpec &attribute = attributes.emplace_back();
    if (part.back() == '!') {
      attribute.required = true;
      part.remove_suffix(1);
    }
    size_t colon = part.find(':'), equals = part.find('=');
    attribute.name = part.substr(0, std::min(colon, equals));
    if (colon == std::string_view::npos)
      continue;
    attribute.kind = part.substr(
        colon + 1, equals == std::string_view::npos ? std::string_view::npos : equals - colon - 1);
    if (equals != std::string_view::npos)
      attribute.otherwise = parseDefault(attribute.kind, part.substr(equals + 1));
  }
  return attributes;
}

OpSpec graphSpec(OpKind kind, std::string_view name, int64_t version, Flops flops,
                 const char *inputs, const char *outputs, const char *constraints,
                 const char *attributes, InferFn infer) {
  return {kind,
          Level::Graph,
          name,
          version,
          flops,
          parseFormals(inputs),
          parseFormals(outputs),
          parseConstraints(constraints),
          parseAttributes(attributes),
          infer};
}

OpSpec coreSpec(OpKind kind, Level level, std::string_view name, const char *inputs,
                const char *outputs, std::vector<AttrSpec> attributes, Family family) {
  return {kind,
          level,
          name,
          0,
          Flops::None,
          parseFormals(inputs),
          parseFormals(outputs),
          {},
          std::move(attributes),
          nullptr,
          family};
}

std::vector<AttrSpec> kernelAttributes(OpKind kind) {
  std::vector<AttrSpec> attributes;
  for (std::string_view name : kernelSpec(kind)->attributes)
    attributes.emplace_back().name = name;
  return attributes;
}

const std::vector<OpSpec> &table() {
  static const std::vector<OpSpec> specs = {
#define GRAPH_OP(kind, version, flops, ins, outs, constraints, attrs, rule, evaluator, selector)   \
  graphSpec(OpKind::kind, #kind, version, Flops::flops, ins, outs, constraints, attrs, infer##rule),
#define KERNEL_OP(kind, text, ins, outs, ...)                                                      \
  coreSpec(OpKind::kind, Level::Kernel, text, ins, outs, kernelAttributes(OpKind::kind),           \
           Family::None),
#define CORE_OP(kind, text, ins, outs, attrs, family)                                              \
  coreSpec(OpKind::kind, Level::Core, text, ins, outs, parseAttributes(attrs), Family::family),
#include "ir/ops/Ops.def"
  };
  return specs;
}

} // namespace

const AttrSpec *OpSpec::attribute(std::string_view wanted) const {
  for (const AttrSpec &attribute : attributes)
    if (attribute.name == wanted)
      return &attribute;
  return nullptr;
}

bool OpSpec::allowsAttribute(std::string_view name) const {
  return attribute(name) || (name.starts_with("attr.") && attribute("attr.*"));
}

const ConstraintSpec *OpSpec::constraint(std::string_view wanted) const {
  for (const ConstraintSpec &constraint : constraints)
    if (constraint.name == wanted)
      return &constraint;
  return nullptr;
}

int64_t OpSpec::minOperands() const {
  // ONNX's variadic inputs are one or more, ours any number.
  int64_t count = level == Level::Graph && !inputs.empty() && inputs.front().variadic &&
                  !inputs.front().optional;
  for (size_t i = 0; i < inputs.size(); i++)
    if (!inputs[i].optional && !inputs[i].variadic)
      count = static_cast<int64_t>(i) + 1;
  return count;
}

int64_t OpSpec::maxOperands() const {
  if (!inputs.empty() && inputs.back().variadic)
    return -1;
  return static_cast<int64_t>(inputs.size());
}

const OpSpec &spec(OpKind kind) { return table()[static_cast<size_t>(kind)]; }

std::span<const OpSpec> allSpecs() { return table(); }

std::optional<OpKind> kindFromName(std::string_view name) {
  static const std::unordered_map<std::string_view, OpKind> kinds = [] {
    std::unordered_map<std::string_view, OpKind> map;
    for (const OpSpec &row : table())
      map.emplace(row.name, row.kind);
    return map;
  }();
  auto found = kinds.find(name);
  return found == kinds.end() ? std::nullopt : std::optional<OpKind>(found->second);
}

} // namespace cameo
