// The types of a model's values as ONNX writes them: for models that are parts of others.
#pragma once

#include "frontend/ModelFile.h"

#include <map>
#include <string>

namespace cameo {

/// Types of the main graph's values by name: inferred as far as Cameo can import the model, else
/// declared. Values of neither are left out.
std::map<std::string, onnx::TypeProto> valueTypes(const ModelFile &file);

} // namespace cameo
