// What `// run:` lines of text tests do: they run a module by the interpreter of its level
// (ir/eval), behind every pass that follows and as loops, and compare with numbers that stand there
// or with what the case's own module gives. docs/testing.md has the format.
#pragma once

#include "ir/Program.h"
#include "ir/eval/graph/Tensor.h"
#include "ir/eval/loop/LoopInterpreter.h"
#include "lowering/Pipeline.h"

#include <map>
#include <string>
#include <string_view>

namespace cameo {

/// One line: `N=3 x=1,2,3 -> y=2,4,6` or `N=3 -> error: text`.
struct RunLine {
  /// Sizes of symbols, and elements of inputs and outputs in row-major order, by name.
  std::map<std::string, std::vector<double>> given, expected;
  /// Part of the message of a run that must fail.
  std::string error;
};

Result<RunLine> parseRunLine(std::string_view text);

/// Gives constants whose bytes are not in the text (docs/ir.md) the same random ones each time.
void fillConstants(Module &module);

/// Takes a module through the passes that it still needs, and to loops.
Result<Program> lowerToLoops(Module &module, PassContext &context);

/// Runs a module by the interpreter of its level as the line says, and compares with `reference`,
/// the module that it came from.
Result<void> runAsIs(Module &module, const Target &target, Module &reference, const RunLine &line);

/// Runs a module as the line says, at its own level, behind each pass that it still needs, and as
/// loops, and compares with `reference`, the module that it came from. The error names the pass.
Result<void> runDown(Module &module, PassContext &context, Module &reference, const RunLine &line);

/// Runs a program as the line says and compares with `reference`, the module that it was lowered
/// from.
Result<void> runProgram(const Program &program, Module &reference, const Target &target,
                        const RunLine &line, LoopObserver *observer = nullptr);

} // namespace cameo
