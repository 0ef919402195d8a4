// See TunedPlans.h.
#include "lowering/plan/TunedPlans.h"

#include "ir/AttrText.h"
#include "ir/OpSpec.h"
#include "ir/kernel/KernelSpec.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/plan/Contraction.h"
#include "lowering/plan/RejectedTiles.h"
#include "lowering/plan/VerifyPlans.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace cameo {
namespace {

bool isOfPlan(std::string_view attribute) {
  static const std::vector<std::string_view> names = fieldNames<ContractionPlan>();
  return std::find(names.begin(), names.end(), attribute) != names.end();
}

/// FNV-1a.
uint64_t hashOf(const std::string &text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (char c : text)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

/// The scalar ops of a region; values are numbers in the order in which they come.
std::string regionText(Block &region) {
  std::map<const Value *, size_t> numbers;
  for (const std::unique_ptr<Value> &arg : region.args())
    numbers.try_emplace(arg.get(), numbers.size());
  std::string text;
  for (const std::unique_ptr<Op> &op : region.ops()) {
    text += fmt::format(" {}{}", spec(op->kind()).name, attrsText(op->attrs));
    for (const Value *operand : op->operands())
      text += fmt::format(" {}", numbers.try_emplace(operand, numbers.size()).first->second);
    for (const std::unique_ptr<Value> &result : op->results()) {
      numbers.try_emplace(result.get(), numbers.size());
      text += ":" + result->type.str();
    }
  }
  return text;
}

std::string valueText(const Value *value) {
  return value ? fmt::format(" {}{}", value->type.str(), dimsText(value->layout->strides)) : " -";
}

/// An element type by what instructions it takes: bytes of either sign are one.
std::string_view elementWord(DType dtype) {
  return dtype == DType::I8 || dtype == DType::U8 ? "byte" : dtypeName(dtype);
}

Error misfit(const std::string &key, const std::string &why) {
  return badInput(fmt::format("the plan for `{}` does not fit: {}", key, why));
}

/// The op with the attributes of a plan instead of its own; whether it may have it.
Result<void> givePlan(Op &op, const AttrDict &plan) {
  AttrDict before = op.attrs;
  for (const auto &[name, value] : plan) {
    if (!isOfPlan(name))
      return badInput(fmt::format("'{}' is no attribute of a plan", name));
    op.attrs.set(name, value);
  }
  Result<void> fits = kernelSpec(op.kind())->verify(op);
  if (fits && op.attrs.getInt("lanes") == 0)
    fits = badInput("it says nothing of vectors (lanes)");
  if (fits)
    fits = verifyPlan(op);
  if (!fits)
    op.attrs = std::move(before);
  return fits;
}

} // namespace

std::string planKey(const Op &op) {
  if (!isContraction(op) || !hasLayouts(op))
    return "";
  std::map<std::string, std::string> attrs; // in an order of their own
  for (const auto &[name, value] : op.attrs)
    if (!isOfPlan(name))
      attrs[name] = attrText(value);
  std::string text;
  for (const auto &[name, value] : attrs)
    text += fmt::format("{}={} ", name, value);
  for (const Value *operand : op.operands())
    text += valueText(operand);
  text += valueText(op.result());
  for (int64_t i = 0; i < op.numRegions(); i++)
    text += regionText(op.region(i));
  std::string variant = kernelSpec(op.kind())->variant(op);
  return fmt::format("{}{}{} {} -> {} #{:016x}", spec(op.kind()).name, variant.empty() ? "" : " ",
                     variant, op.operand(0)->type.str(), op.result()->type.str(), hashOf(text));
}

std::string algorithmKey(const Op &op) {
  if (op.kind() != OpKind::KernelConv)
    return "";
  ConvAttrs attrs = attrsOf<ConvAttrs>(op);
  const Type &x = op.operand(0)->type;
  return fmt::format("algorithm {}{} -> {} kernel {} strides {} dilations {} group {}",
                     elementWord(x.dtype()), dimsText(x.shape()),
                     dimsText(op.result()->type.shape()), attrText(attrs.kernel),
                     attrText(attrs.strides), attrText(attrs.dilations), attrs.group);
}

Result<bool> applyPlans(Module &module, const PassContext &context) {
  bool changed = false;
  if (context.plans.empty())
    return changed;
  for (Op *op : opsOf(module.main())) {
    std::string key = planKey(*op);
    auto plan = context.plans.find(key);
    bool isGiven = plan != context.plans.end() && !plan->second.empty();
    if (key.empty() || !isGiven || op->attrs.getInt("lanes") > 0)
      continue;
    AttrDict before = op->attrs;
    if (Result<void> given = givePlan(*op, plan->second); !given)
      return misfit(key, given.error().message);
    if (context.rejectedTiles.contains(tileKey(*op, contractionPlanOf(*op))))
      op->attrs = std::move(before);
    else
      changed = true;
  }
  return changed;
}

Result<std::optional<ConvAlgorithm>> tunedAlgorithm(const PassContext &context, const Op &conv) {
  std::string key = algorithmKey(conv);
  auto plan = context.plans.find(key);
  if (plan == context.plans.end() || plan->second.empty())
    return std::optional<ConvAlgorithm>();
  std::optional<ConvAlgorithm> algorithm =
      fromWord<ConvAlgorithm>(plan->second.getString("algorithm"));
  if (!algorithm)
    return misfit(key,
                  "expected an algorithm, one of " + wordList(EnumWords<ConvAlgorithm>::words));
  return algorithm;
}

} // namespace cameo
