// Writes the weights into a finished ELF file. They bypass LLVM and the linker, which see a
// reserved section without contents (kWeightsSection): appended behind everything else, with the
// headers patched to match, 3 GB take as long as copying them does.
#pragma once

#include "codegen/OutputFile.h"
#include "ir/Program.h"

namespace cameo {

/// Turns the reserved section (and in a shared library the segment around it) into the bytes of
/// program.weights. Does nothing when there are none. Memory: that of the largest blob.
Result<void> appendWeights(const Program &program, OutputFile &file);

} // namespace cameo
