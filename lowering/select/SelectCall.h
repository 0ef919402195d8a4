// Operators that functions in C do on the calling thread: portable kernels of the runtime
// (runtime/kernels), for what has no loops worth compiling, and the user's own. What `explain`
// calls the slow path.
#pragma once

#include "lowering/select/Select.h"

namespace cameo {

struct CallRow {
  OpKind kind;
  const char *callee;
};

/// The function that does the op; nullptr if it is compiled.
const CallRow *callFor(const Op &op);

/// Replaces the op by a call, which defines the symbols of its results that `bound` has not.
Result<void> selectCall(Selection &s, const CallRow &row, std::vector<std::string> &bound);

} // namespace cameo
