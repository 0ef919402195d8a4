// The constant that a generated library is to the outside: cameo_model and all it points to, in the
// shapes of runtime/abi.h and runtime/include/cameo.h.
#pragma once

#include "codegen/Functions.h"
#include "ir/Program.h"

#include <nlohmann/json.hpp>

namespace cameo {

/// What a library is called, where its weights are, and who made it.
struct LibraryIdentity {
  std::string name;        // the entry function
  std::string bound;       // its other name, which only this model has (Names.h)
  std::string weightsFile; // the file beside, "" when the weights are in the library
  uint64_t weightsId = 0;
  nlohmann::ordered_json madeBy = nlohmann::ordered_json::object(); // as in EmitOptions
};

/// Emits the model object alone; `funcs` has its functions of kinds "main", "sizes" and
/// "workspace". Weights in the library are a reserved section of zeros, kWeightsSection, that is
/// filled in after linking and that all models of a library have in common.
llvm::Constant *emitModelObject(const Program &program, const Target &target,
                                const EmittedFuncs &funcs, const LibraryIdentity &options,
                                llvm::Module &module);

/// Emits the model object and the entry function.
void emitModel(const Program &program, const Target &target, const EmittedFuncs &funcs,
               const LibraryIdentity &options, llvm::Module &module);

/// How the importer marks the metadata_props of the model's file (Importer.h).
constexpr std::string_view kOwnProperty = "property.";

constexpr const char *kWeightsSection = ".cameo_weights";
/// Readable bytes behind the last weight.
constexpr int64_t kWeightsSlack = 64;

/// What the model's file says of itself, and how the library is made.
nlohmann::ordered_json modelMetadata(const Program &program, const Target &target,
                                     const LibraryIdentity &identity);

/// A name for each entry of the table of sizes that the ports mention, "" for the others. Symbols
/// of inputs have their names, others the first that an output has for them.
std::vector<std::string> dimNames(const Program &program);

} // namespace cameo
