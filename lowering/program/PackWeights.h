// Packing of constant weights, done while the library is written.
#pragma once

#include "ir/Op.h"

#include <cstddef>
#include <functional>
#include <span>

namespace cameo {

/// A function that writes a constant pack's result: panels of 16 output channels, [K][16] each,
/// zeros where the last panel has fewer; K runs over taps, then input channels. docs/ir.md has the
/// forms.
std::function<void(std::span<std::byte>)> weightPacker(Op &pack);

} // namespace cameo
