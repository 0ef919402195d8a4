// Tests written as IR text (`tests/**/*.cir`): what to do is said in the first line, what must come
// out stands behind each case. docs/testing.md has the format in full.
//
//   // test: passes=fold-constants,remove-dead-ops
//   module "m" { ... }
//   // ==>
//   the module that must come out
//   // -----
//   the next case
//
// What to do is one of `roundtrip`, `verify`, `pass=NAME`, `passes=A,B`, `phase=NAME`, `loops` and
// `run`. A case with lines `// run: N=3` is also lowered to loops and run; a line `// optimize:
// size` sets PassContext::optimize for it. A case that must fail has `// error: part of the
// message` in the offending line or anywhere in the case.
#pragma once

#include "ir/Result.h"

#include <string>
#include <string_view>

namespace cameo {

struct FiletestResult {
  int64_t cases = 0;
  int64_t failed = 0;
  /// What went wrong, for people to read; empty if nothing did.
  std::string report;
  /// The file's text with the results as they are.
  std::string blessed;
};

/// Runs the cases of a file's text. An error if the text is no test.
Result<FiletestResult> runFiletest(const std::string &fileName, std::string_view text);

} // namespace cameo
