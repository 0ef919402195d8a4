// Reading and writing .npy. The header is a Python dictionary literal of three known keys, parsed
// here by a scanner for exactly that.
#include "bench/Npy.h"

#include "bench/HostTensor.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace cameo {

namespace {

constexpr std::string_view magic = "\x93NUMPY";

struct Header {
  std::string descr;
  bool fortran = false;
  std::vector<int64_t> dims;
};

/// A scanner over the dictionary literal; every method returns false at malformed text.
struct Scanner {
  std::string_view text;

  void space() {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\n' || text.front() == '\t'))
      text.remove_prefix(1);
  }
  bool eat(std::string_view token) {
    space();
    if (!text.starts_with(token))
      return false;
    text.remove_prefix(token.size());
    return true;
  }
  bool quoted(std::string &out) {
    space();
    if (text.empty() || (text.front() != '\'' && text.front() != '"'))
      return false;
    size_t end = text.find(text.front(), 1);
    if (end == std::string_view::npos)
      return false;
    out = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    return true;
  }
  bool number(int64_t &out) {
    space();
    size_t digits = 0;
    out = 0;
    for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits)
      if (__builtin_mul_overflow(out, 10, &out) ||
          __builtin_add_overflow(out, text[digits] - '0', &out))
        return false;
    text.remove_prefix(digits);
    return digits > 0;
  }
  bool tuple(std::vector<int64_t> &out) {
    if (!eat("("))
      return false;
    while (!eat(")")) {
      int64_t dim = 0;
      if (!number(dim) || out.size() >= 64)
        return false;
      out.push_back(dim);
      if (!eat(",")) // the last one
        return eat(")");
    }
    return true;
  }
  bool entry(Header &header, bool &haveDims) {
    std::string key;
    if (!quoted(key) || !eat(":"))
      return false;
    if (key == "descr")
      return quoted(header.descr);
    if (key == "shape")
      return haveDims = tuple(header.dims);
    if (key != "fortran_order")
      return false;
    header.fortran = eat("True");
    return header.fortran || eat("False");
  }
  bool dictionary(Header &header) {
    bool haveDims = false;
    if (!eat("{"))
      return false;
    while (!eat("}")) {
      if (!entry(header, haveDims))
        return false;
      if (!eat(",")) { // the last one
        if (!eat("}"))
          return false;
        break;
      }
    }
    return haveDims && !header.descr.empty();
  }
};

std::string descriptor(DType type) {
  const char *order = dtypeBytes(type) > 1 ? "<" : "|";
  return order + std::string(dtypeSpec(type).numpy);
}

void appendUtf8(std::string &out, uint32_t c) {
  auto put = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80)
    return put(c);
  if (c < 0x800)
    return put(0xC0 | c >> 6), put(0x80 | (c & 63));
  if (c < 0x10000)
    return put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63));
  put(0xF0 | (c >> 18 & 7)), put(0x80 | (c >> 12 & 63)), put(0x80 | (c >> 6 & 63));
  put(0x80 | (c & 63));
}

/// Code points of UTF-8; malformed bytes become U+FFFD.
std::vector<uint32_t> codePoints(std::string_view text) {
  std::vector<uint32_t> points;
  for (size_t i = 0; i < text.size();) {
    unsigned char lead = static_cast<unsigned char>(text[i]);
    size_t length = lead < 0x80       ? 1
                    : lead >> 5 == 6  ? 2
                    : lead >> 4 == 14 ? 3
                    : lead >> 3 == 30 ? 4
                                      : 0;
    uint32_t c = length == 1 ? lead : lead & (0x7Fu >> length);
    bool valid = length > 0 && i + length <= text.size();
    for (size_t k = 1; valid && k < length; ++k) {
      valid = (text[i + k] & 0xC0) == 0x80;
      c = c << 6 | (text[i + k] & 63);
    }
    points.push_back(valid ? c : 0xFFFD);
    i += valid ? length : 1;
  }
  return points;
}

void swapBytes(std::vector<std::byte> &bytes, size_t width) {
  for (size_t i = 0; i + width <= bytes.size(); i += width)
    std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(i),
                 bytes.begin() + static_cast<std::ptrdiff_t>(i + width));
}

/// Row-major copy of column-major elements of `width` bytes.
std::vector<std::byte> fromFortran(const std::vector<std::byte> &from,
                                   const std::vector<int64_t> &dims, size_t width) {
  std::vector<std::byte> to(from.size());
  std::vector<int64_t> index(dims.size(), 0), stride(dims.size(), 1);
  for (size_t d = 1; d < dims.size(); ++d)
    stride[d] = stride[d - 1] * dims[d - 1];
  int64_t source = 0;
  for (size_t offset = 0; offset < to.size(); offset += width) {
    std::memcpy(to.data() + offset, from.data() + static_cast<size_t>(source) * width, width);
    for (size_t d = dims.size(); d-- > 0;) {
      source += stride[d];
      if (++index[d] < dims[d])
        break;
      source -= stride[d] * dims[d];
      index[d] = 0;
    }
  }
  return to;
}

Tensor makeStrings(const std::vector<std::byte> &bytes, std::vector<int64_t> dims, int64_t count,
                   bool unicode, size_t width) {
  std::vector<std::string> strings;
  for (int64_t i = 0; i < count; ++i) {
    const std::byte *at = bytes.data() + static_cast<size_t>(i) * width;
    std::string text;
    if (!unicode) {
      text.assign(reinterpret_cast<const char *>(at), width);
      text.resize(text.find_last_not_of('\0') + 1);
    } else {
      for (size_t k = 0; k < width; k += 4) {
        uint32_t c = 0;
        std::memcpy(&c, at + k, 4);
        if (c == 0)
          break;
        appendUtf8(text, c);
      }
    }
    strings.push_back(std::move(text));
  }
  return Tensor::ofStrings(std::move(dims), std::move(strings));
}

