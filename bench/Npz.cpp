// Reading and writing .npz: a zip archive whose entries are .npy files. Entries are found through
// the central directory, so that archives with data descriptors or junk in front work too.
#include "bench/Npy.h"

#include <cstring>
#include <fmt/format.h>
#include <zlib.h>

namespace cameo {

namespace {

constexpr uint32_t localMagic = 0x04034b50, centralMagic = 0x02014b50, endMagic = 0x06054b50,
                   end64Magic = 0x06064b50, locator64Magic = 0x07064b50;
constexpr uint64_t wide32 = 0xFFFFFFFF;

/// Little-endian fields at offsets, 0 past the end (callers check what they read).
struct View {
  std::span<const std::byte> bytes;

  uint64_t field(size_t offset, size_t width) const {
    uint64_t value = 0;
    if (offset > bytes.size() || width > bytes.size() - offset)
      return 0;
    std::memcpy(&value, bytes.data() + offset, width);
    return value;
  }
  uint32_t u32(size_t offset) const { return static_cast<uint32_t>(field(offset, 4)); }
  uint16_t u16(size_t offset) const { return static_cast<uint16_t>(field(offset, 2)); }
  bool has(uint64_t offset, uint64_t size) const {
    return offset <= bytes.size() && size <= bytes.size() - offset;
  }
};

struct Entry {
  std::string name;
  int method = 0;
  uint64_t packed = 0, size = 0, header = 0;
};

/// Replaces fields that say "too big for 32 bits" by those of the zip64 extra block.
void readZip64(const View &extra, Entry &entry) {
  for (size_t at = 0; extra.has(at, 4); at += 4 + extra.u16(at + 2)) {
    if (extra.u16(at) != 1)
      continue;
    size_t next = at + 4;
    for (uint64_t *field : {&entry.size, &entry.packed, &entry.header})
      if (*field == wide32) {
        *field = extra.field(next, 8);
        next += 8;
      }
    return;
  }
}

/// Number of entries and offset of the central directory.
std::optional<std::pair<uint64_t, uint64_t>> findDirectory(const View &file) {
  constexpr size_t endSize = 22;
  if (file.bytes.size() < endSize)
    return std::nullopt;
  size_t last = file.bytes.size() - endSize;
  for (size_t at = last, steps = 0; steps <= 0xFFFF; --at, ++steps) {
    if (file.u32(at) == endMagic) {
      uint64_t count = file.u16(at + 10), offset = file.u32(at + 16);
      if (at >= 20 && file.u32(at - 20) == locator64Magic) {
        uint64_t end64 = file.field(at - 20 + 8, 8);
        if (!file.has(end64, 56) || file.u32(end64) != end64Magic)
          return std::nullopt;
        count = file.field(end64 + 32, 8);
        offset = file.field(end64 + 48, 8);
      }
      return std::pair(count, offset);
    }
    if (at == 0)
      break;
  }
  return std::nullopt;
}

std::optional<std::vector<Entry>> readDirectory(const View &file) {
  std::optional<std::pair<uint64_t, uint64_t>> directory = findDirectory(file);
  if (!directory)
    return std::nullopt;
  std::vector<Entry> entries;
  uint64_t at = directory->second;
  for (uint64_t i = 0; i < directory->first; ++i) {
    if (!file.has(at, 46) || file.u32(at) != centralMagic)
      return std::nullopt;
    uint64_t nameSize = file.u16(at + 28), extraSize = file.u16(at + 30);
    if (!file.has(at + 46, nameSize + extraSize))
      return std::nullopt;
    Entry entry;
    entry.name.assign(reinterpret_cast<const char *>(file.bytes.data() + at + 46), nameSize);
    entry.method = file.u16(at + 10);
    entry.packed = file.u32(at + 20);
    entry.size = file.u32(at + 24);
    entry.header = file.u32(at + 42);
    readZip64(View{file.bytes.subspan(at + 46 + nameSize, extraSize)}, entry);
    entries.push_back(std::move(entry));
    at += 46 + nameSize + extraSize + file.u16(at + 32);
  }
  return entries;
}

/// The deflated bytes unpacked to exactly `size`.
std::optional<std::vector<std::byte>> inflateBytes(std::span<const std::byte> packed,
                                                   uint64_t size) {
  // Deflate cannot expand by more than 1032 : 1 (zlib's technical notes).
  if (size / 1032 > packed.size() || packed.size() > UINT32_MAX || size > UINT32_MAX)
    return std::nullopt;
  std::vector<std::byte> out(size);
  z_stream stream = {};
  stream.next_in = reinterpret_cast<Bytef *>(const_cast<std::byte *>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef *>(out.data());
  stream.avail_out = static_cast<uInt>(size);
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    return std::nullopt;
  int status = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  if (status != Z_STREAM_END || stream.total_out != size)
    return std::nullopt;
  return out;
}

std::optional<std::vector<std::byte>> unpack(const View &file, const Entry &entry) {
  if (!file.has(entry.header, 30) || file.u32(entry.header) != localMagic)
    return std::nullopt;
  uint64_t data = entry.header + 30 + file.u16(entry.header + 26) + file.u16(entry.header + 28);
  if (!file.has(data, entry.packed))
    return std::nullopt;
  std::span<const std::byte> bytes = file.bytes.subspan(data, entry.packed);
  if (entry.method == Z_DEFLATED)
    return inflateBytes(bytes, entry.size);
  if (entry.method != 0 || entry.size != entry.packed)
    return std::nullopt;
  return std::vector<std::byte>(bytes.begin(), bytes.end());
}

void put(std::string &out, uint64_t value, int width) {
  for (int i = 0; i < width; ++i)
    out.push_back(static_cast<char>(value >> (8 * i) & 255));
}

/// The fields that local and central headers share: version to extra length.
void putCommon(std::string &out, uint32_t crc, uint64_t size, const std::string &name) {
  put(out, 20, 2);         // version needed: 2.0
  put(out, 0, 2);          // flags
  put(out, 0, 2);          // method: stored
  put(out, 0x00210000, 4); // 1980-01-01, so that equal arrays give equal files
  put(out, crc, 4);
  put(out, size, 4);
  put(out, size, 4);
  put(out, name.size(), 2);
  put(out, 0, 2); // extra
}

} // namespace

Result<std::vector<std::pair<std::string, Tensor>>> readNpz(const std::string &path) {
  std::vector<std::byte> bytes = TRY(readFile(path));
  View file{bytes};
  std::optional<std::vector<Entry>> entries = readDirectory(file);
  if (!entries)
    return badInput(fmt::format("{}: not a .npz file", path));
  std::vector<std::pair<std::string, Tensor>> arrays;
  for (const Entry &entry : *entries) {
    std::optional<std::vector<std::byte>> content = unpack(file, entry);
    if (!content)
      return badInput(fmt::format("{}: entry '{}' is damaged", path, entry.name));
    std::string name = entry.name;
    if (name.ends_with(".npy"))
      name.resize(name.size() - 4);
    arrays.emplace_back(name, TRY(parseNpy(*content, fmt::format("{}: {}", path, entry.name))));
  }
  return arrays;
}

Result<void> writeNpz(const std::string &path,
                      const std::vector<std::pair<std::string, Tensor>> &arrays) {
  std::string file, directory;
  for (const auto &[arrayName, array] : arrays) {
    std::string name = arrayName + ".npy";
    std::vector<std::byte> content = formatNpy(array);
    uint64_t offset = file.size();
    if (offset + content.size() >= wide32 || name.size() > 0xFFFF)
      return badInput(fmt::format("{}: arrays of 4 GB and more are not written to .npz", path));
    uint32_t crc = static_cast<uint32_t>(
        crc32_z(0, reinterpret_cast<const Bytef *>(content.data()), content.size()));
    put(file, localMagic, 4);
    putCommon(file, crc, content.size(), name);
    file += name;
    file.append(reinterpret_cast<const char *>(content.data()), content.size());
    put(directory, centralMagic, 4);
    put(directory, 20, 2); // made by 2.0
    putCommon(directory, crc, content.size(), name);
    directory.append(10, '\0'); // comment, disk, attributes
    put(directory, offset, 4);
    directory += name;
  }
  uint64_t start = file.size();
  file += directory;
  put(file, endMagic, 4);
  put(file, 0, 4); // disks
  put(file, arrays.size(), 2);
  put(file, arrays.size(), 2);
  put(file, directory.size(), 4);
  put(file, start, 4);
  put(file, 0, 2); // comment
  return writeFile(path, file);
}

} // namespace cameo
