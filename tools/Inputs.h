// Inputs of a run: from .npy and .npz files by name, from a folder of ONNX test data by position,
// or random.
#pragma once

#include "bench/TestData.h"
#include "tools/Engine.h"

#include <map>

namespace cameo {

/// `x=f.npy`, `f.npy` for the only input, or `f.npz` with an array for each input by name.
Result<std::vector<RuntimeValue>> readInputFiles(const std::vector<std::string> &arguments,
                                                 const std::vector<EnginePort> &ports);

/// FOLDER/input_0.pb ... in the order of the model's inputs.
Result<std::vector<RuntimeValue>> readInputFolder(const std::string &folder,
                                                  const std::vector<EnginePort> &ports);

/// Random inputs: floats uniform in [0,1), integers small, and where the model uses them as indices
/// (`main` tells) within the indexed axis. Sizes still symbolic are taken from `dims` by name,
/// else 1. Errors on inputs of unknown rank and those that are not tensors.
Result<std::vector<RuntimeValue>>
randomInputs(Func &main, const std::map<std::string, int64_t> &dims, uint64_t seed);

std::vector<DataKind> dataKinds(const std::vector<EnginePort> &ports);

} // namespace cameo
