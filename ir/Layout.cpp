// Row-major strides.
#include "ir/Layout.h"

namespace cameo {

Dims rowMajorStrides(const Dims &shape) {
  Dims strides(shape.size());
  Dim step(1);
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = step;
    step = step * shape[i];
  }
  return strides;
}

} // namespace cameo
