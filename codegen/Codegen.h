// The last phase of the compiler: from loop-level functions to a file.
//
//   Program -> LLVM IR (FuncEmitter) + model object + runtime bitcode -> optimise -> object -> link
#pragma once

#include "codegen/Bundle.h"
#include "codegen/Spills.h"
#include "ir/Program.h"
#include "ir/Target.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace cameo {

enum class OutputKind {
  SharedLibrary, // .so
  StaticLibrary, // .a
  Object,        // .o
  Assembly,
  LlvmIr,
  Header,     // the headers or the loader that go beside a library
  WasmModule, // .wasm, what there is instead of libraries and objects for wasm32
};

struct EmitOptions {
  OutputKind kind = OutputKind::SharedLibrary;
  /// The entry function's name; characters outside C identifiers become `_`. "": the file's stem,
  /// without a leading "lib" for static libraries.
  std::string name;
  /// What tells the model from others of its name (ModelHash.h).
  uint64_t modelHash = 0;
  /// Who compiles, and with which options: members of `cameo` in the metadata, beside the target.
  nlohmann::ordered_json madeBy = nlohmann::ordered_json::object();
  /// Beside libraries and objects: the model's C header (the file's name with .h) and cameo.h;
  /// beside a wasm module the model's module of JavaScript and cameo.mjs, with their types; with
  /// `ops` cameo_op.h as well. A model called cameo leaves these names to them, and has m_cameo.h.
  bool header = true;
  /// Weights of objects and static libraries that are larger than this go to a file beside.
  int64_t maxStaticWeights = int64_t{1} << 30;
  /// Static libraries with the functions of Custom ops, linked into shared libraries. Objects and
  /// static libraries leave them undefined.
  std::vector<std::string> ops;
  /// Write nothing where register tiles spill: they are to be planned again.
  bool refusesSpills = false;
};

/// Writes the file at `path`; files appear whole or not at all. An object or static library with
/// too large weights has them in a file beside, `path` with the extension .weights, which the
/// program that links it finds in its own folder or by cameo_options.weights_path. Returns the
/// register tiles that spill, if there is machine code. Errors: a file cannot be written; the
/// target has no such kind of file, or too few addresses for the model.
Result<std::vector<Spill>> emit(const Program &program, const Target &target,
                                const EmitOptions &options, const std::string &path);

/// The same for a bundle, which is named and hashed as a model is; its header declares the bundle,
/// and cameo_bundle.h is beside it as well.
Result<void> emit(const Bundle &bundle, const Target &target, const EmitOptions &options,
                  const std::string &path);

} // namespace cameo
