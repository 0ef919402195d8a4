// Links objects of generated code into a WebAssembly module that needs nothing of its engine. The
// module's memory, from address 0: the stack, the weights, everything else, the heap. As in ELF
// libraries the weights bypass LLVM and the linker, which leave their place free: a data segment
// for it is added to the finished module.
#pragma once

#include "codegen/Linker.h"
#include "ir/Program.h"

namespace cameo {

/// Where a module's weights are, a multiple of 64; the stack ends here, so that its overflow traps.
constexpr int64_t kWasmWeightsAddress = 1 << 20;

/// Links job.objects (`soname` and `entry` are not used) and appends the module with the program's
/// weights to `output`. An undefined symbol is our bug and an ICE.
Result<void> linkWasm(const LinkJob &job, const Program &program, OutputFile &output);

} // namespace cameo
