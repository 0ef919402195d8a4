// Writes the weights into a finished ELF file, or a file of their own. They bypass LLVM and the
// linker, which see a reserved section without contents (kWeightsSection): appended behind
// everything else, with the headers patched to match, 3 GB take as long as copying them does.
// Memory is that of a panel of the largest weights, or 1 MiB if that is more, and of some huge
// pages, a thread.
#pragma once

#include "ir/Program.h"
#include "support/OutputFile.h"

namespace cameo {

/// Appends the blobs in order with zeros between and behind them, program.weightBytes in all.
/// Threads make parts of them at once, and write huge pages: the loader maps what is written at
/// once as a huge page where it can (ext4 since Linux 6.16, XFS).
Result<void> appendBlobs(const Program &program, OutputFile &file);

/// Turns the reserved section (and in a shared library the segment around it) of the ELF file that
/// begins at `start` and ends with the file into the bytes of program.weights.
Result<void> appendWeights(const Program &program, OutputFile &file, int64_t start = 0);

/// The same for the object that is the last member of an archive.
Result<void> appendWeightsToArchive(const Program &program, OutputFile &file);

/// Writes the weights with the trailer that the runtime checks (runtime/abi.h); returns their id,
/// which is their checksum.
Result<uint64_t> writeWeightsFile(const Program &program, OutputFile &file);

} // namespace cameo
