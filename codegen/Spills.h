// What LLVM keeps on the stack for want of registers. Plans count registers; this counts what has
// become of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace llvm {
class FunctionPass;
} // namespace llvm

namespace cameo {

/// Metadata of the branch that ends a loop of multiply-adds: what plans have register tiles for.
inline constexpr const char *kProductsLoop = "cameo.products";

/// A generated function whose loops of multiply-adds move vectors to or from the stack, loops
/// inside them left out.
struct Spill {
  std::string function;   // the symbol
  int64_t references = 0; // instructions
  std::string node = {};  // of the model, for which it was first written; "" where nothing says so
};

/// A pass over machine code with registers and a stack frame, which adds such functions to
/// `spills`.
llvm::FunctionPass *createCountSpills(std::vector<Spill> &spills);

} // namespace cameo
