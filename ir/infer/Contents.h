// Contents of small integer and bool tensors, followed through elementwise arithmetic as sizes.
// What rules of other families know about contents is in the rules themselves.
#pragma once

#include "ir/infer/Infer.h"

namespace cameo {

/// Sets the contents of an elementwise op's result if those of its inputs are known. Call it after
/// the result's shape is set.
void elementwiseContents(InferContext &ctx);

} // namespace cameo
