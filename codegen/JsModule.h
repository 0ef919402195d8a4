// What goes beside a wasm module for JavaScript and TypeScript, together with cameo.mjs.
#pragma once

#include "ir/Program.h"

namespace cameo {

/// The module `stem`.mjs, whose load() loads the file `wasm` from its own folder.
std::string jsModule(const std::string &name, const std::string &stem, const std::string &wasm);

/// The types of that module: the model's inputs and outputs by name, with their element types and
/// dims.
std::string jsTypes(const Program &program, const std::string &name);

} // namespace cameo
