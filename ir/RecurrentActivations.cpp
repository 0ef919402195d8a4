// See RecurrentActivations.h.
#include "ir/RecurrentActivations.h"

#include <algorithm>

namespace cameo {
namespace {

/// How many parameters an activation takes, and their defaults in f32.
struct ActivationRow {
  const char *name;
  int takes;
  double alpha, beta;
};
constexpr ActivationRow kActivations[] = {
    {"sigmoid", 0, 0, 0},       {"tanh", 0, 0, 0},
    {"relu", 0, 0, 0},          {"softsign", 0, 0, 0},
    {"softplus", 0, 0, 0},      {"affine", 2, 1, 0},
    {"leakyrelu", 1, 0.01f, 0}, {"thresholdedrelu", 1, 1, 0},
    {"scaledtanh", 2, 1, 1},    {"hardsigmoid", 2, 0.2f, 0.5f},
    {"elu", 1, 1, 0},
};

/// Those of one direction when the node names none.
std::vector<std::string> defaultsOf(OpKind kind) {
  if (isLstm(kind))
    return {"Sigmoid", "Tanh", "Tanh"};
  if (kind == OpKind::GRU)
    return {"Sigmoid", "Tanh"};
  return {"Tanh"};
}

template <class T> std::vector<T> listOf(const Op &op, const char *name) {
  const Attr *attr = op.attrs.find(name);
  const auto *list = attr ? std::get_if<std::vector<T>>(attr) : nullptr;
  return list ? *list : std::vector<T>();
}

} // namespace

Result<std::vector<RecurrentActivation>> recurrentActivations(const Op &op, int64_t directions) {
  std::vector<std::string> names = listOf<std::string>(op, "activations"),
                           defaults = defaultsOf(op.kind());
  std::vector<double> alphas = listOf<double>(op, "activation_alpha"),
                      betas = listOf<double>(op, "activation_beta");
  size_t wanted = defaults.size() * directions;
  if (names.size() < defaults.size())
    names = defaults;
  while (names.size() < wanted)
    names.push_back(names[names.size() - defaults.size()]);
  names.resize(wanted);
  std::vector<RecurrentActivation> activations;
  size_t nextAlpha = 0, nextBeta = 0;
  for (std::string name : names) {
    std::transform(name.begin(), name.end(), name.begin(), ::tolower);
    auto row = std::find_if(std::begin(kActivations), std::end(kActivations),
                            [&](const ActivationRow &known) { return known.name == name; });
    if (row == std::end(kActivations))
      return badInput("there is no activation '" + name + "'");
    RecurrentActivation activation{name, row->alpha, row->beta};
    if (row->takes > 0 && nextAlpha < alphas.size())
      activation.alpha = alphas[nextAlpha++];
    if (row->takes > 1 && nextBeta < betas.size())
      activation.beta = betas[nextBeta++];
    activations.push_back(std::move(activation));
  }
  return activations;
}

} // namespace cameo
