// What a benchmark measured, as text and as JSON. See Bench.h.
#include "bench/Report.h"
#include "tools/Bench.h"

#include <algorithm>
#include <fmt/format.h>

namespace cameo {

namespace {

// Of the JSON, see docs/bench.md.
constexpr int kReportVersion = 3;
/// Columns that a model's name takes at most.
constexpr size_t kNameWidth = 32;

std::string bytesText(int64_t bytes) { return bytes >= 0 ? formatBytes(bytes) : "-"; }

using Rows = std::vector<std::vector<std::string>>;

Table tableOf(const Rows &rows) {
  Table table(rows.front());
  for (size_t i = 1; i < rows.size(); ++i)
    table.add(rows[i]);
  return table;
}

/// The first `names` columns, and the others from `begin` to `end`.
Rows columns(const Rows &rows, size_t names, size_t begin, size_t end) {
  Rows chosen;
  for (const std::vector<std::string> &row : rows) {
    std::vector<std::string> &cells = chosen.emplace_back(row.begin(), row.begin() + names);
    cells.insert(cells.end(), row.begin() + begin, row.begin() + end);
  }
  return chosen;
}

/// One table, or where that is too wide two: how runners start, and how they run.
std::string runnersText(const BenchReport &report, size_t width) {
  Rows rows = report.rows();
  Table whole = tableOf(rows);
  if (whole.width() <= width)
    return whole.str();
  size_t names = report.subjects.size() > 1 ? 2 : 1, start = names + 4;
  return tableOf(columns(rows, names, names, start)).str() + "\n" +
         tableOf(columns(rows, names, start, rows.front().size())).str();
}

std::string streamsText(const BenchReport &report, const Subject &subject) {
  if (subject.streams.empty())
    return "";
  Table table({"streams", "runs/s", "runs"});
  for (size_t i = 0; i < subject.streams.size(); ++i)
    table.add({std::to_string(report.streams[i]), fmt::format("{:.1f}", subject.streams[i].rate()),
               std::to_string(subject.streams[i].runs)});
  return "\n" + table.str();
}

nlohmann::ordered_json runnerJson(const BenchReport &report, const Runner &runner) {
  nlohmann::ordered_json json = toJson(runner.timing);
  json["file_bytes"] = runner.bytes;
  json["load_ms"] = runner.load * 1e3;
  json["first_run_ms"] = runner.firstRun * 1e3;
  if (runner.memory >= 0)
    json["memory_bytes"] = runner.memory;
  json["runs_per_s"] = 1 / runner.timing.summary.mean;
  if (std::optional<double> faster = report.speedupOf(runner))
    json["speedup"] = *faster;
  return json;
}

nlohmann::ordered_json subjectJson(const BenchReport &report, size_t position) {
  const Subject &subject = report.subjects[position];
  nlohmann::ordered_json json = {{"model", subject.model},
                                 {"model_bytes", subject.modelBytes},
                                 {"library_bytes", subject.libraryBytes},
                                 {"flops", subject.flops}};
  json["engines"] = nlohmann::ordered_json::array();
  for (const Runner &runner : report.runners)
    if (runner.subject == position)
      json["engines"].push_back(runnerJson(report, runner));
  for (size_t i = 0; i < subject.streams.size(); ++i)
    json["streams"].push_back({{"streams", report.streams[i]},
                               {"runs_per_s", subject.streams[i].rate()},
                               {"runs", subject.streams[i].runs}});
  if (subject.profile)
    for (const ThreadsProfile &run : subject.profile->runs)
      json["profiles"].push_back(profileJson(*subject.profile, run));
  return json;
}

} // namespace

std::optional<double> BenchReport::speedupOf(const Runner &runner) const {
  if (!runner.reference)
    return std::nullopt;
  return speedup(runners[*runner.reference].timing, runner.timing);
}

std::vector<std::vector<std::string>> BenchReport::rows() const {
  std::vector<std::vector<std::string>> rows = {{"engine", "file", "load", "first run", "memory",
                                                 "p50", "p90", "p99", "runs/s", "GFLOP/s",
                                                 "speedup"}};
  for (const Runner &runner : runners) {
    const Summary &s = runner.timing.summary;
    std::optional<double> faster = speedupOf(runner);
    rows.push_back({runner.name, bytesText(runner.bytes), formatSeconds(runner.load),
                    formatSeconds(runner.firstRun), bytesText(runner.memory), formatSeconds(s.p50),
                    formatSeconds(s.p90), formatSeconds(s.p99), fmt::format("{:.1f}", 1 / s.mean),
                    fmt::format("{:.1f}", subjects[runner.subject].flops / s.p50 / 1e9),
                    faster ? fmt::format("{:.2f}", *faster) : "-"});
  }
  if (subjects.size() == 1)
    return rows;
  rows.front().insert(rows.front().begin(), "model");
  for (size_t i = 0; i < runners.size(); ++i)
    rows[i + 1].insert(rows[i + 1].begin(),
                       fit(subjects[runners[i].subject].model, kNameWidth, Cut::Front));
  return rows;
}

std::string benchText(const BenchReport &report, size_t width) {
  std::string text = runnersText(report, width);
  for (const Subject &subject : report.subjects) {
    std::string more = streamsText(report, subject);
    if (subject.profile)
      for (const ThreadsProfile &run : subject.profile->runs)
        more += "\n" + profileText(*subject.profile, run, width);
    if (report.subjects.size() > 1 && !more.empty())
      text += fmt::format("\n{}\n", subject.model);
    text += more;
  }
  return text;
}

std::string benchJson(const BenchReport &report) {
  nlohmann::ordered_json json = {{"schema_version", kReportVersion}};
  for (size_t i = 0; i < report.subjects.size(); ++i)
    json["models"].push_back(subjectJson(report, i));
  return jsonText(json);
}

} // namespace cameo
