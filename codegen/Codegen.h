// The last phase of the compiler: from loop-level functions to a file.
//
//   Program -> LLVM IR (FuncEmitter) + model object + runtime bitcode -> optimise -> object -> link
#pragma once

#include "ir/Program.h"
#include "ir/Target.h"

#include <string>

namespace cameo {

enum class OutputKind {
  SharedLibrary, // .so
  StaticLibrary, // .a
  Object,        // .o
  Assembly,
  LlvmIr,
};

struct EmitOptions {
  OutputKind kind = OutputKind::SharedLibrary;
  /// The entry function's name; characters outside C identifiers become `_`. "": the file's stem.
  std::string name;
  /// Writes the model's C header and cameo.h beside libraries and objects.
  bool header = true;
};

/// Writes the file at `path`, which appears whole or not at all. Errors: the file cannot be
/// written.
Result<void> emit(const Program &program, const Target &target, const EmitOptions &options,
                  const std::string &path);

/// A C identifier for a model: other characters become `_`, and words that C or the C library
/// keeps to itself get `_model` behind.
std::string modelIdentifier(const std::string &name);

} // namespace cameo
