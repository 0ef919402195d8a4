// See FileKind.h.
#include "frontend/FileKind.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace cameo {

namespace {

struct Signature {
  size_t offset;
  std::string_view bytes;
  const char *kind;
};

using namespace std::string_view_literals;

constexpr const char *pytorch =
    "a PyTorch checkpoint; 'cameo export' makes an ONNX model of one (docs/export.md)";

constexpr std::array<Signature, 10> signatures = {{
    {0,
     "\x7f"
     "ELF"sv,
     "a compiled library or program: 'cameo run' takes libraries, this needs the model"},
    {0, "\0asm"sv, "a WebAssembly module: this needs the model that it was made from"},
    {0, "\x89HDF\r\n"sv,
     "an HDF5 file, as Keras writes: tf2onnx makes ONNX models of Keras models"},
    {4, "TFL3"sv, "a TensorFlow Lite model: tf2onnx makes ONNX models of these"},
    {0, "\x1f\x8b"sv, "a gzip archive: unpack it first"},
    {0, "\x93NUMPY"sv, "an array of NumPy"},
    {0, "\x89PNG"sv, "an image"},
    {0, "\xff\xd8\xff"sv, "an image"},
    {8, "{\""sv,
     "a safetensors file, weights without a model; 'cameo export' makes an ONNX model of one "
     "(docs/export.md)"},
    {0, "PK\3\4"sv, "a zip archive: unpack it first"},
}};

bool isPyTorch(const std::filesystem::path &path, std::string_view head) {
  // Archives of torch.save begin with NAME/data.pkl, those of torch.jit and torch.export with a
  // file of the same folder; older versions wrote a pickle.
  std::string extension = path.extension().string();
  constexpr std::array<std::string_view, 4> extensions = {".pt", ".pth", ".pt2", ".ckpt"};
  bool named = std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
  bool archive = head.starts_with("PK\3\4");
  bool pickle = head.starts_with("\x80\2"sv) || head.starts_with("\x80\4"sv);
  return (named && (archive || pickle)) ||
         (archive && head.find("/data.pkl") != std::string_view::npos);
}

bool isText(std::string_view head) {
  return !head.empty() && std::all_of(head.begin(), head.end(), [](char c) {
    unsigned char byte = static_cast<unsigned char>(c);
    return byte >= 0x20 ? byte != 0x7f : c == '\n' || c == '\r' || c == '\t' || c == '\f';
  });
}

} // namespace

std::optional<std::string> otherFileKind(const std::filesystem::path &path,
                                         std::span<const std::byte> bytes) {
  constexpr size_t looked = 512;
  std::string_view head(reinterpret_cast<const char *>(bytes.data()),
                        std::min(looked, bytes.size()));
  if (isPyTorch(path, head))
    return pytorch;
  for (const Signature &signature : signatures)
    if (head.size() > signature.offset &&
        head.substr(signature.offset).starts_with(signature.bytes))
      return signature.kind;
  if (isText(head))
    return "a text file";
  return std::nullopt;
}

} // namespace cameo
