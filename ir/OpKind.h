// All op kinds, from the rows of the op table.
#pragma once

#include <cstdint>

namespace cameo {

enum class OpKind : uint16_t {
#define GRAPH_OP(kind, ...) kind,
#define KERNEL_OP(kind, ...) kind,
#define CORE_OP(kind, ...) kind,
#include "ir/ops/Ops.def"
};

} // namespace cameo
