// Compiling in a process of its own, and what an internal error leaves: a folder with the IR before
// the step that failed, the message and the commands that repeat it. Nothing is kept for that while
// all goes well: the same work gives the same bug, so it is done a second time for the report.
#pragma once

#include "lowering/PassManager.h"

#include <functional>
#include <string>

namespace cameo {

struct CompilerWork {
  /// What is compiled, for messages.
  std::string model;
  /// Options of `compile` and `opt` that say what for, on any machine (Compiler.h).
  std::string targetFlags;
  /// Does it and returns an exit status. Tells `observer` of each pass, and "" is code generation.
  std::function<int(const PassObserver &observer)> run = {};
};

/// Runs the work in a child process and reports how that failed. Returns the exit status; after a
/// bug of ours there is a report, whose folder a note names.
int runCompiler(const CompilerWork &work);

} // namespace cameo
