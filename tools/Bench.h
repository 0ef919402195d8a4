// What `cameo bench` measures, and the forms that it is shown in.
#pragma once

#include "bench/Timing.h"
#include "tools/Compiler.h"
#include "tools/Engine.h"
#include "tools/LayerStudy.h"
#include "tools/Profile.h"

#include <optional>

namespace cameo {

/// A model and its library.
struct Subject {
  std::string model, library;
  int64_t modelBytes = 0, libraryBytes = 0;
  CompileRequest request;
  std::shared_ptr<Module> module;
  std::vector<RuntimeValue> inputs;
  double flops = 0;
  std::vector<Throughput> streams; // one for each number in --streams
  std::optional<Profile> profile;
  std::vector<LayerResult> layers; // of --report
};

/// A way to run a subject.
struct Runner {
  size_t subject = 0;
  std::string name;
  int64_t bytes = 0;                    // of the file that is loaded
  double load = 0, firstRun = 0;        // seconds
  int64_t memory = -1;                  // bytes at most, -1: unknown
  std::optional<size_t> reference = {}; // the runner that its speedup is against
  Timing timing = {};
};

struct BenchReport {
  std::vector<Subject> subjects;
  std::vector<Runner> runners;
  std::vector<int32_t> streams; // of --streams

  std::optional<double> speedupOf(const Runner &runner) const;
  /// Of all runners, the names of the columns first.
  std::vector<std::vector<std::string>> rows() const;
};

/// Tables: one of all runners, and of each subject's throughput and profile.
std::string benchText(const BenchReport &report, size_t width);
/// One page of HTML that needs nothing else.
std::string benchPage(const BenchReport &report);
/// docs/bench.md describes it.
std::string benchJson(const BenchReport &report);

} // namespace cameo
