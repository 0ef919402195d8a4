// Packing at run time, for weights that are not constants (attention's keys and values, weights
// that are inputs): the same panels that PackWeights.cpp makes at compile time. A unit is one
// panel.
#include "lowering/kernels/Nest.h"
#include "lowering/plan/Panels.h"

#include <algorithm>

namespace cameo {

Result<Dim> emitPack(KernelFunc &k) {
  const Value &w = *k.op.operand(0);
  LoopBuilder &b = k.b;
  std::string form = k.op.attrs.getString("form");
  ICE_UNLESS(form != "depthwise", "depthwise weights that are not constant");
  // Axes of the source: which run over batches (or groups), over depth, and the one over columns.
  const Dims &shape = w.type.shape(), &strides = w.layout->strides;
  std::vector<NestAxis> batches, depths;
  Dim columns, columnStride;
  if (form == "gemm") {
    size_t rank = shape.size();
    for (size_t i = 0; i + 2 < rank; i++)
      batches.push_back({shape[i], {strides[i]}});
    depths.push_back({shape[rank - 2], {strides[rank - 2]}});
    columns = shape[rank - 1];
    columnStride = strides[rank - 1];
  } else {
    Dim group(k.op.attrs.getInt("group"));
    columns = *Dim::exactDiv(shape[0], group);
    columnStride = strides[0];
    batches.push_back({group, {columns * strides[0]}});
    for (size_t i = 2; i < shape.size(); i++)
      depths.push_back({shape[i], {strides[i]}});
    depths.push_back({shape[1], {strides[1]}});
  }
  Dim panels = Dim::ceilDiv(columns, Dim(kPanel)), depth(1), units = panels;
  for (const NestAxis &axis : depths)
    depth = depth * axis.extent;
  for (const NestAxis &axis : batches)
    units = units * axis.extent;
  int64_t lanes = std::min(kPanel, k.lanes(w.type.dtype()));
  b.forLoop(k.begin, k.end, 1, [&](Value *unit) {
    Value *panel = b.rem(unit, k.size(panels)), *left = b.div(unit, k.size(panels));
    Value *from = k.advance(b.index(0), b.mul(panel, b.index(kPanel)), columnStride);
    for (size_t i = batches.size(); i-- > 0;) {
      from = k.advance(from, b.rem(left, k.size(batches[i].extent)), batches[i].strides[0]);
      left = b.div(left, k.size(batches[i].extent));
    }
    Value *real = b.sub(k.size(columns), b.mul(panel, b.index(kPanel)));
    Value *to = b.mul(unit, k.size(depth * Dim(kPanel)));
    std::function<void(size_t, Value *, Value *)> loops = [&](size_t axis, Value *source,
                                                              Value *index) {
      if (axis < depths.size()) {
        b.forLoop(b.index(0), k.size(depths[axis].extent), 1, [&](Value *i) {
          loops(axis + 1, k.advance(source, i, depths[axis].strides[0]),
                b.add(b.mul(index, k.size(depths[axis].extent)), i));
        });
        return;
      }
      for (int64_t lane = 0; lane < kPanel; lane += lanes) {
        Value *mask = b.laneMask(b.sub(real, b.index(lane)), lanes);
        Value *at = k.advance(source, b.index(lane), columnStride);
        Value *element = b.stridedLoad(k.operands[0], at, k.size(columnStride), lanes, mask);
        b.store(element, k.results[0],
                b.add(to, b.add(b.mul(index, b.index(kPanel)), b.index(lane))));
      }
    };
    loops(0, from, b.index(0));
  });
  return units;
}

} // namespace cameo
