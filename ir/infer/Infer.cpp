// The inference driver: what every op has in common. It checks an op against its row of the op
// table (number of inputs and outputs, attributes, element types), fills in default attributes,
// gives each result the element type its type variable is bound to, runs the rule, and refuses
// sizes no tensor can have. Rules (the other files here) then only speak about shapes.
#include "ir/infer/Infer.h"

#include "ir/infer/Sizes.h"

#include <algorithm>
#include <map>
#include <set>

namespace cameo {
namespace {

// Sizes of more factors than this come from no real model; see isComplex.
constexpr int64_t kMaxFactors = 256;

// Rules that make sense of operands of unknown rank; for others results are unranked too.
bool toleratesUnranked(InferFn rule) {
  static const std::set<InferFn> rules = {inferBroadcast,
                                          inferSame,
                                          inferBitShift,
                                          inferClip,
                                          inferCast,
                                          inferCastLike,
                                          inferBitCast,
                                          inferConstant,
                                          inferConstantOfShape,
                                          inferShape,
                                          inferSize,
                                          inferIdentity,
                                          inferBox,
                                          inferRank,
                                          inferExpect,
                                          inferReshape,
                                          inferIf,
                                          inferLoop,
                                          inferScan,
                                          inferSequenceMap,
                                          inferSequenceConstruct,
                                          inferSequenceInsert,
                                          inferSplitToSequence,
                                          inferOptional,
                                          inferOptionalHasElement,
                                          inferOptionalGetElement,
                                          inferRandomLike,
                                          inferBernoulli,
                                          inferCustom};
  return rules.contains(rule);
}

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

/// `input W ('conv1.weight')`.
std::string inputText(const OpSpec &row, const Op &op, int64_t i) {
  size_t formal = std::min<size_t>(i, row.inputs.size() - 1);
  std::string text = "input " + row.inputs[formal].name;
  if (row.inputs[formal].variadic)
    text += "[" + std::to_string(i - static_cast<int64_t>(formal)) + "]";
  if (op.operand(i) && !op.operand(i)->name.empty())
    text += " (" + quoted(op.operand(i)->name) + ")";
  return text;
}

std::string countText(int64_t low, int64_t high, const char *noun) {
  std::string range = std::to_string(low);
  if (high < 0)
    range = "at least " + range;
  else if (high != low)
    range += " to " + std::to_string(high);
  return range + " " + noun + (low == 1 && high <= 1 ? "" : "s");
}

Result<void> checkArity(InferContext &ctx, const OpSpec &row) {
  const Op &op = ctx.op;
  int64_t low = row.minOperands(), high = row.maxOperands();
  if (op.numOperands() < low || (high >= 0 && op.numOperands() > high))
    return ctx.error("expected " + countText(low, high, "input") + ", got " +
                     std::to_string(op.numOperands()));
  for (int64_t i = 0; i < op.numOperands(); i++) {
    const FormalSpec &formal = row.inputs[std::min<size_t>(i, row.inputs.size() - 1)];
    if (!op.operand(i) && !formal.optional)
      return ctx.error("input " + formal.name + " is missing");
  }
  int64_t wanted = static_cast<int64_t>(row.outputs.size());
  bool variadic = wanted > 0 && row.outputs.back().variadic;
  int64_t required = std::count_if(row.outputs.begin(), row.outputs.end(),
                                   [](const auto &out) { return !out.optional && !out.variadic; });
  if (op.numResults() < required || (!variadic && op.numResults() > wanted))
    return ctx.error("expected " + countText(required, variadic ? -1 : wanted, "output") +
                     ", got " + std::to_string(op.numResults()));
  return {};
}

std::string_view attrKind(const Attr &attr) {
  static constexpr std::string_view kKinds[] = {"i", "f", "s", "is", "fs", "ss", "d", "dims", "t"};
  return kKinds[attr.index()];
}

std::string_view kindWords(std::string_view kind) {
  static const std::map<std::string_view, std::string_view> words = {
      {"i", "an integer"}, {"f", "a float"},           {"s", "a string"},        {"is", "integers"},
      {"fs", "floats"},    {"ss", "strings"},          {"d", "an element type"}, {"t", "a tensor"},
      {"g", "a graph"},    {"dims", "symbolic sizes"},
  };
  auto found = words.find(kind);
  return found == words.end() ? kind : found->second;
}

/// An empty list where one may be left out is one left out.
void dropEmptyList(AttrDict &attrs, const AttrSpec &attribute) {
  const Attr *attr = attrs.find(attribute.name);
  const auto *list = attr ? std::get_if<std::vector<int64_t>>(attr) : nullptr;
  if (list && list->empty() && !attribute.required && !attribute.otherwise)
    attrs.erase(attribute.name);
}

/// Types are ONNX numbers in a model: turns them into DTypes; 0 means not given.
Result<void> convertDType(InferContext &ctx, const AttrSpec &attribute) {
  const Attr *attr = ctx.op.attrs.find(attribute.name);
  const int64_t *number = attr ? std::get_if<int64_t>(attr) : nullptr;
  if (!number)
    return {};
  int64_t value = *number;
  if (value == 0 && !attribute.required) {
    ctx.op.attrs.erase(attribute.name);
    return {};
  }
  std::optional<DType> dtype = dtypeFromOnnx(value);
  if (!dtype) {
    Error error = ctx.error("attribute " + quoted(attribute.name) + ": element type number " +
                            std::to_string(value) + " is not supported");
    error.kind = ErrorKind::Unsupported;
    return error;
  }
  ctx.op.attrs.set(attribute.name, *dtype);
  return {};
}

Result<void> checkAttributes(InferContext &ctx, const OpSpec &row) {
  int64_t graphs = 0;
  for (const AttrSpec &attribute : row.attributes) {
    graphs += attribute.kind == "g";
    if (attribute.kind == "d")
      TRY(convertDType(ctx, attribute));
    dropEmptyList(ctx.op.attrs, attribute);
    if (ctx.op.attrs.has(attribute.name) || attribute.kind == "g")
      continue;
    if (attribute.required)
      return ctx.error("attribute " + quoted(attribute.name) + " is missing");
    if (attribute.otherwise)
      ctx.op.attrs.set(attribute.name, *attribute.otherwise);
  }
  for (const auto &[name, value] : ctx.op.attrs) {
    const AttrSpec *attribute = row.attribute(name);
    if (!row.allowsAttribute(name))
      return ctx.error("unknown attribute " + quoted(name));
    if (attribute && attrKind(value) != attribute->kind)
      return ctx.error("attribute " + quoted(name) + ": expected " +
                       std::string(kindWords(attribute->kind)) + ", got " +
                       std::string(kindWords(attrKind(value))));
  }
  if (ctx.op.numRegions() != graphs)
    return ctx.error("expected " + countText(graphs, graphs, "subgraph") + ", got " +
                     std::to_string(ctx.op.numRegions()));
  return {};
}

std::string constraintText(const ConstraintSpec &constraint) {
  std::string text;
  for (DType dtype : constraint.dtypes)
    text += (text.empty() ? "" : ", ") + std::string(dtypeName(dtype));
  if (constraint.sequence)
    return "a sequence of " + text;
  if (constraint.optional)
    return "an optional of " + text;
  return constraint.dtypes.size() > 1 ? "one of " + text : text;
}

bool satisfies(const Type &type, const ConstraintSpec &constraint) {
  if (constraint.dtypes.empty())
    return true;
  const Type *tensor = &type;
  if (constraint.sequence || constraint.optional) {
    Type::Kind kind = constraint.sequence ? Type::Kind::Sequence : Type::Kind::Optional;
    if (type.kind() != kind)
      return false;
    tensor = &type.element();
  }
  return tensor->isTensor() && std::find(constraint.dtypes.begin(), constraint.dtypes.end(),
                                         tensor->dtype()) != constraint.dtypes.end();
}

/// The row's constraint of that name, or one allowing the fixed type the name is; nothing for
/// formals that take any type.
std::optional<ConstraintSpec> constraintOf(const OpSpec &row, const std::string &type) {
  if (const ConstraintSpec *constraint = row.constraint(type))
    return *constraint;
  if (std::optional<DType> dtype = dtypeFromName(type))
    return ConstraintSpec{type, {*dtype}};
  return std::nullopt;
}

/// Type variables as the operands bind them.
using Bindings = std::map<std::string, const Type *>;

bool sameElement(const Type &a, const Type &b) {
  if (a.kind() != b.kind())
    return false;
  return a.isTensor() ? a.dtype() == b.dtype() : sameElement(a.element(), b.element());
}

Result<void> bindTypes(InferContext &ctx, const OpSpec &row, Bindings &bindings) {
  for (int64_t i = 0; i < ctx.op.numOperands(); i++) {
    const FormalSpec &formal = row.inputs[std::min<size_t>(i, row.inputs.size() - 1)];
    std::optional<ConstraintSpec> constraint = constraintOf(row, formal.type);
    if (!ctx.has(i) || !constraint)
      continue;
    const Type &type = ctx.in(i);
    if (!satisfies(type, *constraint))
      return ctx.error(inputText(row, ctx.op, i) + ": expected element type " +
                       constraintText(*constraint) + ", got " + type.str());
    auto [bound, isNew] = bindings.try_emplace(formal.type, &type);
    if (!isNew && !sameElement(*bound->second, type))
      return ctx.error(inputText(row, ctx.op, i) + ": expected element type " +
                       std::string(dtypeName(bound->second->dtype())) +
                       " as the other inputs have, got " + type.str());
  }
  return {};
}

/// Results start as tensors of their variable's element type and unknown rank.
void presetResults(InferContext &ctx, const OpSpec &row, const Bindings &bindings) {
  for (int64_t i = 0; i < ctx.op.numResults(); i++) {
    const FormalSpec &formal = row.outputs[std::min<size_t>(i, row.outputs.size() - 1)];
    auto bound = bindings.find(formal.type);
    Type type;
    if (bound != bindings.end())
      type = bound->second->isTensor() ? Type::unranked(bound->second->dtype()) : *bound->second;
    else if (std::optional<DType> dtype = dtypeFromName(formal.type))
      type = Type::unranked(*dtype);
    ctx.op.result(i)->type = type;
    ctx.op.result(i)->known.reset();
  }
}

/// Whether an integer or bool tensor can have the element.
bool fits(int64_t value, DType dtype) {
  if (dtype == DType::Bool)
    return value == 0 || value == 1;
  int64_t bits = dtypeBytes(dtype) * 8;
  if (isUnsignedInt(dtype))
    return value >= 0 && (bits == 64 || value < int64_t(1) << bits);
  return bits == 64 || (value >= -(int64_t(1) << (bits - 1)) && value < int64_t(1) << (bits - 1));
}

/// Sizes that are too long an expression get a symbol of their own: before constants are folded, an
/// image that is resized to a computed size has such ones everywhere.
void shortenSizes(InferContext &ctx) {
  for (const std::unique_ptr<Value> &result : ctx.op.results()) {
    if (!result->type.isRanked())
      continue;
    Dims shape = result->type.shape();
    for (Dim &dim : shape)
      if (isComplex(dim, kMaxFactors))
        dim = ctx.freshDim();
    result->type = result->type.withShape(std::move(shape));
  }
}

Result<void> checkResult(InferContext &ctx, const OpSpec &row, int64_t i) {
  const Type &type = ctx.op.result(i)->type;
  const FormalSpec &formal = row.outputs[std::min<size_t>(i, row.outputs.size() - 1)];
  ICE_UNLESS(!type.isNone(),
             std::string(row.name) + ": its rule sets no type of output " + formal.name);
  if (std::optional<std::string> problem = impossibleSizes(type))
    return ctx.error("output " + formal.name + " " + *problem);
  return {};
}

} // namespace

std::optional<std::string> impossibleSizes(const Type &type) {
  if (!type.isTensor() || !type.isRanked())
    return std::nullopt;
  std::vector<int64_t> constants{std::max<int64_t>(dtypeBytes(type.dtype()), 1)};
  for (const Dim &dim : type.shape()) {
    if (dim.isOverflow())
      return "has a size that overflows 64 bits";
    if (dim.isConst() && dim.value() < 0)
      return "would have a negative size: " + type.str();
    if (dim.isConst())
      constants.push_back(dim.value());
  }
  if (!checkedNumElements(constants))
    return "is too large: " + type.str();
  return std::nullopt;
}

InferContext::InferContext(Module &module, Op &op, std::vector<Requirement> *requirements)
    : module(module), op(op), fresh_(op), requirements_(requirements) {}

bool InferContext::ranked() const {
  return std::all_of(op.operands().begin(), op.operands().end(), [](const Value *value) {
    return !value || !value->type.isTensor() || value->type.isRanked();
  });
}

ConstRef InferContext::constant(int64_t i) const {
  const Op *maker = has(i) ? op.operand(i)->definingOp() : nullptr;
  return maker && maker->kind() == OpKind::Constant ? maker->attrs.getConst("value") : nullptr;
}

std::optional<Dims> InferContext::known(int64_t i) const {
  if (!has(i))
    return std::nullopt;
  const Type &type = in(i);
  if (type.isRanked() && isInt(type.dtype()) && type.shape() == Dims{Dim(0)})
    return Dims(); // no elements are known elements
  return op.operand(i)->known ? op.operand(i)->known : knownElements(constant(i));
}

std::optional<std::vector<int64_t>> InferContext::knownInts(int64_t i) const {
  std::optional<Dims> dims = known(i);
  return dims ? constantDims(*dims) : std::nullopt;
}

void InferContext::out(int64_t i, Type type) {
  if (i < op.numResults())
    op.result(i)->type = std::move(type);
}

void InferContext::outShape(int64_t i, Dims shape) {
  if (i < op.numResults())
    op.result(i)->type = op.result(i)->type.withShape(std::move(shape));
}

void InferContext::outKnown(int64_t i, Dims elements) {
  if (i >= op.numResults() || static_cast<int64_t>(elements.size()) > kMaxKnown)
    return;
  DType dtype = op.result(i)->type.dtype();
  bool sane = std::all_of(elements.begin(), elements.end(), [&](const Dim &element) {
    if (element.isConst())
      return fits(element.value(), dtype);
    // Sizes past 2^31 are refused where tensors have them, so they fit 32 bits too.
    bool wide = dtype == DType::I64 || dtype == DType::I32;
    return wide && !element.isOverflow() && !isComplex(element, kMaxFactors);
  });
  if (sane)
    op.result(i)->known = std::move(elements);
}

Error InferContext::error(const std::string &message) const {
  std::string kind(spec(op.kind()).name), node = op.loc.str();
  return badInput((node.empty() ? "a node (" + kind + ")" : "node '" + node + "' (" + kind + ")") +
                  ": " + message);
}

namespace {

/// A requirement's text with sizes as they are written in types.
std::string withSizes(const std::string &text, const Dim &a, const Dim &b) {
  std::string result;
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] != '%' || i + 1 == text.size()) {
      result += text[i];
      continue;
    }
    char what = text[++i];
    result += what == 'a' ? a.str() : what == 'b' ? b.str() : "%";
  }
  return result;
}

} // namespace