/// What follows the magic: the header's text and where the elements start.
Result<std::pair<std::string_view, size_t>> headerText(std::span<const std::byte> file,
                                                       const std::string &name) {
  std::string_view text(reinterpret_cast<const char *>(file.data()), file.size());
  if (!text.starts_with(magic) || file.size() < 10)
    return badInput(fmt::format("{}: not a .npy file", name));
  int version = static_cast<int>(file[6]);
  if (version < 1 || version > 3)
    return badInput(fmt::format("{}: expected .npy format 1 to 3, got {}", name, version));
  size_t lengthBytes = version == 1 ? 2 : 4;
  size_t length = 0;
  for (size_t i = 0; i < lengthBytes && 8 + i < file.size(); ++i)
    length |= static_cast<size_t>(file[8 + i]) << (8 * i);
  size_t start = 8 + lengthBytes;
  if (start > file.size() || length > file.size() - start)
    return badInput(fmt::format("{}: the .npy header is cut off", name));
  return std::pair(text.substr(start, length), start + length);
}

} // namespace

Result<Tensor> parseNpy(std::span<const std::byte> file, const std::string &name,
                        std::optional<DType> as) {
  auto [text, start] = TRY(headerText(file, name));
  Header header;
  if (!Scanner{text}.dictionary(header))
    return badInput(fmt::format("{}: the .npy header is malformed", name));
  std::string_view descr = header.descr;
  bool bigEndian = descr.starts_with('>');
  if (descr.find_first_of("<>|=") == 0)
    descr.remove_prefix(1);
  bool unicode = descr.starts_with('U'), strings = unicode || descr.starts_with('S');
  std::optional<DType> type = strings ? DType::String : dtypeFromNumpy(descr);
  if (!type)
    return badInput(fmt::format("{}: element type '{}' is not supported", name, header.descr));
  int64_t width = dtypeBytes(*type);
  if (strings && (!Scanner{descr.substr(1)}.number(width) || width > INT32_MAX))
    return badInput(fmt::format("{}: the .npy header is malformed", name));
  width *= unicode ? 4 : 1;

  std::optional<int64_t> count = checkedNumElements(header.dims);
  int64_t size = 0;
  if (!count || __builtin_mul_overflow(*count, width, &size) ||
      static_cast<uint64_t>(size) > file.size() - start)
    return badInput(fmt::format("{}: the file is shorter than its shape says", name));
  // Strings of no width could be of any number.
  if (strings && *count > static_cast<int64_t>(file.size()))
    return badInput(fmt::format("{}: the file is shorter than its shape says", name));
  std::vector<std::byte> bytes(file.begin() + static_cast<std::ptrdiff_t>(start),
                               file.begin() + static_cast<std::ptrdiff_t>(start) + size);
  if (bigEndian)
    swapBytes(bytes, strings ? 4 : static_cast<size_t>(width));
  if (header.fortran && size > 0)
    bytes = fromFortran(bytes, header.dims, static_cast<size_t>(width));
  if (as && type == numpyType(*as))
    type = as;
  if (as && type != as)
    return badInput(fmt::format("{}: expected {}, got {}", name, dtypeName(*as), dtypeName(*type)));
  if (strings)
    return makeStrings(bytes, header.dims, *count, unicode, static_cast<size_t>(width));
  return makeTensor(*type, header.dims, std::move(bytes));
}

Result<Tensor> readNpy(const std::string &path, std::optional<DType> as) {
  std::vector<std::byte> bytes = TRY(readFile(path));
  return parseNpy(bytes, path, as);
}

std::vector<std::byte> formatNpy(const Tensor &array) {
  std::string descr = descriptor(array.dtype);
  std::string payload;
  if (array.dtype == DType::String) {
    size_t width = 1; // NumPy has no zero-width strings in files it writes itself
    std::vector<std::vector<uint32_t>> rows;
    for (const std::string &text : *array.strings) {
      rows.push_back(codePoints(text));
      width = std::max(width, rows.back().size());
    }
    descr = fmt::format("<U{}", width);
    for (std::vector<uint32_t> &row : rows) {
      row.resize(width, 0);
      payload.append(reinterpret_cast<const char *>(row.data()), width * 4);
    }
  } else {
    payload.assign(reinterpret_cast<const char *>(array.data()),
                   static_cast<size_t>(array.numBytes()));
  }
  std::string dims;
  for (int64_t dim : array.dims)
    dims += fmt::format("{}{}", dim, array.dims.size() == 1 ? "," : ", ");
  if (array.dims.size() > 1)
    dims.resize(dims.size() - 2);
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr, dims);
  // Elements start at a multiple of 64; the header ends in a newline.
  header.append((64 - (10 + header.size() + 1) % 64) % 64, ' ');
  header += '\n';
  std::string file(magic);
  file += std::string("\x01\x00", 2);
  file += static_cast<char>(header.size() & 255);
  file += static_cast<char>(header.size() >> 8);
  file += header + payload;
  auto bytes = std::as_bytes(std::span(file));
  return {bytes.begin(), bytes.end()};
}

Result<void> writeNpy(const std::string &path, const Tensor &array) {
  return writeFile(path, formatNpy(array));
}

} // namespace cameo
