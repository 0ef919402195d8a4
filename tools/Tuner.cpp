// See Tuner.h. All kernels of a model are tuned at once: round i compiles a library in which each
// kernel has its i-th candidate, and times its kernels beside those of a library without, in turns.
// So a round costs a compilation, and kernels are timed where they work, with the caches as the
// kernels before leave them.
#include "tools/Tuner.h"

#include "bench/Report.h"
#include "codegen/Target.h"
#include "ir/AttrText.h"
#include "lowering/plan/TunedPlans.h"
#include "lowering/program/ToLoops.h"
#include "tools/Command.h"
#include "tools/Inputs.h"
#include "tools/KernelTimes.h"
#include "tools/Options.h"
#include "tools/TuneCache.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <functional>
#include <numeric>
#include <set>

namespace cameo {

namespace {

// What a candidate must gain in its round, and the chosen ones together in the last one: smaller
// gains are chance.
constexpr double kGain = 0.98, kConfirmed = 0.995;
// Kernels that take less than this share of a run cannot be timed well, nor gained from.
constexpr double kLeastShare = 1e-3;
constexpr double kSlice = 0.15; // seconds that a library runs at a time
constexpr int kSlices = 2;

using KeyFn = std::function<std::string(const Op &)>;
using CandidatesFn = std::function<std::vector<AttrDict>(const PassContext &, Op &)>;

/// A model's kernels with some plans.
struct Planned {
  std::unique_ptr<Module> module;
  KernelPlan plan;

  std::vector<Op *> kernels() const { return kernelsOf(module->main()); }
};

/// The same compiled to time themselves.
struct Timed : Planned {
  std::unique_ptr<TemporaryFolder> folder;
  std::string library;
};

/// What a kernel may have instead of its plan, and the best of that so far.
struct Choice {
  std::vector<AttrDict> candidates;
  std::optional<size_t> best;
  double ratio = kGain;
};
using Choices = std::map<std::string, Choice>;

/// Seconds by the keys of kernels.
using Times = std::map<std::string, double>;

Times byKey(const Planned &planned, const std::vector<double> &seconds, const KeyFn &keyOf) {
  Times times;
  std::vector<Op *> kernels = planned.kernels();
  for (size_t i = 0; i < kernels.size(); ++i)
    times[keyOf(*kernels[i])] += seconds[i];
  return times;
}

/// `tile_rows 9 -> 7`: the attributes in which a plan differs from another.
std::string changesOf(const AttrDict &from, const AttrDict &to) {
  auto text = [](const AttrDict &attrs, const std::string &name) {
    const Attr *attr = attrs.find(name);
    const std::string *word = attr ? std::get_if<std::string>(attr) : nullptr;
    return word ? *word : attr ? attrText(*attr) : "default";
  };
  std::set<std::string> names;
  for (const AttrDict *attrs : {&from, &to})
    for (const auto &[name, value] : *attrs)
      names.insert(name);
  std::vector<std::string> changes;
  for (const std::string &name : names)
    if (text(from, name) != text(to, name))
      changes.push_back(fmt::format("{} {} -> {}", name, text(from, name), text(to, name)));
  return fmt::format("{}", fmt::join(changes, ", "));
}

class Tuner {
public:
  Tuner(const CompileRequest &request, PlanMap &plans, double seconds)
      : request_(request), plans_(plans), end_(now() + seconds) {}

  /// Adds what is faster to the plans; the report.
  Result<std::string> run();

private:
  /// Whether nothing better for a kernel, once all was tried, is worth keeping.
  enum class Kept { Faster, All };

  Result<Planned> planned(const PlanMap &plans) const;
  Result<Timed> timed(const PlanMap &plans) const;
  Result<std::pair<std::vector<double>, std::vector<double>>> compare(const Timed &one,
                                                                      const Timed &other) const;
  Result<void> tryRound(size_t round, const Timed &base, const KeyFn &keyOf, Choices &choices);
  Result<void> stage(const KeyFn &keyOf, const CandidatesFn &candidatesOf, Kept kept);
  Result<std::string> confirm(const PlanMap &untuned);

