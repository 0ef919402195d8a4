// What tells models of one name apart.
#pragma once

#include "codegen/Bundle.h"
#include "ir/Module.h"

#include <cstdint>

namespace cameo {

/// Of an imported model: its graph with the sizes that are fixed, and all its constants. Models
/// that compute something else, or have other inputs or outputs, differ in it.
uint64_t modelHash(const Module &module);

/// Of the models of a bundle, in order, with their names.
uint64_t bundleHash(const std::vector<BundleModel> &models);

} // namespace cameo
