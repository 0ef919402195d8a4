// How the operands of a contraction are stored for the instructions of the target: the one place
// that decides the form of packed weights, their interleaving, and the signs of bytes.
#pragma once

#include "ir/kernel/Contraction.h"
#include "lowering/Pass.h"

#include <optional>

namespace cameo {

struct Packing {
  PackForm form = PackForm::Gemm;
  int64_t group = 1;
  int64_t interleave = 1, pieces = 1;
  /// The products into which the depth of a `gemm` is cut.
  int64_t parts = 1;
  /// Whether bytes are stored in the other signedness, 128 added.
  bool flipInput = false, flipWeights = false;
  /// The element type to round input and weights to; their own if nothing.
  std::optional<DType> rounded = std::nullopt;
};

/// Whether a `conv` or `gemm` has weights that are not packed.
bool hasPlainWeights(const Op &op);

/// Products of f32 as three bf16 (decision 036), in tile registers.
struct Pieces {
  int64_t parts;  // Packing::parts
  double speedup; // estimated, over products of vectors
};
/// Of a `conv` or `gemm` with weights plain or packed. Nothing where the target or the op has no
/// such products.
std::optional<Pieces> piecesFor(const PassContext &context, const Op &op);

/// The packing of a `conv` or `gemm` with plain weights. It has pieces where the op's attribute
/// wants them and piecesFor() knows them.
Packing packingFor(const PassContext &context, const Op &op);

/// The Constant whose elements a value has, seen through transposes and reshapes; or nullptr.
Op *constantBehind(Value *value);
/// Whether packed weights can be computed at compile time: they are constant, of sizes that are
/// numbers (a view may give a constant sizes that only the run can check).
bool isPackedEarly(Value *weights);
/// The same of a `conv` or `gemm` that may have packed weights already.
bool hasEarlyWeights(const Op &op);
/// Whether a `pack` is of constant bytes, through views.
bool isConstantPack(Op &pack);
/// What tells the bytes that a library has for a Constant or a `pack` of one with layouts from
/// others: ops of one key share them.
std::string storedKey(const Op &op);
/// Whether a constant's bytes are read by generated code, through views or not, and not only by
/// packing.
bool isReadDirectly(Op &constant);

} // namespace cameo
