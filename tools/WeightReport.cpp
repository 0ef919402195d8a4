// See WeightReport.h.
#include "tools/WeightReport.h"

#include <algorithm>
#include <fmt/format.h>

namespace cameo {

namespace {

/// What a setting makes of a model, or what the model has.
struct Outcome {
  int64_t bytes;
  double cycles;
};

Outcome outcomeOf(const WeightBudget &budget) {
  return {budget.modelBytes() + budget.addedBytes(), budget.cycles()};
}

Outcome outcomeOf(WeightBudget budget, Optimize optimize) {
  budget.choose(optimize);
  return outcomeOf(budget);
}

/// Those whose algorithms differ in the weights that they store.
bool hasChoice(const LayerCosts &layer) { return layer.costs.size() > 1; }

bool isForSize(const LayerCosts &layer) { return layer.chosen + 1 < layer.costs.size(); }

std::string nameOf(const AlgorithmCost &cost) {
  return std::string(wordOf(cost.algorithm)) + (cost.pieces > 1 ? " in pieces" : "");
}

/// Layers that have a choice, the largest first.
std::vector<const LayerCosts *> choicesOf(const WeightBudget &budget) {
  std::vector<const LayerCosts *> choices;
  for (const LayerCosts &layer : budget.layers())
    if (hasChoice(layer))
      choices.push_back(&layer);
  std::stable_sort(choices.begin(), choices.end(), [](const LayerCosts *a, const LayerCosts *b) {
    return a->choice().weightBytes > b->choice().weightBytes;
  });
  return choices;
}

constexpr Optimize kSettings[] = {Optimize::Speed, Optimize::Balanced, Optimize::Size};

} // namespace

std::string weightSummary(WeightBudget budget) {
  budget.takeFromOps();
  int64_t count = std::count_if(budget.layers().begin(), budget.layers().end(), isForSize);
  if (count == 0)
    return "";
  Outcome now = outcomeOf(budget), fastest = outcomeOf(budget, Optimize::Speed);
  return fmt::format(
      "{} layer{} smaller weights than the fastest algorithm: {} instead of "
      "{}, for {:.2f} times the estimated time (--optimize speed: all the fastest)\n",
      count, count == 1 ? " has" : "s have", formatBytes(now.bytes), formatBytes(fastest.bytes),
      now.cycles / fastest.cycles);
}

std::string weightText(WeightBudget budget) {
  budget.takeFromOps();
  Table choices({"weights", "direct", "time", "algorithm", "nodes"});
  for (const LayerCosts *layer : choicesOf(budget)) {
    const AlgorithmCost &direct = layer->costs.front(), &own = layer->choice();
    choices.add({formatBytes(own.weightBytes), formatBytes(direct.weightBytes),
                 fmt::format("{:.2f}", own.cycles / direct.cycles), nameOf(own),
                 layer->op->loc.str()});
  }
  if (choices.size() == 0)
    return "";
  Table settings({"--optimize", "weights", "of the model's", "time"});
  double fastest = outcomeOf(budget, Optimize::Speed).cycles;
  for (Optimize setting : kSettings) {
    Outcome outcome = outcomeOf(budget, setting);
    settings.add({std::string(wordOf(setting)), formatBytes(outcome.bytes),
                  fmt::format("{:.2f}", static_cast<double>(outcome.bytes) /
                                            static_cast<double>(budget.modelBytes())),
                  fmt::format("{:.2f}", outcome.cycles / fastest)});
  }
  return fmt::format(
      "Layers with a choice of weights; times are estimates, of the direct algorithm's "
      "in f32:\n{}\nWhat the model would be, of the fastest's estimated time:\n{}",
      choices.str(), settings.str());
}

nlohmann::ordered_json weightJson(WeightBudget budget) {
  budget.takeFromOps();
  nlohmann::ordered_json json = {{"model_bytes", budget.modelBytes()},
                                 {"weight_bytes", outcomeOf(budget).bytes},
                                 {"settings", nlohmann::ordered_json::array()},
                                 {"layers", nlohmann::ordered_json::array()}};
  for (Optimize setting : kSettings) {
    Outcome outcome = outcomeOf(budget, setting);
    json["settings"].push_back({{"optimize", wordOf(setting)},
                                {"weight_bytes", outcome.bytes},
                                {"estimated_cycles", outcome.cycles}});
  }
  for (const LayerCosts *layer : choicesOf(budget)) {
    nlohmann::ordered_json row = {{"nodes", layer->op->loc.str()},
                                  {"algorithm", wordOf(layer->choice().algorithm)},
                                  {"pieces", layer->choice().pieces},
                                  {"algorithms", nlohmann::ordered_json::array()}};
    for (const AlgorithmCost &cost : layer->costs)
      row["algorithms"].push_back({{"algorithm", wordOf(cost.algorithm)},
                                   {"pieces", cost.pieces},
                                   {"weight_bytes", cost.weightBytes},
                                   {"estimated_cycles", cost.cycles}});
    json["layers"].push_back(std::move(row));
  }
  return json;
}

} // namespace cameo
