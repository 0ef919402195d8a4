// See Checksum.h. The file is read back: headers are patched last, and weights never are in memory
// as a whole.
#include "codegen/Checksum.h"

#include "runtime/Checksum.h"

#include <algorithm>
#include <vector>

namespace cameo {

Result<uint64_t> checksumOf(const OutputFile &file, int64_t bytes) {
  std::vector<uint8_t> piece(1 << 20);
  static_assert((1 << 20) % CAMEO_CHECKSUM_BLOCK == 0);
  cameo_checksum sum = {};
  for (int64_t offset = 0; offset < bytes; offset += static_cast<int64_t>(piece.size())) {
    int64_t count = std::min<int64_t>(bytes - offset, static_cast<int64_t>(piece.size()));
    TRY(file.read(offset, piece.data(), count));
    cameo_checksum_add(&sum, piece.data(), count);
  }
  return cameo_checksum_end(&sum);
}

Result<void> appendChecksum(OutputFile &file) {
  uint64_t sum = TRY(checksumOf(file, TRY(file.size())));
  TRY(file.append(CAMEO_CHECKSUM_MAGIC));
  return file.append(&sum, sizeof sum);
}

} // namespace cameo