Result<void> InferContext::require(Relation relation, const Dim &a, const Dim &b,
                                   const std::string &text) const {
  if (a.isOverflow() || b.isOverflow())
    return error("a size is too large: it overflows 64 bits");
  // One element is all that broadcasts to one.
  if (relation == Relation::BroadcastTo && b == Dim(1))
    relation = Relation::Equal;
  std::optional<bool> holds = decide(relation, a, b);
  if (holds == false)
    return error(withSizes(text, a, b));
  if (!holds && requirements_ && !fresh_.isIn(a) && !fresh_.isIn(b))
    requirements_->push_back({relation, a, b, text});
  return {};
}

std::string InferContext::name(int64_t i) const { return inputText(spec(op.kind()), op, i); }

std::optional<Dims> knownElements(const ConstRef &data) {
  if (!data || data->dims.size() > 1 || !(isInt(data->dtype) || data->dtype == DType::Bool) ||
      data->numElements() > kMaxKnown)
    return std::nullopt;
  Dims elements;
  for (int64_t value : constInts(*data)) {
    if (value < 0 && data->dtype == DType::U64)
      return std::nullopt;
    elements.emplace_back(value);
  }
  return elements;
}

namespace {

/// Element types that an attribute says are for the rule to know, which needs ranks: it is asked
/// with some for which it works. Results keep unknown ranks.
void inferElementTypes(Module &module, Op &op, InferFn rule) {
  constexpr size_t kLargestRank = 8;
  std::vector<std::pair<Value *, Type>> unranked;
  for (Value *operand : op.operands())
    if (operand && operand->type.isTensor() && !operand->type.isRanked())
      unranked.emplace_back(operand, operand->type);
  InferContext ctx(module, op);
  bool hasRun = false;
  for (size_t rank = 0; rank <= kLargestRank && !hasRun; rank++) {
    for (const auto &[operand, type] : unranked)
      operand->type = Type::tensor(type.dtype(), Dims(rank, Dim::symbol("any")));
    hasRun = static_cast<bool>(rule(ctx));
  }
  for (const auto &[operand, type] : unranked)
    operand->type = type;
  for (const std::unique_ptr<Value> &result : op.results()) {
    result->type = hasRun ? Type::unranked(result->type.dtype()) : Type();
    result->known.reset();
  }
}

Result<void> infer(Module &module, Op &op, std::vector<Requirement> *requirements) {
  const OpSpec &row = spec(op.kind());
  ICE_UNLESS(row.level == Level::Graph, "inference of '" + std::string(row.name) + "'");
  InferContext ctx(module, op, requirements);
  TRY(checkArity(ctx, row));
  TRY(checkAttributes(ctx, row));
  Bindings bindings;
  TRY(bindTypes(ctx, row, bindings));
  presetResults(ctx, row, bindings);
  bool hasRun = ctx.ranked() || toleratesUnranked(row.infer);
  auto isOpen = [](const std::unique_ptr<Value> &result) { return result->type.isNone(); };
  if (hasRun)
    TRY(row.infer(ctx));
  else if (std::any_of(op.results().begin(), op.results().end(), isOpen))
    inferElementTypes(module, op, row.infer);
  shortenSizes(ctx);
  ctx.settleSymbols();
  for (int64_t i = 0; i < op.numResults(); i++) {
    if (!hasRun && isOpen(op.results()[i]))
      return unsupported(ctx.error("expected inputs of known rank").message);
    TRY(checkResult(ctx, row, i));
  }
  return {};
}

} // namespace

Result<void> inferOp(Module &module, Op &op) { return infer(module, op, nullptr); }

KeptTypes::KeptTypes(Op &op) : op_(op), attrs_(op.attrs) {
  for (const std::unique_ptr<Value> &result : op.results()) {
    types_.push_back(result->type);
    known_.push_back(result->known);
  }
}

KeptTypes::~KeptTypes() {
  op_.attrs = std::move(attrs_);
  for (size_t i = 0; i < types_.size(); i++) {
    op_.result(static_cast<int64_t>(i))->type = types_[i];
    op_.result(static_cast<int64_t>(i))->known = known_[i];
  }
}

Result<std::vector<Requirement>> requirementsOf(Op &op) {
  KeptTypes kept(op);
  Module scratch; // its fresh symbols are not missed
  std::vector<Requirement> requirements;
  TRY(infer(scratch, op, &requirements));
  return requirements;
}

} // namespace cameo
