// See Verify.h.
#include "bench/Verify.h"

#include "runtime/Checksum.h"

#include <array>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <vector>

namespace cameo {

namespace {

/// What the last bytes of a file begin with, and how many there are. The checksum of all before
/// them follows the magic.
struct Trailer {
  const char *magic;
  int64_t bytes;
};
constexpr std::array<Trailer, 2> trailers = {
    {{CAMEO_CHECKSUM_MAGIC, CAMEO_CHECKSUM_TRAILER}, {"cameowts", 64}}};

Error unreadable(const std::string &path) {
  return badInput(fmt::format("{}: cannot read: {}", path, std::strerror(errno)));
}

Result<uint64_t> checksumOf(std::ifstream &file, int64_t size, const std::string &path) {
  static_assert((1 << 20) % CAMEO_CHECKSUM_BLOCK == 0);
  std::vector<char> piece(1 << 20);
  cameo_checksum sum = {};
  file.seekg(0);
  for (int64_t left = size; left > 0;) {
    int64_t bytes = std::min<int64_t>(left, static_cast<int64_t>(piece.size()));
    if (!file.read(piece.data(), bytes))
      return unreadable(path);
    cameo_checksum_add(&sum, reinterpret_cast<const uint8_t *>(piece.data()), bytes);
    left -= bytes;
  }
  return cameo_checksum_end(&sum);
}

} // namespace

Result<bool> verifyFile(const std::string &path) {
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed))
    return badInput(fmt::format("{}: {}", path, failed ? failed.message() : "expected a file"));
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  int64_t size = file ? static_cast<int64_t>(file.tellg()) : -1;
  if (size < 0)
    return unreadable(path);
  for (const Trailer &trailer : trailers) {
    std::array<char, 16> end = {};
    int64_t covered = size - trailer.bytes;
    if (covered < 0)
      continue;
    file.seekg(covered);
    if (!file.read(end.data(), end.size()))
      return unreadable(path);
    if (std::memcmp(end.data(), trailer.magic, 8) != 0)
      continue;
    uint64_t stated = 0;
    std::memcpy(&stated, end.data() + 8, sizeof stated);
    if (TRY(checksumOf(file, covered, path)) != stated)
      return badInput(
          fmt::format("{}: is damaged: its bytes do not have the checksum at its end", path));
    return true;
  }
  return false;
}

} // namespace cameo
