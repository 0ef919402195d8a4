// See Comparison.h.
#include "tools/Comparison.h"

#include "bench/Report.h"
#include "support/Temporary.h"
#include "tools/Command.h"
#include "tools/Outputs.h"
#include "tools/Stopwatch.h"

#include <algorithm>
#include <fmt/format.h>

namespace cameo {

namespace {

/// Samples whose inputs are in memory at once.
constexpr int64_t kSamplesAtOnce = 16;

void record(OutputResult &result, const RuntimeValue &want, const RuntimeValue &got) {
  Deviation deviation = measureValues(want, got, result.judgement);
  result.worst = result.worst ? worse(*result.worst, deviation) : deviation;
}

} // namespace

Comparison::Comparison(ComparisonInfo info, std::unique_ptr<Engine> compiled,
                       std::unique_ptr<Reference> reference, std::vector<OutputResult> results,
                       size_t own)
    : info_(std::move(info)), compiled_(std::move(compiled)), reference_(std::move(reference)),
      results_(std::move(results)), own_(own) {}

void Comparison::addTestData(Expected expected) {
  testData_ = std::move(expected);
  for (size_t i = 0; i < own_; ++i) {
    testDataResults_.push_back(results_[i]);
    testDataResults_.back().port.name += fmt::format(" (output_{}.pb)", i);
  }
}

Result<void> Comparison::save(int64_t sample, const Inputs &inputs, const Expected &want,
                              const std::vector<RuntimeValue> &got) const {
  std::vector<std::pair<std::string, RuntimeValue>> given, expected, computed;
  for (size_t i = 0; i < inputs.size(); ++i)
    given.emplace_back(compiled_->inputs()[i].name, inputs[i]);
  for (size_t i = 0; i < results_.size(); ++i) {
    if (want[i])
      expected.emplace_back(results_[i].port.name, *want[i]);
    computed.emplace_back(results_[i].port.name, got[i]);
  }
  std::error_code failed;
  std::filesystem::create_directories(saveFolder_, failed);
  if (failed)
    return badInput(fmt::format("{}: cannot create the folder: {}", saveFolder_, failed.message()));
  std::unique_ptr<TemporaryFolder> folder = TRY(TemporaryFolder::create(saveFolder_));
  auto write = [&](const char *what, const auto &values) -> Result<void> {
    Result<void> done =
        writeArchive(folder->path() / fmt::format("{}_{}.npz", what, sample), values);
    return done ? done : inFinalFolder(done.error(), folder->path(), saveFolder_);
  };
  TRY(write("inputs", given));
  TRY(write("expected", expected));
  TRY(write("got", computed));
  TRY(folder->moveFiles(saveFolder_));
  return {};
}

Result<void> Comparison::runSample(int64_t sample, const Inputs &inputs, const Expected &want) {
  Result<std::vector<RuntimeValue>> got = compiled_->run(inputs);
  ++samples_;
  if (!got) {
    failure_ = fmt::format("sample {}: compiled code failed where the reference did not: {}",
                           sample, got.error().message);
    return {};
  }
  for (size_t i = 0; i < results_.size(); ++i)
    if (want[i])
      record(results_[i], *want[i], (*got)[i]);
  for (size_t i = 0; i < testData_.size(); ++i)
    if (testData_[i])
      record(testDataResults_[i], *testData_[i], (*got)[i]);
  return saveFolder_.empty() ? Result<void>() : save(sample, inputs, want, *got);
}

Result<void> Comparison::run(int64_t samples,
                             const std::function<Result<Inputs>(int64_t)> &inputsOf) {
  for (int64_t first = 0; first < samples && failure_.empty(); first += kSamplesAtOnce) {
    std::vector<Inputs> inputs;
    for (int64_t i = first; i < std::min(samples, first + kSamplesAtOnce); ++i)
      inputs.push_back(TRY(inputsOf(i)));
    Stopwatch watch;
    TRY(reference_->take(inputs));
    for (size_t i = 0; i < inputs.size() && failure_.empty(); ++i) {
      int64_t sample = first + static_cast<int64_t>(i);
      showProgress(fmt::format("comparing, {} of {} done", sample, plural(samples, "sample")));
      auto want = TRY(reference_->expected(i));
      double reference = watch.lap();
      TRY(runSample(sample, inputs[i], want));
      tellMore(fmt::format("sample {}: reference in {:.3g} s, compiled code and comparison in "
                           "{:.3g} s\n",
                           sample, reference, watch.lap()));
    }
  }
  showProgress("");
  return {};
}

Verdict Comparison::verdict() const {
  Verdict worst = failure_.empty() ? Verdict::Pass : Verdict::Fail;
  for (size_t i = 0; i < own_; ++i)
    if (results_[i].worst)
      worst = std::max(worst, results_[i].worst->verdict);
  for (const OutputResult &result : testDataResults_)
    if (result.worst)
      worst = std::max(worst, result.worst->verdict);
  return worst;
}

} // namespace cameo