  const CompileRequest &request_;
  PlanMap &plans_;
  double end_;
  std::vector<RuntimeValue> inputs_;
  std::map<std::string, int64_t> sizes_;
  int rounds_ = 0;
};

Result<Planned> Tuner::planned(const PlanMap &plans) const {
  Planned planned;
  CompileRequest request = request_;
  request.plans = plans;
  planned.module = TRY(readModel(request.model, request.sizes));
  PassContext context = TRY(passContext(request));
  planned.plan = TRY(planKernels(*planned.module, std::move(context), sizes_));
  return planned;
}

Result<Timed> Tuner::timed(const PlanMap &plans) const {
  Timed timed{TRY(planned(plans)), TRY(TemporaryFolder::create()), ""};
  CompileRequest request = request_;
  request.plans = plans;
  request.profile = true;
  // What went wrong was reported.
  if (compileTemporary(request, *timed.folder, timed.library) != Fine)
    return badInput("--tune: a library with other plans could not be compiled");
  return timed;
}

/// Both in turns; of each kernel the shortest time.
Result<std::pair<std::vector<double>, std::vector<double>>>
Tuner::compare(const Timed &one, const Timed &other) const {
  std::pair<std::vector<double>, std::vector<double>> best;
  auto measure = [&](const Timed &timed, std::vector<double> &shortest) -> Result<void> {
    KernelTimes times = TRY(measureKernels(timed.library, {}, inputs_, timed.plan, kSlice));
    if (shortest.empty())
      shortest = times.kernels;
    for (size_t i = 0; i < shortest.size(); ++i)
      shortest[i] = std::min(shortest[i], times.kernels[i]);
    return {};
  };
  for (int slice = 0; slice < kSlices; ++slice) {
    TRY(measure(one, best.first));
    TRY(measure(other, best.second));
  }
  return best;
}

/// Gives each kernel its candidate of a number, if it has so many.
Result<void> Tuner::tryRound(size_t round, const Timed &base, const KeyFn &keyOf,
                             Choices &choices) {
  PlanMap plans = plans_;
  for (const auto &[key, choice] : choices)
    if (round < choice.candidates.size())
      plans[key] = choice.candidates[round];
  Timed other = TRY(timed(plans));
  auto seconds = TRY(compare(base, other));
  Times before = byKey(base, seconds.first, keyOf), after = byKey(other, seconds.second, keyOf);
  double all = std::accumulate(seconds.first.begin(), seconds.first.end(), 0.0);
  for (auto &[key, choice] : choices) {
    bool isTimed = before[key] > kLeastShare * all && after.contains(key);
    if (round >= choice.candidates.size() || !isTimed)
      continue;
    double ratio = after[key] / before[key];
    if (ratio < choice.ratio)
      choice.best = round, choice.ratio = ratio;
  }
  return {};
}

/// Tries what the kernels of the plans so far might have instead, and adds what is faster.
Result<void> Tuner::stage(const KeyFn &keyOf, const CandidatesFn &candidatesOf, Kept kept) {
  Choices choices;
  size_t rounds = 0, round = 0;
  Planned present = TRY(planned(plans_));
  PassContext context = TRY(passContext(request_));
  for (Op *op : present.kernels()) {
    std::string key = keyOf(*op);
    if (key.empty() || choices.contains(key) || request_.plans.contains(key))
      continue;
    Choice &choice = choices[key];
    choice.candidates = candidatesOf(context, *op);
    rounds = std::max(rounds, choice.candidates.size());
  }
  if (rounds > 0 && now() < end_) {
    Timed base = TRY(timed(plans_));
    for (; round < rounds && now() < end_; ++round, ++rounds_)
      TRY(tryRound(round, base, keyOf, choices));
  }
  for (auto &[key, choice] : choices) {
    if (choice.best)
      plans_[key] = choice.candidates[*choice.best];
    else if (kept == Kept::All && round == rounds)
      plans_.try_emplace(key); // as the planner has it
  }
  return {};
}

/// Times the plans against those that there were, and drops those that gain nothing.
Result<std::string> Tuner::confirm(const PlanMap &untuned) {
  Timed base = TRY(timed(untuned)), tuned = TRY(timed(plans_));
  auto seconds = TRY(compare(base, tuned));
  auto isNew = [&](const std::string &key) {
    auto plan = plans_.find(key);
    return plan != plans_.end() && !plan->second.empty() && !untuned.contains(key);
  };
  // Kernels of another algorithm have other keys.
  KeyFn keyOf = [&](const Op &op) {
    std::string algorithm = algorithmKey(op);
    return isNew(algorithm) ? algorithm : planKey(op);
  };
  Times before = byKey(base, seconds.first, keyOf), after = byKey(tuned, seconds.second, keyOf);
  // What the kernels had before: a plan, or where that has changed, an algorithm.
  PlanMap had;
  for (const Op *op : base.kernels()) {
    AttrDict algorithm;
    if (op->kind() == OpKind::KernelConv)
      algorithm.set("algorithm", op->attrs.getString("algorithm"));
    had[algorithmKey(*op)] = std::move(algorithm);
    if (std::string key = planKey(*op); !key.empty())
      had[key] = planAttributes(*op);
  }
  double all = std::accumulate(seconds.first.begin(), seconds.first.end(), 0.0), saved = 0;
  Table table({"before", "after", "gain %", "change", "kernel"});
  for (const auto &[key, now] : after) {
    if (!isNew(key))
      continue;
    double was = before[key];
    if (now > kConfirmed * was) {
      plans_[key] = {};
      continue;
    }
    saved += was - now;
    table.add({formatSeconds(was), formatSeconds(now), fmt::format("{:.1f}", 100 * (was / now - 1)),
               changesOf(had[key], plans_[key]), key});
  }
  return fmt::format("{}tuned in {}: kernels take {} instead of {}\n",
                     table.size() > 0 ? table.str() : "", plural(rounds_, "round"),
                     formatSeconds(all - saved), formatSeconds(all));
}

Result<std::string> Tuner::run() {
  std::unique_ptr<Module> module = TRY(readModel(request_.model, request_.sizes));
  sizes_ = TRY(importOptions(request_.sizes)).dims;
  inputs_ = TRY(randomInputs(module->main(), sizes_, 0));
  PlanMap untuned = plans_;
  TRY(stage(algorithmKey, otherAlgorithms, Kept::All));
  auto tiles = [](const PassContext &context, Op &op) { return otherTiles(context.target, op); };
  TRY(stage(planKey, tiles, Kept::Faster));
  auto units = [](const PassContext &, Op &op) { return otherUnits(op); };
  TRY(stage(planKey, units, Kept::All));
  if (rounds_ == 0)
    return std::string("tuned in 0 rounds: no plan was left to try\n");
  return confirm(untuned);
}

Result<std::string> tune(const TuneOptions &options, CompileRequest &request) {
  Target target = TRY(resolveTarget(request.target.target, request.target.cpu));
  TuneCache cache;
  if (!options.cache.empty())
    cache = TRY(TuneCache::read(options.cache, /*mustExist=*/!options.tune));
  PlanMap &known = cache.plansFor(target);
  request.plans = known;
  if (!options.tune && !options.cache.empty() && known.empty())
    reportNote(fmt::format("'{}' has no plans for {}", options.cache, TuneCache::cpuOf(target)));
  if (!options.tune)
    return std::string();
  TRY(checkRunsHere(target));
  std::string report = TRY(Tuner(request, known, options.seconds).run());
  request.plans = known;
  if (!options.cache.empty())
    TRY(cache.write(options.cache));
  return report;
}

} // namespace

void addTuneOptions(CLI::App &command, TuneOptions &options) {
  command.add_flag("--tune", options.tune,
                   "Time other plans of convolutions and products here, and use the fastest");
  command
      .add_option("--tune-cache", options.cache,
                  "Plans found before are used from here, and new ones kept")
      ->type_name("FILE");
  command.add_option("--tune-seconds", options.seconds, "Time after which tuning ends")
      ->type_name("SECONDS")
      ->capture_default_str()
      ->check(number(0.0, 1e6));
}

int tuneRequest(const TuneOptions &options, CompileRequest &request) {
  Result<std::string> tuned = tune(options, request);
  if (tuned)
    tell(*tuned);
  return exitStatus(tuned);
}

} // namespace cameo
