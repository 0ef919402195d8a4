// See Interleave.h.
#include "lowering/emit/Interleave.h"

namespace cameo {

DType bitsOf(DType dtype) {
  switch (dtypeBytes(dtype)) {
  case 1:
    return DType::U8;
  case 2:
    return DType::U16;
  case 4:
    return DType::U32;
  default:
    return DType::U64;
  }
}

LoopBuilder::Values interleaved(LoopBuilder &b, LoopBuilder::Values rows) {
  int64_t lanes = rows[0]->type.lanes();
  std::vector<int64_t> low, high;
  for (int64_t lane = 0; lane < lanes; lane++) {
    low.push_back(lane / 2 + lane % 2 * lanes);
    high.push_back(low.back() + lanes / 2);
  }
  size_t half = rows.size() / 2;
  for (size_t round = rows.size(); round > 1; round /= 2) {
    LoopBuilder::Values next;
    for (size_t i = 0; i < half; i++) {
      next.push_back(b.shuffle(rows[i], rows[i + half], low));
      next.push_back(b.shuffle(rows[i], rows[i + half], high));
    }
    rows = std::move(next);
  }
  return rows;
}

} // namespace cameo
