// The activations of RNN, GRU and LSTM, which nodes name in attributes.
#pragma once

#include "ir/Op.h"
#include "ir/Result.h"

#include <string>
#include <vector>

namespace cameo {

inline bool isLstm(OpKind kind) {
  return kind == OpKind::LSTM || kind == OpKind::DynamicQuantizeLSTM;
}

struct RecurrentActivation {
  std::string name; // in lower case
  double alpha = 0, beta = 0;
};

/// The activations of all directions of a recurrent op, one direction after another: three a
/// direction for LSTM, two for GRU, one for RNN. The attributes activation_alpha and
/// activation_beta have entries for those activations alone that take them, in order. Source: the
/// ONNX operators' documentation. Errors: an unknown name.
Result<std::vector<RecurrentActivation>> recurrentActivations(const Op &op, int64_t directions);

} // namespace cameo
