// `--tune`: other plans of a model's contractions are compiled, timed on this machine, and kept
// where they are faster.
#pragma once

#include "tools/Compiler.h"

namespace cameo {

struct TuneOptions {
  bool tune = false;
  std::string cache; // file, or ""
  double seconds = 60;
};

/// Adds --tune, --tune-cache and --tune-seconds.
void addTuneOptions(CLI::App &command, TuneOptions &options);

/// Gives the request the plans of the cache and, if asked to, finds those that it lacks and tells
/// what they gain. Reports errors itself; the exit status.
int tuneRequest(const TuneOptions &options, CompileRequest &request);

} // namespace cameo
