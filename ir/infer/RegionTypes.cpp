// The types of carried values; see RegionTypes.h.
#include "ir/infer/RegionTypes.h"

#include "ir/infer/Infer.h"

#include <algorithm>
#include <utility>

namespace cameo {
namespace {

Error errorAt(const Op &op, const std::string &message) {
  return badInput("node '" + op.loc.str() + "' (" + std::string(spec(op.kind()).name) +
                  "): " + message);
}

/// Attributes here are not yet checked against the op table: the wrong kind counts as absent.
int64_t numScanned(const Op &op) {
  const Attr *attr = op.attrs.find("num_scan_inputs");
  const int64_t *count = attr ? std::get_if<int64_t>(attr) : nullptr;
  return count ? std::clamp<int64_t>(*count, -1, op.numOperands() + 1) : -1;
}

/// Number of a Scan's carried values.
int64_t numStates(const Op &op) { return op.numOperands() - numScanned(op); }

/// What one iteration of a Scan sees of input k of those it scans.
Result<Type> scannedType(const Op &op, int64_t k) {
  const Type &type = op.operand(numStates(op) + k)->type;
  if (!type.isTensor())
    return errorAt(op, "a scanned input is no tensor");
  if (!type.isRanked())
    return type;
  const Attr *attr = op.attrs.find("scan_input_axes");
  const auto *axes = attr ? std::get_if<std::vector<int64_t>>(attr) : nullptr;
  int64_t given = axes && k < static_cast<int64_t>(axes->size()) ? (*axes)[k] : 0;
  std::optional<int64_t> axis = normalizeAxis(given, type.rank());
  if (!axis)
    return errorAt(op, "scan axis " + std::to_string(given) + " is outside " + type.str());
  Dims dims = type.shape();
  dims.erase(dims.begin() + *axis);
  return type.withShape(std::move(dims));
}

/// Carried values: the region's argument and the yielded value of each start here.
struct Carried {
  int64_t firstArgument, firstYielded, count;
};

Carried carried(const Op &op) {
  std::string_view name = spec(op.kind()).name;
  // The trip number and the condition are scalars in every iteration.
  if (name == "Loop")
    return {2, 1, op.region().numArgs() - 2};
  if (name == "Scan")
    return {0, 0, numStates(op)};
  return {0, 0, 0};
}

bool isControl(const Op &op) { return op.numRegions() > 0; }

} // namespace

Result<std::vector<Type>> RegionTypes::arguments(const Op &op, int64_t region) {
  (void)region; // the branches of an If alone are more than one, and have no arguments
  std::string_view name = spec(op.kind()).name;
  std::vector<Type> types;
  if (name == "If")
    return types;
  int64_t first = 0, end = op.numOperands();
  if (name == "Loop") {
    types = {Type::tensor(DType::I64, {}), Type::tensor(DType::Bool, {})};
    first = 2;
  }
  if (name == "Scan") {
    end = numStates(op);
    if (end < 0 || end > op.numOperands())
      return errorAt(op, "attribute 'num_scan_inputs' is missing or does not fit " +
                             std::to_string(op.numOperands()) + " inputs");
  }
  for (int64_t i = first; i < op.numOperands(); i++) {
    if (!op.operand(i))
      return errorAt(op, "input " + std::to_string(i) + " is missing");
    const Type &type = op.operand(i)->type;
    if (i >= end)
      types.push_back(TRY(scannedType(op, i - end)));
    else if (name == "SequenceMap" && type.kind() == Type::Kind::Sequence)
      types.push_back(type.element());
    else
      types.push_back(type);
  }
  return types;
}

bool RegionTypes::isOwn(const Value &argument, const Dim &dim) const {
  std::optional<std::string> symbol = dim.symbolName();
  auto found = own_.find(&argument);
  return symbol && found != own_.end() && found->second.contains(*symbol);
}

/// Makes the argument's type hold for the yielded value too; true if that changed it.
Result<bool> RegionTypes::widen(const Op &op, Value &argument, const Type &yielded, int round) {
  // A chain of carried values could take as many rounds as it is long: no more than these.
  constexpr int kRoundsOfSizes = 8;
  Type &type = argument.type;
  if (type.kind() == Type::Kind::Sequence && yielded.kind() == Type::Kind::Sequence) {
    if (type == yielded || !type.element().isTensor() || !type.element().isRanked())
      return false;
    type = Type::sequence(Type::unranked(type.element().dtype()));
    return true;
  }
  if (type.kind() == Type::Kind::Optional && yielded.kind() != Type::Kind::Optional)
    return unsupported(
        errorAt(op, "a carried optional that the body makes " + yielded.str() + " is not supported")
            .message);
  bool tensors = type.isTensor() && yielded.isTensor();
  if (type.kind() != yielded.kind() || (tensors && type.dtype() != yielded.dtype()))
    return errorAt(op, "carried value '" + argument.name + "' is " + type.str() +
                           " before an iteration and " + yielded.str() + " after it");
  if (!tensors || !type.isRanked())
    return false;
  if (!yielded.isRanked() || yielded.rank() != type.rank()) {
    type = Type::unranked(type.dtype());
    return true;
  }
  Dims dims = type.shape();
  bool changed = false;
  for (int64_t i = 0; i < type.rank(); i++) {
    if (isOwn(argument, dims[i]) || (dims[i] == yielded.dim(i) && round < kRoundsOfSizes))
      continue;
    std::string symbol = module_.freshSymbol();
    own_[&argument].insert(symbol);
    dims[i] = Dim::symbol(symbol);
    changed = true;
  }
  type = type.withShape(std::move(dims));
  return changed;
}

Result<bool> RegionTypes::widenCarried(Op &op, int round) {
  Carried values = carried(op);
  if (values.count == 0)
    return false;
  Block &body = op.region();
  Op *yield = body.terminator();
  if (yield->numOperands() < values.firstYielded + values.count)
    return errorAt(op, "the body has " + std::to_string(yield->numOperands()) +
                           " outputs, expected at least " + std::to_string(values.count));
  bool changed = false;
  for (int64_t i = 0; i < values.count; i++)
    changed |= TRY(widen(op, *body.arg(values.firstArgument + i),
                         yield->operand(values.firstYielded + i)->type, round));
  return changed;
}

Result<void> RegionTypes::settle(Op &op) {
  for (int round = 0; TRY(widenCarried(op, round)); round++)
    TRY(inferRegions(op));
  return {};
}

Result<void> RegionTypes::inferRegions(Op &op) {
  for (int64_t i = 0; i < op.numRegions(); i++)
    for (const std::unique_ptr<Op> &inner : op.region(i).ops())
      if (spec(inner->kind()).level == Level::Graph)
        TRY(inferAgain(*inner));
  return {};
}

Result<void> RegionTypes::inferAgain(Op &op) {
  for (int64_t i = 0; i < op.numRegions(); i++) {
    std::vector<Type> given = TRY(arguments(op, i));
    for (int64_t k = 0; k < op.region(i).numArgs(); k++)
      rebind(*op.region(i).arg(k), given[k]);
  }
  if (isControl(op)) {
    TRY(inferRegions(op));
    TRY(settle(op));
  }
  return inferOp(module_, op);
}

/// Gives an argument the type of what it is given now, keeping the symbols that earlier rounds
/// made.
void RegionTypes::rebind(Value &argument, const Type &given) {
  Type old = std::exchange(argument.type, given);
  if (!given.isRanked() || !old.isRanked() || given.rank() != old.rank())
    return;
  Dims dims = given.shape();
  for (size_t i = 0; i < dims.size(); i++)
    if (isOwn(argument, old.shape()[i]))
      dims[i] = old.shape()[i];
  argument.type = given.withShape(std::move(dims));
}

std::optional<bool> knownCondition(const Value *condition) {
  const Op *maker = condition ? condition->definingOp() : nullptr;
  if (!condition || !condition->type.isTensor() || condition->type.dtype() != DType::Bool)
    return std::nullopt;
  std::optional<Dims> known = condition->known;
  if (maker && maker->kind() == OpKind::Constant)
    known = knownElements(maker->attrs.getConst("value"));
  if (!known || known->size() != 1 || !known->front().isConst())
    return std::nullopt;
  return known->front().value() != 0;
}

} // namespace cameo
