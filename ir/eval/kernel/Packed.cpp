// See Packed.h.
#include "ir/eval/kernel/Packed.h"

#include "ir/kernel/Contraction.h"

#include <algorithm>

namespace cameo::eval {

int64_t packedElement(const View &packed, const std::vector<int64_t> &lead, int64_t column,
                      int64_t k, int64_t interleave) {
  int64_t step = k / interleave * kPanel * interleave;
  int64_t flat = step + column % kPanel * interleave + k % interleave;
  const int64_t *strides = packed.strides.data() + lead.size();
  return packed.at(lead) + column / kPanel * strides[0] + flat / kPanel * strides[1] +
         flat % kPanel * strides[2];
}

View ofBatches(const View &operand, const View &y, int64_t own) {
  std::vector<int64_t> dims(y.dims.begin(), y.dims.end() - 2);
  dims.insert(dims.end(), operand.dims.end() - own, operand.dims.end());
  View view = operand.broadcastTo(dims);
  std::copy(operand.strides.end() - own, operand.strides.end(), view.strides.end() - own);
  return view;
}

} // namespace cameo::eval
