// Ensembles of decision trees of ai.onnx.ml. All rows go down all trees at once, a level at a time:
// the nodes that they are at, [rows, trees], become the next ones by tables, and the leaves that
// they end in are rows of a table of weights.
#include "frontend/ExpandSteps.h"
#include "support/Text.h"

#include <algorithm>
#include <map>

namespace cameo {
namespace {

/// The nodes of all trees. Where a row may go from a node are places in these lists; a leaf leads
/// to itself.
struct Forest {
  std::vector<int64_t> roots, features, whenTrue, whenFalse;
  std::vector<double> thresholds;
  std::vector<int64_t> trees;      // of each node
  std::vector<bool> missingIsTrue; // by node; empty if it is for none
  std::vector<bool> isLeaf;
  std::string mode; // of all branches
  int64_t depth = 0;

  int64_t size() const { return std::ssize(features); }
};

using Places = std::map<std::pair<int64_t, int64_t>, int64_t>;

Result<void> takeModes(Upgrade &u, Forest &forest) {
  std::vector<std::string> modes = TRY(u.takeStrings("nodes_modes"));
  if (std::ssize(modes) != forest.size())
    return u.error("attributes 'nodes_*': expected lists of one length");
  for (const std::string &mode : modes) {
    forest.isLeaf.push_back(mode == "LEAF");
    if (mode == "LEAF" || mode == forest.mode)
      continue;
    if (!forest.mode.empty())
      return u.unsupported("branches of several modes are not supported");
    forest.mode = mode;
  }
  return {};
}

/// The most branches on a way from a root; an error if one does not end at a leaf.
Result<void> measureDepth(Upgrade &u, Forest &forest) {
  std::vector<std::pair<int64_t, int64_t>> ways;
  for (int64_t root : forest.roots)
    ways.emplace_back(root, 0);
  // A node has one way to it, so that there are no more ways than nodes.
  int64_t left = forest.size();
  while (!ways.empty()) {
    auto [node, depth] = ways.back();
    ways.pop_back();
    if (left-- == 0)
      return u.error("the branches of a tree come together or go round");
    forest.depth = std::max(forest.depth, depth);
    if (!forest.isLeaf[node]) {
      ways.emplace_back(forest.whenTrue[node], depth + 1);
      ways.emplace_back(forest.whenFalse[node], depth + 1);
    }
  }
  return {};
}

Result<Places> placesOf(Upgrade &u, Forest &forest) {
  std::vector<int64_t> numbers = TRY(u.takeInts("nodes_nodeids"));
  forest.trees = TRY(u.takeInts("nodes_treeids"));
  forest.features = TRY(u.takeInts("nodes_featureids"));
  forest.thresholds = TRY(u.takeFloats("nodes_values"));
  u.drop("nodes_hitrates");
  if (std::ssize(numbers) != forest.size() || std::ssize(forest.trees) != forest.size() ||
      std::ssize(forest.thresholds) != forest.size() || numbers.empty())
    return u.error("attributes 'nodes_*': expected lists of one length");
  Places places;
  for (int64_t i = 0; i < forest.size(); i++) {
    if (!places.emplace(std::pair(forest.trees[i], numbers[i]), i).second)
      return u.error("tree " + std::to_string(forest.trees[i]) + " has two nodes " +
                     std::to_string(numbers[i]));
    // The first node of a tree is its root.
    if (i == 0 || forest.trees[i] != forest.trees[i - 1])
      forest.roots.push_back(i);
  }
  return places;
}

/// Where rows go whose branch is true, or false.
Result<std::vector<int64_t>> takeBranches(Upgrade &u, const char *name, const Forest &forest,
                                          const Places &places) {
  std::vector<int64_t> numbers = TRY(u.takeInts(name)), next;
  if (std::ssize(numbers) != forest.size())
    return u.error("attributes 'nodes_*': expected lists of one length");
  for (int64_t i = 0; i < forest.size(); i++) {
    auto place = places.find({forest.trees[i], numbers[i]});
    if (!forest.isLeaf[i] && place == places.end())
      return u.error("tree " + std::to_string(forest.trees[i]) + " has no node " +
                     std::to_string(numbers[i]));
    next.push_back(forest.isLeaf[i] ? i : place->second);
  }
  return next;
}

Result<Places> takeForest(Upgrade &u, Forest &forest) {
  Places places = TRY(placesOf(u, forest));
  TRY(takeModes(u, forest));
  forest.whenTrue = TRY(takeBranches(u, "nodes_truenodeids", forest, places));
  forest.whenFalse = TRY(takeBranches(u, "nodes_falsenodeids", forest, places));
  std::vector<int64_t> missing = TRY(u.takeInts("nodes_missing_value_tracks_true"));
  if (!missing.empty() && std::ssize(missing) != forest.size())
    return u.error("attributes 'nodes_*': expected lists of one length");
  if (std::any_of(missing.begin(), missing.end(), [](int64_t tracks) { return tracks != 0; }))
    forest.missingIsTrue.assign(missing.begin(), missing.end());
  for (int64_t i = 0; i < forest.size(); i++) {
    if (forest.isLeaf[i])
      forest.features[i] = 0;
    else if (forest.features[i] < 0)
      return u.error("there is no feature " + std::to_string(forest.features[i]));
  }
  TRY(measureDepth(u, forest));
  return places;
}

/// Whether the branch at each node is true of the features that it looks at.
Result<Value *> isTrue(Upgrade &u, const Forest &forest, Value *features, Value *thresholds) {
  auto compared = [&](OpKind kind) { return u.emit(kind, {features, thresholds}); };
  if (forest.mode == "BRANCH_LEQ")
    return compared(OpKind::LessOrEqual);
  if (forest.mode == "BRANCH_LT")
    return compared(OpKind::Less);
  if (forest.mode == "BRANCH_GTE")
    return compared(OpKind::GreaterOrEqual);
  if (forest.mode == "BRANCH_GT")
    return compared(OpKind::Greater);
  if (forest.mode == "BRANCH_EQ")
    return compared(OpKind::Equal);
  if (forest.mode == "BRANCH_NEQ")
    return u.emit(OpKind::Not, {TRY(compared(OpKind::Equal))});
  return u.error("there is no mode " + quote(forest.mode) + " of branches");
}

/// The leaves that each row of x ends in, one a tree.
Result<Value *> leavesOf(Upgrade &u, const Forest &forest, Value *x) {
  Value *trees = u.ints({std::ssize(forest.roots)});
  Value *shape = TRY(
      u.emit(OpKind::Concat, {TRY(sizeOf(u, x, 0)), trees}, attributes({{"axis", int64_t{0}}})));
  Value *at = TRY(u.emit(OpKind::Expand, {u.ints(forest.roots), shape}));
  Value *features = u.ints(forest.features), *whenTrue = u.ints(forest.whenTrue),
        *whenFalse = u.ints(forest.whenFalse);
  Value *thresholds = floats(u, forest.thresholds, x->type.dtype());
  Value *missing = nullptr;
  if (!forest.missingIsTrue.empty()) {
    std::vector<int64_t> tracks(forest.missingIsTrue.begin(), forest.missingIsTrue.end());
    missing = TRY(u.cast(u.ints(tracks), DType::Bool));
  }
  for (int64_t level = 0; level < forest.depth; level++) {
    auto here = [&](Value *table) { return u.emit(OpKind::Gather, {table, at}); };
    Value *looked = TRY(u.emit(OpKind::GatherElements, {x, TRY(here(features))},
                               attributes({{"axis", int64_t{1}}})));
    Value *goes = TRY(isTrue(u, forest, looked, TRY(here(thresholds))));
    if (missing) {
      Value *isMissing = TRY(u.emit(OpKind::IsNaN, {looked}));
      Value *tracks = TRY(u.emit(OpKind::And, {isMissing, TRY(here(missing))}));
      goes = TRY(u.emit(OpKind::Or, {goes, tracks}));
    }
    at = TRY(u.emit(OpKind::Where, {goes, TRY(here(whenTrue)), TRY(here(whenFalse))}));
  }
  return at;
}

/// What leaves give to each of `count` targets: attributes PREFIX_treeids and so on.
struct Weights {
  int64_t count = 0;
  std::vector<double> values; // [nodes, targets]
  std::vector<bool> isGiven;
  std::vector<int64_t> targets; // that occur, in order
  bool arePositive = true;
};

Result<Weights> takeWeights(Upgrade &u, const std::string &prefix, int64_t count,
                            const Forest &forest, const Places &places) {
  auto ints = [&](const char *name) { return u.takeInts((prefix + name).c_str()); };
  std::vector<int64_t> trees = TRY(ints("_treeids")), nodes = TRY(ints("_nodeids")),
                       targets = TRY(ints("_ids"));
  std::vector<double> given = TRY(u.takeFloats((prefix + "_weights").c_str()));
  if (count < 1 || count > (int64_t{1} << 30) / forest.size())
    return u.error("expected a number of targets or classes, got " + std::to_string(count));
  Weights weights{count,
                  std::vector<double>(forest.size() * count),
                  std::vector<bool>(forest.size() * count),
                  {},
                  true};
  if (trees.size() != given.size() || nodes.size() != given.size() ||
      targets.size() != given.size())
    return u.error("attributes '" + prefix + "_*': expected lists of one length");
  for (size_t i = 0; i < given.size(); i++) {
    auto place = places.find({trees[i], nodes[i]});
    if (place == places.end() || targets[i] < 0 || targets[i] >= count)
      return u.error("there is no node " + std::to_string(nodes[i]) + " in tree " +
                     std::to_string(trees[i]) + ", or no target " + std::to_string(targets[i]));
    int64_t at = place->second * count + targets[i];
    weights.values[at] += given[i];
    weights.isGiven[at] = true;
    weights.arePositive &= given[i] >= 0;
    weights.targets.push_back(targets[i]);
  }
  std::sort(weights.targets.begin(), weights.targets.end());
  weights.targets.erase(std::unique(weights.targets.begin(), weights.targets.end()),
                        weights.targets.end());
  return weights;
}

/// Whether every leaf of some tree, or of every tree, has a weight for the target.
bool hasWeights(const Forest &forest, const Weights &weights, int64_t target, bool everyTree) {
  std::map<int64_t, bool> complete;
  for (int64_t i = 0; i < forest.size(); i++) {
    auto [tree, isNew] = complete.emplace(forest.trees[i], true);
    if (forest.isLeaf[i] && !weights.isGiven[i * weights.count + target])
      tree->second = false;
  }
  auto isComplete = [](const auto &tree) { return tree.second; };
  return everyTree ? std::all_of(complete.begin(), complete.end(), isComplete)
                   : std::any_of(complete.begin(), complete.end(), isComplete);
}

/// The weights of the leaves, [rows, trees, targets], over all trees.
Result<Value *> scoresOf(Upgrade &u, const Forest &forest, const Weights &weights,
                         OpKind aggregate) {
  Value *x = TRY(u.required(0));
  const Type &type = TRY(u.ranked(0));
  if (type.rank() != 2)
    return u.error("expected rows of features, got " + type.str());
  // Doubles are compared as doubles.
  x = TRY(u.cast(x, type.dtype() == DType::F64 ? DType::F64 : DType::F32));
  Value *table = TRY(
      u.emit(OpKind::Reshape, {floats(u, weights.values), u.ints({forest.size(), weights.count})}));
  Value *each = TRY(u.emit(OpKind::Gather, {table, TRY(leavesOf(u, forest, x))}));
  return u.emit(aggregate, {each, u.ints({1})}, attributes({{"keepdims", int64_t{0}}}));
}

/// The scores plus the attribute `base_values`, which counts for targets with a weight alone.
Result<Value *> withBase(Upgrade &u, const Forest &forest, const Weights &weights, Value *scores) {
  std::vector<double> base = TRY(u.takeFloats("base_values"));
  if (std::all_of(base.begin(), base.end(), [](double value) { return value == 0; }))
    return scores;
  if (std::ssize(base) != weights.count)
    return u.unsupported(std::to_string(base.size()) + " base values for " +
                         std::to_string(weights.count) + " scores are not supported");
  for (int64_t target = 0; target < weights.count; target++)
    if (!hasWeights(forest, weights, target, false))
      return u.unsupported("a base value of a target that some leaves have no weight for is not "
                           "supported");
  return u.emit(OpKind::Add, {scores, floats(u, base)});
}

Result<void> treeRegressor(Upgrade &u) {
  Forest forest;
  Places places = TRY(takeForest(u, forest));
  int64_t targets = TRY(u.takeInt("n_targets", 1));
  std::string aggregate = TRY(u.takeString("aggregate_function", "SUM"));
  std::string transform = TRY(u.takeString("post_transform", "NONE"));
  if (targets == 1 && transform != "NONE")
    return u.unsupported("attribute 'post_transform' of one target is not supported");
  Weights weights = TRY(takeWeights(u, "target", targets, forest, places));
  bool isSum = aggregate == "SUM" || aggregate == "AVERAGE";
  if (!isSum && aggregate != "MIN" && aggregate != "MAX")
    return u.error("attribute 'aggregate_function': expected SUM, AVERAGE, MIN or MAX, got " +
                   quote(aggregate));
  for (int64_t target = 0; target < targets && !isSum; target++)
    if (!hasWeights(forest, weights, target, true))
      return u.unsupported("the least or most of leaves without a weight is not supported");
  OpKind kind = aggregate == "SUM"       ? OpKind::ReduceSum
                : aggregate == "AVERAGE" ? OpKind::ReduceMean
                : aggregate == "MIN"     ? OpKind::ReduceMin
                                         : OpKind::ReduceMax;
  Value *scores = TRY(scoresOf(u, forest, weights, kind));
  scores = TRY(withBase(u, forest, weights, scores));
  u.node.results = {TRY(transformed(u, scores, transform))};
  return {};
}

Result<void> treeClassifier(Upgrade &u) {
  Forest forest;
  Places places = TRY(takeForest(u, forest));
  std::vector<int64_t> labels = TRY(takeClassLabels(u, "classlabels_int64s"));
  std::string transform = TRY(u.takeString("post_transform", "NONE"));
  Weights weights = TRY(takeWeights(u, "class", std::ssize(labels), forest, places));
  // One score decides between two classes.
  if (labels.size() == 2 && weights.targets == std::vector<int64_t>{0}) {
    Value *both = TRY(scoresOf(u, forest, weights, OpKind::ReduceSum));
    Value *score = TRY(u.emit(OpKind::Slice, {both, u.ints({0}), u.ints({1}), u.ints({1})}));
    bool mirrors = !weights.arePositive;
    return classifiedInTwo(u, score, labels, transform == "SOFTMAX" ? "NONE" : transform, mirrors,
                           mirrors ? 0 : 0.5);
  }
  if (labels.size() < 3)
    return u.unsupported("two classes with other scores than one for class 0 are not supported");
  for (int64_t target = 0; target < weights.count; target++)
    if (!hasWeights(forest, weights, target, false))
      return u.unsupported("a class that some leaves have no weight for is not supported");
  Value *scores = TRY(scoresOf(u, forest, weights, OpKind::ReduceSum));
  return classified(u, TRY(withBase(u, forest, weights, scores)), labels, transform);
}

constexpr Expansion kExpansions[] = {
    {"TreeEnsembleClassifier", treeClassifier, 1},
    {"TreeEnsembleRegressor", treeRegressor, 1},
};

} // namespace

std::span<const Expansion> treeExpansions() { return kExpansions; }

} // namespace cameo
