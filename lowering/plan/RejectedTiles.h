// Register tiles that the target's registers turned out not to hold (PassContext::rejectedTiles).
// Plans count registers; LLVM may need more than they count. So the code generator looks for
// vectors that innermost loops keep on the stack (codegen/Spills.h), and the compiler plans again
// without the tiles that have them.
#pragma once

#include "ir/kernel/Contraction.h"
#include "lowering/Pass.h"

#include <map>
#include <set>
#include <string>

namespace cameo {

/// What the registers of a `conv` or `gemm` with such a tile depend on, in a line: types, the
/// window and the tile, but no sizes.
std::string tileKey(const Op &op, const ContractionPlan &plan);

/// Keys by the first node that an op computes.
using TileKeys = std::map<std::string, std::set<std::string>>;
/// Those of the tiles that are planned.
TileKeys tileKeys(Func &main);

} // namespace cameo
