// Operators of other domains than ONNX's own, each of which is expanded into ONNX's operators when
// it is imported, before any pass looks for layers: those of com.microsoft that ONNX Runtime's
// optimizer, its quantization tools and exporters of transformers write (the page
// "ContribOperators" of ONNX Runtime's documentation defines them), and those of ai.onnx.ml that
// work on numbers.
#pragma once

#include "frontend/Upgrade.h"

namespace cameo {

/// Whether operators of the domain can be expanded, and whether that of this name can.
bool isExpandedDomain(std::string_view domain);
bool isExpandedOperator(std::string_view domain, std::string_view op);
/// Sets the results of a node of such an operator.
Result<void> expandOperator(std::string_view domain, OldNode &node, Builder &build);

} // namespace cameo
