// Builds small loop-level programs, emits them as shared libraries, and runs them through the
// public C API.
#pragma once

#include "codegen/Codegen.h"
#include "ir/Builder.h"
#include "runtime/include/cameo.h"

#include <gtest/gtest.h>
#include <memory>

namespace cameo::test {

/// A folder that is removed with its contents.
class TempFolder {
public:
  TempFolder();
  ~TempFolder();
  std::string path(const std::string &name) const { return path_ + "/" + name; }

private:
  std::string path_;
};

/// Appends loop-level ops; every function returns the op's value.
class LoopBuilder {
public:
  LoopBuilder(Module &module, Block &block) : b(module, block) {}

  Value *op(OpKind kind, std::vector<Value *> operands, Type result, AttrDict attrs = {});
  void effect(OpKind kind, std::vector<Value *> operands, AttrDict attrs = {});
  Value *index(int64_t value);
  Value *call(const std::string &callee, std::vector<Value *> args, Type result);
  Value *input(int64_t i, DType dtype);
  Value *output(int64_t i, DType dtype);
  Value *load(Type type, Value *pointer, Value *i, Value *mask = nullptr);
  void store(Value *value, Value *pointer, Value *i, Value *mask = nullptr);
  /// An op with one region, whose arguments have the given types; `body` builds it up to its yield.
  Op *region(OpKind kind, std::vector<Value *> operands, std::vector<Type> args,
             std::vector<Type> results, const std::function<std::vector<Value *>(Block &)> &body);

  Builder b;
};

AttrDict attr(const std::string &name, Attr value);

/// A loaded library.
class Library {
public:
  explicit Library(const std::string &path);
  ~Library();
  const cameo_model *model() const { return model_; }

private:
  void *handle_ = nullptr;
  const cameo_model *model_ = nullptr;
};

/// A context with as many threads as asked for.
class Context {
public:
  Context(const Library &library, int threads = 1);
  ~Context();
  int run(std::vector<cameo_value> &inputs, std::vector<cameo_value> &outputs);
  const char *error() const { return cameo_last_error(context_); }

private:
  cameo_context *context_ = nullptr;
};

/// A tensor value over the caller's memory.
cameo_value tensor(DType dtype, const void *data, std::vector<int64_t> &dims, int64_t bytes);

/// A program of rank-1 inputs and outputs of one symbolic size N, whose kernel handles elements
/// [begin, end): `body(builder, pointers of inputs and outputs, begin, end)`.
Program
rowProgram(std::vector<DType> inputs, std::vector<DType> outputs,
           const std::function<void(LoopBuilder &, std::vector<Value *>, Value *, Value *)> &body);

/// The same from text: `ops` are the ops of a loop over blocks of `lanes` elements, starting at %i,
/// with pointers %x0 ... and %y0 ...; N must be a multiple of `lanes`. `more` are further
/// functions.
Program textProgram(std::vector<DType> inputs, std::vector<DType> outputs, int64_t lanes,
                    const std::string &ops, const std::string &more = "");

/// "f32", or "vec<16xf32>" for more than one lane.
std::string typeText(DType dtype, int64_t lanes);

/// Adds to a program whose kernel is `kernel(pointers..., begin, end)` a team function that splits
/// N = dim 0 in units of one element, a main that runs it, and the functions of sizes.
void addDriver(Program &program, const std::string &kernel);

/// Emits for the target, loads, runs with `threads` threads and returns the outputs' bytes.
std::vector<std::vector<std::byte>> runRows(const Program &program, const Target &target,
                                            const std::vector<std::vector<std::byte>> &inputs,
                                            int64_t count, int threads = 1);

/// The same for a library, or wasm module, that has been made.
std::vector<std::vector<std::byte>> runLibrary(const Program &program, const Target &target,
                                               const std::string &path,
                                               const std::vector<std::vector<std::byte>> &inputs,
                                               int64_t count, int threads = 1);

template <class T> std::vector<std::byte> bytesOf(const std::vector<T> &values) {
  auto *bytes = reinterpret_cast<const std::byte *>(values.data());
  return {bytes, bytes + values.size() * sizeof(T)};
}
template <class T> std::vector<T> valuesOf(const std::vector<std::byte> &bytes) {
  auto *values = reinterpret_cast<const T *>(bytes.data());
  return {values, values + bytes.size() / sizeof(T)};
}

/// The target of a named CPU of any architecture.
Target targetOf(const std::string &cpu);

/// Whether tests of this target can run: on this machine, or with a compiler, a C library and an
/// emulator for it.
bool canRun(const Target &target);

} // namespace cameo::test
