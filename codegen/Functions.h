// The generated functions of a module: which there are, their signatures and attributes. What the
// runtime passes to a run's functions (runtime/abi.h) travels as hidden arguments, only to the
// functions that need it:
//
//   kind "main"              void (frame)
//   kind "sizes"             i32 (dims, fault)
//   kind "workspace"         i64 (dims, i32 threads)
//   kind "team"              void (frame, i32 thread, i32 threads)
//   all others               results (arguments..., [frame], [i32 thread, i32 threads])
//
// Called from "main", a function that asks for its thread is the only one of one.
#pragma once

#include "codegen/CodeParts.h"
#include "codegen/OpBuilder.h"
#include "ir/Module.h"

#include <map>

namespace cameo {

/// What all that call a generated function know of it.
struct FuncInterface {
  Func *func = nullptr;
  std::string symbol; // what profilers show
  std::string kind;
  bool frame = false, thread = false; // the hidden arguments
  std::vector<std::string> callees;
};
using FuncInterfaces = std::map<std::string, FuncInterface>; // by the loop-level function's name

FuncInterfaces interfacesOf(const Module &module);

/// A generated function in a module of LLVM's.
struct EmittedFunc {
  llvm::Function *function = nullptr;
  std::string kind;
  bool frame = false;
  bool thread = false;
};
using EmittedFuncs = std::map<std::string, EmittedFunc>; // by the loop-level function's name

/// Fields of cameo_frame, in order: X(name here, name there).
#define CAMEO_FRAME_FIELDS(X)                                                                      \
  X(Inputs, inputs)                                                                                \
  X(Outputs, outputs)                                                                              \
  X(Dims, dims)                                                                                    \
  X(Workspace, workspace)                                                                          \
  X(Weights, weights)                                                                              \
  X(Boxes, boxes)                                                                                  \
  X(Seed, seed)                                                                                    \
  X(Run, run)                                                                                      \
  X(Threads, threads)                                                                              \
  X(Failed, failed)

enum class FrameField {
#define X(field, member) field,
  CAMEO_FRAME_FIELDS(X)
#undef X
};
llvm::StructType *frameType(llvm::LLVMContext &context);

/// The struct of several results, the type of one, void for none.
llvm::Type *resultType(OpBuilder &builder, const std::vector<Type> &types);

/// Code generation for `target`, with vectors of its full width and without unwinding.
void setTargetAttributes(llvm::Function &function, const Target &target);

/// Says that a function is our own code and not the runtime's, which clang has optimised already.
void markGenerated(llvm::Function &function, const Target &target);
bool isGenerated(const llvm::Function &function);

/// Emits the functions of a part into `into`, and declares the others that it calls. Only reads the
/// loop-level functions: several threads may emit parts of them at once.
EmittedFuncs emitFuncs(const FuncInterfaces &interfaces, const CodePart &part, const Target &target,
                       llvm::Module &into);

} // namespace cameo
