// What a comparison found, as text and as JSON. See Comparison.h.
#include "bench/Report.h"
#include "tools/Comparison.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace cameo {

namespace {

// Of the JSON, see docs/compare.md.
constexpr int kReportVersion = 1;

std::vector<std::string> tableRow(const OutputResult &result) {
  const Deviation &d = *result.worst;
  if (!d.comparable())
    return {result.port.name, result.port.type.str(), "-", "-", "-", "-", "-", "FAIL: " + d.reason};
  std::string verdict(verdictName(d.verdict));
  if (d.mismatches > 0)
    verdict += fmt::format(": {} elements where only one is NaN, Inf or equal", d.mismatches);
  else if (d.verdict == Verdict::Fail && d.worst >= 0)
    verdict +=
        fmt::format(": element {}: expected {:.6g}, got {:.6g}", d.worst, d.wantWorst, d.gotWorst);
  bool steps = result.judgement.step > 0 || result.judgement.quantized;
  return {result.port.name,
          result.port.type.str(),
          fmt::format("{:.2e}", d.maxAbs),
          fmt::format("{:.2e}", d.relative),
          fmt::format("{:.2e}", d.mse),
          fmt::format("{:.6f}", d.cosine),
          steps ? fmt::format("{} ({})", gradeName(d.grade), plural(std::llround(d.steps), "step"))
                : std::string(gradeName(d.grade)),
          verdict};
}

nlohmann::ordered_json jsonEntry(const OutputResult &result) {
  nlohmann::ordered_json entry = {{"name", result.port.name}, {"type", result.port.type.str()}};
  entry.update(toJson(*result.worst));
  return entry;
}

nlohmann::ordered_json thresholdsJson(Thresholds thresholds) {
  return {{"name", thresholds == Thresholds::Export ? "export" : "standard"},
          {"max_difference", {kExcellent.difference, kGood.difference}},
          {"mse", {kExcellent.mse, kGood.mse}},
          {"cosine", {kExcellent.cosine, kGood.cosine}}};
}

} // namespace

std::string Comparison::layersText() const {
  for (size_t i = own_; i < results_.size(); ++i) {
    const OutputResult &result = results_[i];
    if (!result.worst || result.worst->verdict == Verdict::Pass)
      continue;
    Table table({"value", "type", "max abs", "relative", "mse", "cosine", "class", "verdict"});
    table.add(tableRow(result));
    return fmt::format("first value that differs: '{}' of node {} ({})\n{}", result.port.name,
                       result.tap.node, result.tap.op, table.str());
  }
  auto count = std::count_if(results_.begin() + static_cast<std::ptrdiff_t>(own_), results_.end(),
                             [](const OutputResult &result) { return result.worst.has_value(); });
  return fmt::format("no difference in {}\n", plural(count, "intermediate value"));
}

std::string Comparison::text() const {
  Table table({"output", "type", "max abs", "relative", "mse", "cosine", "class", "verdict"});
  for (size_t i = 0; i < own_; ++i)
    if (results_[i].worst)
      table.add(tableRow(results_[i]));
  for (const OutputResult &result : testDataResults_)
    if (result.worst)
      table.add(tableRow(result));
  std::string text = table.str();
  if (info_.layers) {
    text += layersText();
    text += "note: looking at intermediate values keeps them from being fused away, so the code "
            "compared here is not the code of the model alone\n";
  }
  if (!failure_.empty())
    text += failure_ + "\n";
  return text + fmt::format("{} on {} against {}\n", verdictName(verdict()),
                            plural(samples_, "sample"), reference_->name());
}

std::string Comparison::json() const {
  nlohmann::ordered_json report = {{"schema_version", kReportVersion}, {"model", info_.model}};
  report["reference"] = reference_->name();
  report["thresholds"] = thresholdsJson(info_.thresholds);
  report["verdict"] = verdictName(verdict());
  report["samples"] = samples_;
  report["seed"] = info_.seed;
  report["threads"] = info_.threads;
  if (!failure_.empty())
    report["failure"] = failure_;
  report["outputs"] = nlohmann::ordered_json::array();
  for (size_t i = 0; i < results_.size(); ++i) {
    const OutputResult &result = results_[i];
    if (!result.worst)
      continue;
    nlohmann::ordered_json entry = jsonEntry(result);
    if (i >= own_) {
      entry["node"] = result.tap.node;
      entry["op"] = result.tap.op;
    }
    report[i < own_ ? "outputs" : "layers"].push_back(std::move(entry));
  }
  for (const OutputResult &result : testDataResults_)
    if (result.worst)
      report["data"].push_back(jsonEntry(result));
  return jsonText(report);
}

} // namespace cameo
