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
  int64_t panels; // of a group or batch

  void piece(std::byte *to, int64_t number) const;

private:
  void convPanel(std::byte *to, int64_t group, int64_t panel) const;
  void gemmPanel(std::byte *to, int64_t batch, int64_t panel) const;
  void winogradPanel(std::byte *to, int64_t panel) const;
  void depthwiseTap(std::byte *to, int64_t tap) const;
  std::byte *panel(std::byte *to, int64_t at, int64_t depth, int64_t kStride, int64_t width,
                   int64_t nStride, int64_t piece) const;
  template <class T, class From, class Convert>
  std::byte *typedPanel(std::byte *to, int64_t at, int64_t depth, int64_t kStride, int64_t width,
                        int64_t nStride, Convert convert) const;
  std::byte *bfloatPanel(std::byte *to, int64_t at, int64_t depth, int64_t kStride, int64_t width,
                         int64_t nStride, size_t piece) const;
  template <class T>
  std::byte *copyPanel(std::byte *to, int64_t at, int64_t depth, int64_t kStride, int64_t width,
                       int64_t nStride) const;

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

/// to[k / i][l][k % i] = data[at + k * kStride + l * nStride] for l < width and k < depth, else 0;
/// i is `interleave`, up to a multiple of which k goes. Returns where it ends. A loop for each pair
/// of element types: gigabytes go through here.
template <class T, class From, class Convert>
std::byte *Packer::typedPanel(std::byte *to, int64_t at, int64_t depth, int64_t kStride,
                              int64_t width, int64_t nStride, Convert convert) const {
  constexpr int64_t kSize = sizeof(T);
  int64_t interleave = attrs.interleave;
  for (int64_t k0 = 0; k0 < depth; k0 += interleave, to += kPanel * interleave * kSize) {
    T step[kPanel * kMaxInterleave] = {};
    for (int64_t k = k0; k < std::min(depth, k0 + interleave); k++) {
      const std::byte *row = data->bytes.data() + (at + k * kStride) * int64_t(sizeof(From));
      for (int64_t l = 0; l < width; l++) {
        From element;
        std::memcpy(&element, row + l * nStride * int64_t(sizeof(From)), sizeof(From));
        step[l * interleave + k - k0] = convert(element);
      }
    }
    std::memcpy(to, step, kPanel * interleave * kSize);
  }
  return to;
}

template <class T>
std::byte *Packer::copyPanel(std::byte *to, int64_t at, int64_t depth, int64_t kStride,
                             int64_t width, int64_t nStride) const {
  T mask = attrs.flipSign ? 0x80 : 0;
  return typedPanel<T, T>(to, at, depth, kStride, width, nStride,
                          [mask](T x) { return static_cast<T>(x ^ mask); });
}

std::byte *Packer::bfloatPanel(std::byte *to, int64_t at, int64_t depth, int64_t kStride,
                               int64_t width, int64_t nStride, size_t piece) const {
  auto panelOf = [&](auto convert) {
    return typedPanel<uint16_t, float>(to, at, depth, kStride, width, nStride, convert);
  };
  if (attrs.pieces == 1)
    return panelOf([](float x) { return doubleToBfloat(x); });
  return panelOf([piece](float x) { return bfloatPieces(x)[piece]; });
}

std::byte *Packer::panel(std::byte *to, int64_t at, int64_t depth, int64_t kStride, int64_t width,
                         int64_t nStride, int64_t piece) const {
  if (data->dtype == DType::F32 && packedDType == DType::BF16)
    return bfloatPanel(to, at, depth, kStride, width, nStride, static_cast<size_t>(piece));
  switch (dtypeBytes(data->dtype)) {
  case 1:
    return copyPanel<uint8_t>(to, at, depth, kStride, width, nStride);
  case 2:
    return copyPanel<uint16_t>(to, at, depth, kStride, width, nStride);
  case 4:
    return copyPanel<uint32_t>(to, at, depth, kStride, width, nStride);
  default:
    return copyPanel<uint64_t>(to, at, depth, kStride, width, nStride);
  }
}

/// [piece][tap][channel][16] from [O][I/g][taps].
void Packer::convPanel(std::byte *to, int64_t group, int64_t panel) const {
  int64_t outputs = dims[0] / attrs.group;
  int64_t at = offset + (group * outputs + panel * kPanel) * strides[0];
  for (int64_t piece = 0; piece < attrs.pieces; piece++)
    for (int64_t tap = 0; tap < taps(); tap++)
      to = this->panel(to, at + tap * tapStride(), dims[1], strides[1], widthOf(panel, outputs),
                       strides[0], piece);
}

void Packer::gemmPanel(std::byte *to, int64_t batch, int64_t panel) const {
  size_t rank = dims.size();
  int64_t at = offset + panel * kPanel * strides[rank - 1];
  for (size_t i = rank - 2; i-- > 0; batch /= dims[i])
    at += batch % dims[i] * strides[i];
  for (int64_t piece = 0; piece < attrs.pieces; piece++)
    to = this->panel(to, at, dims[rank - 2], strides[rank - 2], widthOf(panel, dims[rank - 1]),
                     strides[rank - 1], piece);
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

void Packer::piece(std::byte *to, int64_t number) const {
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
  Packer packer{attrsOf<PackAttrs>(pack),
                constantBehind(source)->attrs.getConst("value"),
                pack.result()->type.dtype(),
                numbers(source->type.shape()),
                numbers(source->layout->strides),
                source->layout->offset.value(),
                packed.size() > 2 ? packed[packed.size() - 3] : 1};
  // [..., panels, K, 16], or [taps, channels].
  bool hasPanels = packer.attrs.form != PackForm::Depthwise;
  int64_t bytes =
      dtypeBytes(packer.packedDType) * packed.back() * (hasPanels ? packed[packed.size() - 2] : 1);
  return {bytes, [=](std::span<std::byte> to, int64_t from) {
            for (int64_t at = 0; at < std::ssize(to); at += bytes)
              packer.piece(to.data() + at, (from + at) / bytes);
          }};
}

} // namespace cameo
