// Upgrade steps of elementwise operators, matrix products and activations.
#include "frontend/UpgradeSteps.h"

#include "support/Text.h"

#include <array>

namespace cameo {
namespace {

/// The second input's shape was matched with the first's from `axis` on, or with its end: the
/// missing ones after it become explicit.
Result<void> legacyBroadcast(Upgrade &u) {
  constexpr int64_t kSuffix = INT64_MAX;
  int64_t broadcast = TRY(u.takeInt("broadcast", 0));
  int64_t axis = TRY(u.takeInt("axis", kSuffix));
  if (broadcast == 0 || axis == kSuffix)
    return {};
  Type a = TRY(u.ranked(0)), b = TRY(u.ranked(1));
  if (axis < 0)
    axis += a.rank();
  int64_t missing = a.rank() - axis - b.rank();
  if (axis < 0 || missing < 0)
    return u.error("axis " + std::to_string(axis) + " does not match " + b.str() + " with " +
                   a.str());
  if (missing == 0)
    return {};
  std::vector<int64_t> axes(missing);
  for (int64_t i = 0; i < missing; i++)
    axes[i] = b.rank() + i;
  u.setInput(1, TRY(u.emit(OpKind::Unsqueeze, {u.node.inputs[1], u.ints(axes)})));
  return {};
}

Result<void> clipBoundsToInputs(Upgrade &u) {
  if (!u.has(0) || !u.node.inputs[0]->type.isTensor())
    return u.error("input is missing or no tensor");
  DType dtype = u.node.inputs[0]->type.dtype();
  const char *names[] = {"min", "max"};
  for (size_t i = 0; i < 2; i++)
    if (u.node.attrs.has(names[i]))
      u.setInput(i + 1, u.scalar(dtype, TRY(u.takeFloat(names[i], 0))));
  return {};
}

/// Types were spelt: `to = "FLOAT"`.
Result<void> castToNumber(Upgrade &u) {
  static constexpr std::array<std::string_view, 17> kNames = {
      "UNDEFINED", "FLOAT",  "UINT8",     "INT8",       "UINT16",  "INT16",
      "INT32",     "INT64",  "STRING",    "BOOL",       "FLOAT16", "DOUBLE",
      "UINT32",    "UINT64", "COMPLEX64", "COMPLEX128", "BFLOAT16"};
  std::string name = u.stringOr("to", "");
  for (size_t i = 1; i < kNames.size(); i++)
    if (kNames[i] == name) {
      u.node.attrs.set("to", static_cast<int64_t>(i));
      return {};
    }
  return u.error("there is no element type " + quote(name));
}

Result<void> gemmBroadcast(Upgrade &u) {
  u.drop("broadcast");
  return {};
}

/// One slope a channel, of shape [C]: the channels are dimension 1.
Result<void> preluChannels(Upgrade &u) {
  Type x = TRY(u.ranked(0)), slope = TRY(u.ranked(1));
  if (x.rank() <= 2 || slope.rank() != 1 || slope.dim(0) == Dim(1))
    return {};
  std::vector<int64_t> axes;
  for (int64_t i = 2; i < x.rank(); i++)
    axes.push_back(i - 1);
  u.setInput(1, TRY(u.emit(OpKind::Unsqueeze, {u.node.inputs[1], u.ints(axes)})));
  return {};
}

/// The constants had fewer digits.
Result<void> seluDefaults(Upgrade &u) {
  if (!u.node.attrs.has("alpha"))
    u.node.attrs.set("alpha", 1.6732);
  if (!u.node.attrs.has("gamma"))
    u.node.attrs.set("gamma", 1.0507);
  return {};
}

constexpr UpgradeStep kSteps[] = {
    {"Add", 7, legacyBroadcast},  {"And", 7, legacyBroadcast},
    {"Cast", 6, castToNumber},    {"Clip", 11, clipBoundsToInputs},
    {"Div", 7, legacyBroadcast},  {"Equal", 7, legacyBroadcast},
    {"Gemm", 7, gemmBroadcast},   {"Greater", 7, legacyBroadcast},
    {"Less", 7, legacyBroadcast}, {"Mul", 7, legacyBroadcast},
    {"Or", 7, legacyBroadcast},   {"PRelu", 7, preluChannels},
    {"Pow", 7, legacyBroadcast},  {"Selu", 6, seluDefaults},
    {"Sub", 7, legacyBroadcast},  {"Xor", 7, legacyBroadcast},
};

} // namespace

std::span<const UpgradeStep> elementwiseSteps() { return kSteps; }

} // namespace cameo
