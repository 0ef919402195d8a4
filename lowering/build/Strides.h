// Loops over tensors as extents and strides, which planners and emitters share.
#pragma once

#include "ir/Op.h"

#include <vector>

namespace cameo {

/// A loop: how many steps, and how far each tensor moves with a step, in elements.
struct NestAxis {
  Dim extent;
  std::vector<Dim> strides; // one a tensor
};

/// Drops loops of one step and merges neighbours that are contiguous in every tensor; at least one
/// loop is left. The first one stays by itself, in front of others, if that is asked for.
void mergeContiguous(std::vector<NestAxis> &axes, bool firstApart = false);

/// Strides of x along each dim of a shape it is broadcast to.
std::vector<Dim> broadcastStrides(const Value &x, const Dims &shape);

/// The same of each operand from `first` on, broadcast to the op's result.
std::vector<std::vector<Dim>> operandStrides(const Op &op, int64_t first);

} // namespace cameo
