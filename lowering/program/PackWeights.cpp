// See PackWeights.h. Any weights are read through strides, so a transposed matrix (Gemm's transB)
// costs nothing extra.
#include "lowering/program/PackWeights.h"

#include "ir/Half.h"
#include "ir/kernel/Contraction.h"
#include "ir/kernel/KernelSpec.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/emit/KernelFunc.h"
#include "lowering/emit/WinogradTransform.h"
#include "lowering/plan/Packing.h"
#include "lowering/plan/Winograd.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <numeric>

namespace cameo {
namespace {

struct Packer {
  PackAttrs attrs;
  ConstRef data;
  DType packedDType;
  std::vector<int64_t> dims, strides; // of the plain weights, in elements
  int64_t offset;
  int64_t panels;     // of a group or batch
  int64_t panelBytes; // of a panel, or of a tap of a depthwise convolution

  /// A panel or tap, by its number.
  void part(std::byte *to, int64_t number) const;

private:
  void convPanel(std::byte *to, int64_t group, int64_t panel) const;
  void gemmPanel(std::byte *to, int64_t batch, int64_t panel) const;
  void winogradPanel(std::byte *to, int64_t panel) const;
  void depthwiseTap(std::byte *to, int64_t tap) const;
  /// Elements of plain weights that become a tap of a panel: `at + k * kStride + l * nStride`.
  struct Source {
    int64_t at, depth, kStride, width, nStride;
  };
  std::byte *panel(std::byte *to, const Source &source, int64_t pieceBytes) const;
  template <class T, class Store>
  std::byte *typedPanel(std::byte *to, const Source &source, T padding, Store store) const;
  template <class T> std::byte *copyPanel(std::byte *to, const Source &source) const;
  std::byte *bfloatPanel(std::byte *to, const Source &source, int64_t pieceBytes) const;

