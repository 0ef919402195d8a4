// What the passes of this room share: finding layers that a model spells out in primitives. They
// run on constants that are folded, and before anything is taken apart.
//
// A layer computes what the primitives compute, but for the order of float operations. So ops that
// round to halves are left alone: a layer rounds once. Halves whose arithmetic is done in f32,
// between casts, are recovered there.
#pragma once

#include "lowering/build/Match.h"
#include "lowering/build/Rewrite.h"

#include <functional>
#include <vector>

namespace cameo {

/// A formula that exporters write, and the op that stands for it.
struct Layer {
  match::Pattern formula;
  /// Builds the op; nullptr if it cannot say what matched.
  Value *(*build)(Rewriter &b, const match::Match &m);
};

/// The nodes of all ops, those of the root, the first, last.
Loc locOf(const std::vector<Op *> &ops);

/// What `build` builds; nullptr where inference refuses it, which is no error of the model: the
/// primitives are as good.
Value *unlessRefused(const std::function<Value *()> &build);

/// What stands for the op's result, by the first layer that matches and can be built; nullptr if
/// none does.
Value *recovered(Rewriter &b, Op &op, const std::vector<Layer> &layers);

} // namespace cameo
