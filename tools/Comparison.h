// Compiled code against a reference on the same inputs, and the report of it.
#pragma once

#include "tools/Reference.h"
#include "tools/Taps.h"

#include <functional>

namespace cameo {

/// The worst deviation of an output over all samples.
struct OutputResult {
  EnginePort port;
  Tap tap; // of an inner value
  Judgement judgement;
  std::optional<Deviation> worst;
};

/// For reports.
struct ComparisonInfo {
  std::string model;
  uint64_t seed = 0;
  int32_t threads = 1;
  bool layers = false;
  Thresholds thresholds = Thresholds::Standard;
};

class Comparison {
public:
  /// One an output of `compiled`, of which the first `own` are the model's.
  Comparison(ComparisonInfo info, std::unique_ptr<Engine> compiled,
             std::unique_ptr<Reference> reference, std::vector<OutputResult> results, size_t own);

  /// What test data says of the model's own outputs is compared as well, in rows of their own.
  void addTestData(Expected expected);
  /// Writes the tensors of each sample to files in this folder.
  void saveTo(std::string folder) { saveFolder_ = std::move(folder); }

  Result<void> run(int64_t samples, const std::function<Result<Inputs>(int64_t)> &inputsOf);

  Verdict verdict() const;
  std::string text() const;
  std::string json() const;

private:
  Result<void> runSample(int64_t sample, const Inputs &inputs, const Expected &want);
  Result<void> save(int64_t sample, const Inputs &inputs, const Expected &want,
                    const std::vector<RuntimeValue> &got) const;
  std::string layersText() const;

  ComparisonInfo info_;
  std::unique_ptr<Engine> compiled_;
  std::unique_ptr<Reference> reference_;
  std::vector<OutputResult> results_;
  size_t own_;
  Expected testData_;
  std::vector<OutputResult> testDataResults_;
  std::string saveFolder_;
  int64_t samples_ = 0;
  std::string failure_; // why a compiled run failed
};

} // namespace cameo
