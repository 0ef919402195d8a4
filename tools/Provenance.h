// What a library says of how it was made: the member `cameo` of its metadata, which compiling
// writes and the commands that take a model and its library read (docs/inspect.md).
#pragma once

#include "runtime/include/cameo.h"
#include "tools/Compiler.h"

#include <nlohmann/json.hpp>

namespace cameo {

/// Version and options, but for the target, which is added when code is made.
nlohmann::ordered_json provenanceOf(const CompileRequest &request);

/// The metadata of a loaded model. An object, also where the text is none.
nlohmann::ordered_json metadataOf(const cameo_model &model);

/// Sets the options that decide what a library computes as its metadata has them: its precision,
/// and sizes and shapes, to which those of `request` are added.
void adoptProvenance(const cameo_model &model, CompileRequest &request);

} // namespace cameo
