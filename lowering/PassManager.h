// Runs passes one after another: verifies the module before the first and after each, and gives
// developers the means to look in between. It knows no pass; the list is in Pipeline.cpp.
#pragma once

#include "lowering/Pipeline.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cameo {

/// Gets the module before each pass that runs.
using PassObserver = std::function<void(const Module &module, std::string_view pass)>;

/// How to run passes: the command line's flags of the same names.
struct PassManagerOptions {
  /// Prints the module after these passes, or after all.
  std::vector<std::string> printAfter = {};
  bool printAfterAll = false;
  /// Stops after the first run of this pass, or after the last pass of this phase.
  std::string stopAfter = {};
  /// Optional ones.
  std::vector<std::string> skipPasses = {};
  /// Of the optional steps, runs only the first so many; -1: all. Required ones always run, so that
  /// every limit makes a working compiler. Each optional step is announced with its number.
  int64_t bisectLimit = -1;
  /// A table of time, changes and op counts at the end.
  bool timePasses = false;
  /// Where all that goes; the standard error stream if empty.
  std::function<void(std::string_view)> output = {};
  PassObserver beforePass = {};
};

/// What one pass of a run did.
struct PassRecord {
  PipelineStep step;
  bool changed = false;
  double seconds = 0;
  int64_t opsBefore = 0, opsAfter = 0;
};

struct PassReport {
  std::vector<PassRecord> records;
  /// `stopAfter` was reached: what follows the passes is not to be done either.
  bool stopped = false;
};

/// The optional ones among the steps, in order: number N of `bisectLimit` is the N-th.
std::vector<PipelineStep> optionalSteps(std::span<const PipelineStep> steps,
                                        std::span<const PassInfo> passes);

/// Runs `steps`, whose passes are among `passes`. An error if an option names what does not exist
/// or must not be left out, if the module is malformed to begin with, or if a pass returns one. A
/// pass that leaves a malformed module is our bug.
Result<PassReport> runPasses(Module &module, PassContext &context,
                             std::span<const PipelineStep> steps, std::span<const PassInfo> passes,
                             const PassManagerOptions &options = {});

/// The steps for a list of pass names separated by commas (`--passes=a,b`), of no phase.
Result<std::vector<PipelineStep>> stepsFromText(std::string_view names,
                                                std::span<const PassInfo> passes);

/// The report as a table of text.
std::string reportText(const PassReport &report);

/// Ops in all functions, those in regions included.
int64_t countOps(const Module &module);

} // namespace cameo
