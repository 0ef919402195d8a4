// See TuneCache.h.
#include "tools/TuneCache.h"

#include "ir/AttrText.h"
#include "support/File.h"
#include "support/Text.h"

#include <filesystem>
#include <fmt/format.h>

namespace cameo {

namespace {

constexpr std::string_view kFirstLine = "cameo plans 1";
constexpr std::string_view kCpu = "cpu ", kBetween = " = ";

Result<AttrDict> readPlan(std::string_view text) {
  Lexer lexer(text, "plan");
  NamedConsts consts;
  TRY(lexer.expect("{"));
  AttrDict plan = TRY(readAttrs(lexer, consts));
  if (!lexer.atEnd())
    return lexer.error("expected the end of the line");
  return plan;
}

} // namespace

std::string TuneCache::cpuOf(const Target &target) {
  return target.cpu + (target.tuneCpu.empty() ? "" : " " + target.tuneCpu);
}

Result<TuneCache> TuneCache::read(const std::string &path, bool mustExist) {
  TuneCache cache;
  std::error_code ignored;
  if (!mustExist && !std::filesystem::exists(path, ignored))
    return cache;
  std::vector<std::byte> bytes = TRY(readFile(path));
  std::string_view text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  if (text.substr(0, text.find('\n')) != kFirstLine)
    return badInput(fmt::format("'{}': expected the first line '{}'", path, kFirstLine));
  PlanMap *plans = nullptr;
  for (int64_t number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    auto wrong = [&](const std::string &what) {
      return badInput(
          fmt::format("'{}', line {}: {}, got '{}'", path, number, what, printable(line)));
    };
    if (number == 1 || line.empty() || line.front() == '#')
      continue;
    if (line.starts_with(kCpu)) {
      plans = &cache.plans_[std::string(line.substr(kCpu.size()))];
      continue;
    }
    size_t between = line.find(kBetween);
    if (!plans || between == std::string_view::npos)
      return wrong("expected a line 'cpu NAME', and lines 'KERNEL = {...}' behind it");
    Result<AttrDict> plan = readPlan(line.substr(between + kBetween.size()));
    if (!plan)
      return wrong(plan.error().message);
    (*plans)[std::string(line.substr(0, between))] = std::move(*plan);
  }
  return cache;
}

Result<void> TuneCache::write(const std::string &path) const {
  std::string text = std::string(kFirstLine) + "\n";
  for (const auto &[cpu, plans] : plans_) {
    text += fmt::format("\n{}{}\n", kCpu, cpu);
    for (const auto &[kernel, plan] : plans)
      text += fmt::format("{}{}{}\n", kernel, kBetween, attrsText(plan));
  }
  return writeFile(path, text);
}

} // namespace cameo
