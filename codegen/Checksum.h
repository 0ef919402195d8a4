// The checksum of what has been written (runtime/Checksum.h).
#pragma once

#include "support/OutputFile.h"

namespace cameo {

/// Of the first `bytes` bytes of a file.
Result<uint64_t> checksumOf(const OutputFile &file, int64_t bytes);

/// Ends a finished library with the checksum of all its bytes.
Result<void> appendChecksum(OutputFile &file);

} // namespace cameo
