// Packing of constant weights, done while the library is written.
#pragma once

#include "ir/Op.h"
#include "ir/Program.h"

namespace cameo {

/// What makes a constant pack's result: panels of 16 output channels, [K][16] each, zeros where the
/// last panel has fewer; K runs over taps, then input channels. docs/ir.md has the forms. A piece
/// is a panel; of depthwise weights, which have none, a tap.
WeightMaker weightPacker(Op &pack);

} // namespace cameo
