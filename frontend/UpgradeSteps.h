// The tables of upgrade steps, one a family of operators; see Upgrade.h.
#pragma once

#include "frontend/Upgrade.h"

#include <span>

namespace cameo {

/// Turns a node of an opset older than `before` into one of opset `before`. There is a step for
/// each version of an operator that differs from the one before in meaning or form.
struct UpgradeStep {
  std::string_view op;
  int64_t before;
  Result<void> (*apply)(Upgrade &);
};

/// A `before` newer than every opset: steps that lenient readers need for any version.
constexpr int64_t kAlways = INT64_MAX;

std::span<const UpgradeStep> elementwiseSteps();
std::span<const UpgradeStep> tensorSteps();
std::span<const UpgradeStep> layerSteps();

} // namespace cameo
