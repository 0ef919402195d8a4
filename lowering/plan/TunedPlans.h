// Plans that were found by measuring (PassContext::plans): what kernels they are for, and which
// others are worth measuring.
#pragma once

#include "ir/kernel/Contraction.h"
#include "lowering/Pass.h"

#include <optional>
#include <string>
#include <vector>

namespace cameo {

/// What a `conv` or `gemm` with layouts does, in a line: its shapes and a hash of the types,
/// strides, attributes and scalar ops, without names, weights and its plan. Kernels of one key have
/// one plan. "" for other ops.
std::string planKey(const Op &op);

/// The same for the choice of a `conv`'s algorithm, which comes before layouts; the same text once
/// it is planned. "" for other ops.
std::string algorithmKey(const Op &op);

/// The attributes of the plan that a `conv` or `gemm` has.
AttrDict planAttributes(const Op &op);

/// Gives ops without a complete plan those that the context has for them, unless these are empty or
/// have a register tile that was rejected. An error if one does not fit its op.
Result<bool> applyPlans(Module &module, const PassContext &context);

/// The algorithm that the context has for a `conv`, if there is one.
Result<std::optional<ConvAlgorithm>> tunedAlgorithm(const PassContext &context, const Op &conv);

/// Other plans that may be faster, of an op that has one: attributes for PassContext::plans under
/// planKey. They fit the op, which is as before afterwards.
std::vector<AttrDict> otherTiles(const Target &target, Op &op);
/// What else may be changed once the tile is chosen: which loop is outside, and how large units
/// are.
std::vector<AttrDict> otherUnits(Op &op);
/// Other algorithms for a planned `conv`, under algorithmKey.
std::vector<AttrDict> otherAlgorithms(const PassContext &context, const Op &op);

} // namespace cameo
