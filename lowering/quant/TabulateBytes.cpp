// Makes a table of 256 of what a kernel computes of one 8-bit integer, where the result is one,
// too: activations between quantized layers, which dequantize, compute and quantize again. Exact:
// the interpreter computes the table. Runs behind fusion, which brings the ops into one region.
//
// Turn this: %f = mul(cast(%q), s);  %a = mul(%f, sigmoid(%f));  %r = cast(round(div(%a, t)))
// Into this: %r = lookup(%q) {table = [...]}
// Only if: the ops weigh more than the target's lookup.
#include "ir/OpSpec.h"
#include "lowering/Passes.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/LoopBuilder.h"
#include "lowering/build/Regions.h"
#include "lowering/quant/ByteCone.h"

#include <algorithm>

namespace cameo {
namespace {

// What a lookup weighs, in units of weightOf: in registers, and in memory for each lane.
constexpr int64_t kInRegisters = 8, kInMemory = 3;

int64_t lookupWeight(const Target &target) {
  return target.hasByteTables ? kInRegisters : kInMemory * target.lanes(sizeof(float));
}

void lookUp(Module &module, const Target &target, const ByteCone &cone) {
  Op *last = cone.ops.back();
  AttrDict attrs;
  attrs.set("table", cone.evaluate(target));
  LoopBuilder b(module);
  b.before(last);
  Op *lookup = b.create(OpKind::ScalarLookup, {cone.bytes[0]}, {last->result()->type}, attrs);
  last->result()->replaceAllUsesWith(lookup->result());
}

bool tabulate(Module &module, const Target &target, Block &region) {
  std::unordered_set<Value *> computed; // bytes that are functions of one other byte
  std::vector<ByteCone> cones;
  for (const std::unique_ptr<Op> &op : region.ops()) {
    bool makesByte = op->numResults() == 1 && isByte(*op->result());
    std::optional<ByteCone> cone = makesByte ? byteCone(*op, computed) : std::nullopt;
    if (!cone || cone->bytes.size() != 1)
      continue;
    computed.insert(op->result());
    if (cone->weight >= lookupWeight(target))
      cones.push_back(std::move(*cone));
  }
  // From the last on: what leads to it may have no other reader.
  std::unordered_set<Op *> done;
  for (auto cone = cones.rbegin(); cone != cones.rend(); ++cone) {
    const std::vector<Op *> &readers = cone->ops.back()->result()->users();
    if (std::all_of(readers.begin(), readers.end(), [&](Op *op) { return done.count(op) > 0; }))
      continue;
    lookUp(module, target, *cone);
    done.insert(cone->ops.begin(), cone->ops.end());
  }
  dropUnusedScalars(region);
  return !cones.empty();
}

} // namespace

Result<bool> tabulateBytes(Module &module, PassContext &context) {
  bool changed = false;
  for (Block *region : kernelRegionsOf(module.main()))
    changed |= tabulate(module, context.target, *region);
  return changed;
}

} // namespace cameo
