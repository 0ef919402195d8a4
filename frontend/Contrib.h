// Operators of ONNX Runtime's domain com.microsoft that its optimizer, its quantization tools and
// exporters of transformers write: each is expanded into ONNX's own operators when it is imported,
// before any pass looks for layers. Their definitions are on the page "ContribOperators" of ONNX
// Runtime's documentation.
#pragma once

#include "frontend/Upgrade.h"

namespace cameo {

inline constexpr std::string_view kContribDomain = "com.microsoft";

/// Whether the domain has an operator of this name that can be expanded.
bool isContribOperator(const std::string &op);
/// Sets the results of a node of the domain.
Result<void> expandContrib(OldNode &node, Builder &build);

} // namespace cameo
