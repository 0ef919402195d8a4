// Where the elements of a kernel-level tensor are: a root buffer, an offset and one stride a
// logical dim, all in elements. Shapes and axes stay in ONNX order; transposes, slices,
// concatenation and channels-last storage are only strides and offsets. A stride of 0 broadcasts.
#pragma once

#include "ir/DType.h"
#include "ir/Dim.h"

#include <string>
#include <vector>

namespace cameo {

struct Layout {
  /// Index into Func::buffers.
  int64_t buffer = -1;
  Dim offset;
  Dims strides;

  friend bool operator==(const Layout &a, const Layout &b) = default;
};

/// Row-major strides of a shape.
Dims rowMajorStrides(const Dims &shape);

/// Memory that holds one value or several views of it. A halo belongs to the buffer: `size` counts
/// it, and the layouts' offsets step over it.
struct Buffer {
  enum class Space {
    Arena,  // in the workspace, at `offset` bytes once planned
    Input,  // the caller's, index `port`
    Output, // the caller's, index `port`
    Weight, // constant bytes in the weight segment, at `offset` bytes, blob `port`
    Box,    // memory that grows when the run finds out its size, box `port`
  } space = Space::Arena;
  std::string name;
  DType dtype = DType::F32;
  /// Elements, halo and padding included.
  Dim size;
  int64_t port = -1;
  /// Bytes from the start of the arena or the weights.
  Dim offset;
};

} // namespace cameo