  /// Weights are [O][I/g][taps...]; the taps are contiguous among themselves.
  int64_t taps() const {
    return std::accumulate(dims.begin() + 2, dims.end(), int64_t{1}, std::multiplies<>());
  }
  int64_t tapStride() const { return dims.size() > 2 ? strides.back() : 1; }
  /// Columns of a panel.
  static int64_t widthOf(int64_t panel, int64_t columns) {
    return std::min(kPanel, columns - panel * kPanel);
  }
};

/// to[k / i][l][k % i] = data[at + k * kStride + l * nStride] for l < width and k < depth, else
/// `padding`; i is `interleave`, up to a multiple of which k goes. `store` writes 16 elements to an
/// address and returns how many bytes these take. Returns where the panel ends. A loop for each
/// element type: gigabytes go through here.
template <class T, class Store>
std::byte *Packer::typedPanel(std::byte *to, const Source &source, T padding, Store store) const {
  constexpr int64_t kSize = sizeof(T);
  int64_t interleave = attrs.interleave;
  for (int64_t k0 = 0; k0 < source.depth; k0 += interleave) {
    T step[kPanel * kMaxInterleave];
    std::fill_n(step, kPanel * interleave, padding);
    for (int64_t k = k0; k < std::min(source.depth, k0 + interleave); k++) {
      const std::byte *row = data->bytes.data() + (source.at + k * source.kStride) * kSize;
      for (int64_t l = 0; l < source.width; l++)
        std::memcpy(&step[l * interleave + k - k0], row + l * source.nStride * kSize, kSize);
    }
    for (int64_t i = 0; i < interleave; i++)
      to += store(to, step + i * kPanel);
  }
  return to;
}

template <class T> std::byte *Packer::copyPanel(std::byte *to, const Source &source) const {
  T mask = attrs.flipSign ? 0x80 : 0;
  // The mask makes zeros of what is beyond the weights.
  return typedPanel<T>(to, source, mask, [mask](std::byte *out, T *elements) {
    for (int64_t l = 0; l < kPanel; l++)
      elements[l] = static_cast<T>(elements[l] ^ mask);
    std::memcpy(out, elements, kPanel * sizeof(T));
    return kPanel * int64_t(sizeof(T));
  });
}

/// Each piece is `pieceBytes` behind the one before.
std::byte *Packer::bfloatPanel(std::byte *to, const Source &source, int64_t pieceBytes) const {
  constexpr auto kBytes = static_cast<int64_t>(kPanel * sizeof(uint16_t));
  uint16_t rounded[kPanel];
  if (attrs.pieces == 1)
    return typedPanel<float>(to, source, 0, [&](std::byte *out, const float *elements) {
      for (int64_t l = 0; l < kPanel; l++)
        rounded[l] = doubleToBfloat(elements[l]);
      std::memcpy(out, rounded, kBytes);
      return kBytes;
    });
  return typedPanel<uint32_t>(to, source, 0, [&](std::byte *out, uint32_t *bits) {
    for (int64_t piece = 0; piece < attrs.pieces; piece++) {
      for (int64_t l = 0; l < kPanel; l++)
        rounded[l] = takePiece(bits[l]);
      std::memcpy(out + piece * pieceBytes, rounded, kBytes);
    }
    return kBytes;
  });
}

/// Returns where the first piece ends.
std::byte *Packer::panel(std::byte *to, const Source &source, int64_t pieceBytes) const {
  if (data->dtype == DType::F32 && packedDType == DType::BF16)
    return bfloatPanel(to, source, pieceBytes);
  switch (dtypeBytes(data->dtype)) {
  case 1:
    return copyPanel<uint8_t>(to, source);
  case 2:
    return copyPanel<uint16_t>(to, source);
  case 4:
    return copyPanel<uint32_t>(to, source);
  default:
    return copyPanel<uint64_t>(to, source);
  }
}

/// [piece][tap][channel][16] from [O][I/g][taps].
void Packer::convPanel(std::byte *to, int64_t group, int64_t panel) const {
  int64_t outputs = dims[0] / attrs.group;
  int64_t at = offset + (group * outputs + panel * kPanel) * strides[0];
  for (int64_t tap = 0; tap < taps(); tap++)
    to = this->panel(
        to, {at + tap * tapStride(), dims[1], strides[1], widthOf(panel, outputs), strides[0]},
        panelBytes / attrs.pieces);
}

void Packer::gemmPanel(std::byte *to, int64_t batch, int64_t panel) const {
  size_t rank = dims.size();
  int64_t at = offset + panel * kPanel * strides[rank - 1];
  for (size_t i = rank - 2; i-- > 0; batch /= dims[i])
    at += batch % dims[i] * strides[i];
  this->panel(
      to,
      {at, dims[rank - 2], strides[rank - 2], widthOf(panel, dims[rank - 1]), strides[rank - 1]},
      panelBytes / attrs.pieces);
}

/// [point][channel][16] from [O][I][3 x 3]: G g G' of each window, in double precision.
void Packer::winogradPanel(std::byte *to, int64_t panel) const {
  std::span<const std::array<double, 3>> matrix = winogradWeightMatrix(winogradTile(attrs.form));
  int64_t side = std::ssize(matrix), channels = dims[1];
  // Weights in a mapped file may be unaligned.
  auto weight = [&](int64_t index) {
    float element;
    std::memcpy(&element, data->bytes.data() + index * static_cast<int64_t>(sizeof element),
                sizeof element);
    return static_cast<double>(element);
  };
  auto transform = [&](int64_t window, int64_t l, int64_t c) {
    for (int64_t y = 0; y < side; y++) {
      double row[3] = {};
      for (int64_t j = 0; j < 3; j++)
        for (int64_t i = 0; i < 3; i++)
          row[j] += matrix[y][i] * weight(window + i * strides[2] + j * strides[3]);
      for (int64_t x = 0; x < side; x++) {
        double sum = row[0] * matrix[x][0] + row[1] * matrix[x][1] + row[2] * matrix[x][2];
        float element = static_cast<float>(sum);
        int64_t at = ((y * side + x) * channels + c) * kPanel + l;
        std::memcpy(to + at * static_cast<int64_t>(sizeof element), &element, sizeof element);
      }
    }
  };
  for (int64_t c = 0; c < channels; c++)
    for (int64_t l = 0; l < widthOf(panel, dims[0]); l++)
      transform(offset + (panel * kPanel + l) * strides[0] + c * strides[1], l, c);
}

void Packer::depthwiseTap(std::byte *to, int64_t tap) const {
  int64_t bytes = dtypeBytes(data->dtype);
  for (int64_t c = 0; c < dims[0]; c++)
    std::memcpy(to + c * bytes,
                data->bytes.data() + (offset + c * strides[0] + tap * tapStride()) * bytes, bytes);
}

void Packer::part(std::byte *to, int64_t number) const {
  switch (attrs.form) {
  case PackForm::Gemm:
    return gemmPanel(to, number / panels, number % panels);
  case PackForm::Conv:
    return convPanel(to, number / panels, number % panels);
  case PackForm::Winograd4:
  case PackForm::Winograd2:
    return winogradPanel(to, number);
  case PackForm::Depthwise:
    return depthwiseTap(to, number);
  }
}

std::vector<int64_t> numbers(const Dims &dims) { return *constantDims(dims); }

} // namespace

WeightMaker weightPacker(Op &pack) {
  Value *source = pack.operand(0);
  std::vector<int64_t> packed = numbers(pack.result()->type.shape());
  PackAttrs attrs = attrsOf<PackAttrs>(pack);
  DType packedDType = pack.result()->type.dtype();
  // [..., panels, K, 16], or [taps, channels].
  bool hasPanels = attrs.form != PackForm::Depthwise;
  int64_t bytes =
      dtypeBytes(packedDType) * packed.back() * (hasPanels ? packed[packed.size() - 2] : 1);
  Packer packer{attrs,
                constantBehind(source)->attrs.getConst("value"),
                packedDType,
                numbers(source->type.shape()),
                numbers(source->layout->strides),
                source->layout->offset.value(),
                packed.size() > 2 ? packed[packed.size() - 3] : 1,
                bytes};
  return {bytes, [=](std::span<std::byte> to, int64_t from) {
            for (int64_t at = 0; at < std::ssize(to); at += bytes)
              packer.part(to.data() + at, (from + at) / bytes);
          }};
}

} // namespace cameo
