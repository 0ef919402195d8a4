// Replaces division by a constant by multiplication with its reciprocal, where a byte that is
// computed of one or two others stays the same whatever these are: all their values are tried. So
// sums and products of quantized tensors are quantized without divisions, which take several times
// as long. Runs behind fusion, which brings the ops into one region.
//
// Turn this: %q = cast(round(div(add(mul(cast(%a), s), mul(cast(%b), t)), u)))
// Into this: %q = cast(round(mul(add(mul(cast(%a), s), mul(cast(%b), t)), 1 / u)))
#include "ir/OpSpec.h"
#include "lowering/Passes.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/Regions.h"
#include "lowering/quant/ByteCone.h"

#include <algorithm>
#include <cmath>

namespace cameo {
namespace {

/// The divisor of a division by a constant f32.
std::optional<float> constantDivisor(const Op &op) {
  if (op.kind() != OpKind::ScalarDiv || op.result()->type.dtype() != DType::F32)
    return std::nullopt;
  const Op *divisor = op.operand(1)->definingOp();
  if (!divisor || divisor->kind() != OpKind::ScalarConst)
    return std::nullopt;
  return static_cast<float>(divisor->attrs.getFloat("value"));
}

/// Makes the division that leads to the byte a multiplication; whether the byte stays the same.
bool multiply(Module &module, const Target &target, Op &division, float divisor, Op &byte) {
  std::optional<ByteCone> cone = byteCone(byte, {});
  if (!cone || std::find(cone->ops.begin(), cone->ops.end(), &division) == cone->ops.end())
    return false;
  std::vector<int64_t> expected = cone->evaluate(target);
  LoopBuilder b(module);
  b.before(&division);
  float reciprocal = 1 / divisor;
  // Its neighbours round other products to what the division gives.
  for (float factor :
       {reciprocal, std::nextafter(reciprocal, 0.0f), std::nextafter(reciprocal, 2 * reciprocal)}) {
    Value *other = b.constant(division.result()->type, factor);
    Value *product = b.mul(division.operand(0), other);
    division.result()->replaceAllUsesWith(product);
    if (byteCone(byte, {})->evaluate(target) == expected) {
      division.erase();
      return true;
    }
    product->replaceAllUsesWith(division.result());
    product->definingOp()->erase();
    other->definingOp()->erase();
  }
  return false;
}

/// The byte behind a division that nothing else reads: the first on the way from it.
Op *byteBehind(const Op &division) {
  for (Value *value = division.result(); value->users().size() == 1;) {
    Op *reader = value->users()[0];
    if (spec(reader->kind()).family != Family::Scalar || reader->numResults() != 1)
      return nullptr;
    value = reader->result();
    if (isByte(*value))
      return reader;
  }
  return nullptr;
}

bool multiplyIn(Module &module, const Target &target, Block &region) {
  bool changed = false;
  for (auto at = region.ops().begin(); at != region.ops().end();) {
    Op &op = **at++;
    std::optional<float> divisor = constantDivisor(op);
    Op *byte = divisor ? byteBehind(op) : nullptr;
    changed |= byte && multiply(module, target, op, *divisor, *byte);
  }
  if (changed)
    dropUnusedScalars(region);
  return changed;
}

} // namespace

Result<bool> multiplyByReciprocal(Module &module, PassContext &context) {
  bool changed = false;
  for (Block *region : kernelRegionsOf(module.main()))
    changed |= multiplyIn(module, context.target, *region);
  return changed;
}

} // namespace cameo
