// What a library says of itself, as JSON in a section of its file that nothing loads: it can be
// read where the library cannot run.
#pragma once

#include "ir/Program.h"
#include "ir/Target.h"

#include <nlohmann/json.hpp>

namespace llvm {
class Module;
}

namespace cameo {

struct LibraryIdentity;

/// A model as the library has it.
struct DescribedModel {
  std::string name;
  const Program *program;
};

/// The text: `entry`, `cpu`, `abi_version`, `weight_bytes`, and `models`, each with `name`,
/// `inputs`, `outputs`, `open_sizes` and `metadata`.
std::string describeLibrary(const std::vector<DescribedModel> &models, int64_t weightBytes,
                            const Target &target, const LibraryIdentity &identity);

/// Adds the section to what becomes an ELF library. Linkers keep it, and its address is 0.
void emitDescription(const std::string &text, llvm::Module &module);
/// The section as the end of a WebAssembly module has it.
std::string wasmDescription(const std::string &text);

/// What a library, for whatever target, says of itself. Errors if it says nothing.
Result<nlohmann::ordered_json> readDescription(const std::string &path);

} // namespace cameo
