// Constants of a module in the shapes of structs in C (runtime/abi.h, runtime/include/).
#pragma once

#include "codegen/LlvmHeaders.h"
#include "ir/Result.h"

#include <algorithm>
#include <string>
#include <vector>

namespace cameo {

/// A member of a struct in C and its value.
struct Member {
  size_t offset; // in the compiler's own build
  llvm::Constant *value;
};
#define MEMBER(type, name, value)                                                                  \
  ::cameo::Member { offsetof(type, name), value }

class ConstantBuilder {
public:
  using Constants = std::vector<llvm::Constant *>;

  explicit ConstantBuilder(llvm::Module &module) : module_(module), b_(module.getContext()) {}

  llvm::Constant *number(int64_t value) { return b_.getInt64(value); }
  llvm::Constant *small(int64_t value) { return b_.getInt32(value); }
  llvm::Constant *null() { return llvm::ConstantPointerNull::get(b_.getPtrTy()); }
  llvm::Constant *text(const std::string &value) {
    return b_.CreateGlobalString(value, "text", 0, &module_);
  }
  llvm::Constant *global(llvm::Constant *value, const char *name);
  /// The struct that is T in C. Where the target's sizes are the compiler's, all members must be
  /// there.
  template <class T> llvm::Constant *structOf(std::vector<Member> members);
  /// T with its size in its member at `size`.
  template <class T> llvm::Constant *sizedStructOf(std::vector<Member> members, size_t size);
  /// A table of what has the type `element`; a null pointer for an empty one.
  llvm::Constant *array(llvm::Type *element, const Constants &values, const char *name);
  llvm::Constant *numbers(const std::vector<int64_t> &values, const char *name);
  /// A variable of the runtime's.
  llvm::Constant *runtimeVariable(const char *name, llvm::Type *type);

protected:
  llvm::Module &module_;
  llvm::IRBuilder<> b_;

private:
  void checkLayout(llvm::Constant *made, const std::vector<Member> &members, size_t size);
};

template <class T> llvm::Constant *ConstantBuilder::structOf(std::vector<Member> members) {
  std::sort(members.begin(), members.end(),
            [](const Member &a, const Member &b) { return a.offset < b.offset; });
  Constants values;
  for (const Member &member : members)
    values.push_back(member.value);
  llvm::Constant *made = llvm::ConstantStruct::getAnon(module_.getContext(), values);
  checkLayout(made, members, sizeof(T));
  return made;
}

template <class T>
llvm::Constant *ConstantBuilder::sizedStructOf(std::vector<Member> members, size_t size) {
  members.push_back({size, small(0)});
  llvm::Type *type = structOf<T>(members)->getType();
  members.back().value = small(module_.getDataLayout().getTypeAllocSize(type));
  return structOf<T>(members);
}

/// Emits the function that returns a library's constant, under both of its names (LibraryIdentity).
/// A wasm module exports it as `wasmExport`.
void emitEntry(llvm::Module &module, const std::string &name, const std::string &bound,
               llvm::Constant *result, const char *wasmExport);

} // namespace cameo
