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

namespace cameo {
namespace {

/// Strided reads and packed writes. Extents and strides are in elements.
struct Packer {
  const std::byte *from;
  DType dtype, packedDType;
  int64_t interleave = 1; // consecutive k of a column next to each other
  bool flip = false;      // changes the signedness of bytes

  /// to[p][k / i][l][k % i] = from[k * kStride + (16 p + l) * nStride] for n < columns and k <
  /// depth, else 0; i is `interleave`, up to a multiple of which k goes.
  std::byte *panels(std::byte *to, int64_t at, int64_t depth, int64_t kStride, int64_t columns,
                    int64_t nStride) const {
    if (dtype == DType::F32 && packedDType == DType::BF16)
      return typedPanels<uint16_t, float>(to, at, depth, kStride, columns, nStride,
                                          [](float x) { return doubleToBfloat(x); });
    switch (dtypeBytes(dtype)) {
    case 1:
      return copyPanels<uint8_t>(to, at, depth, kStride, columns, nStride);
    case 2:
      return copyPanels<uint16_t>(to, at, depth, kStride, columns, nStride);
    case 4:
      return copyPanels<uint32_t>(to, at, depth, kStride, columns, nStride);
    default:
      return copyPanels<uint64_t>(to, at, depth, kStride, columns, nStride);
    }
  }

private:
  template <class T>
  std::byte *copyPanels(std::byte *to, int64_t at, int64_t depth, int64_t kStride, int64_t columns,
                        int64_t nStride) const {
    T mask = flip ? 0x80 : 0;
    return typedPanels<T, T>(to, at, depth, kStride, columns, nStride,
                             [mask](T x) { return static_cast<T>(x ^ mask); });
  }

  /// A loop for each pair of element types: gigabytes go through here.
  template <class T, class From, class Convert>
  std::byte *typedPanels(std::byte *to, int64_t at, int64_t depth, int64_t kStride, int64_t columns,
                         int64_t nStride, Convert convert) const {
    constexpr int64_t kSize = sizeof(T);
    for (int64_t n0 = 0; n0 < columns; n0 += kPanel) {
      int64_t width = std::min(kPanel, columns - n0);
      for (int64_t k0 = 0; k0 < depth; k0 += interleave, to += kPanel * interleave * kSize) {
        T step[kPanel * kMaxInterleave] = {};
        for (int64_t k = k0; k < std::min(depth, k0 + interleave); k++) {
          const std::byte *row = from + (at + n0 * nStride + k * kStride) * int64_t(sizeof(From));
          for (int64_t l = 0; l < width; l++) {
            From element;
            std::memcpy(&element, row + l * nStride * int64_t(sizeof(From)), sizeof(From));
            step[l * interleave + k - k0] = convert(element);
          }
        }
        std::memcpy(to, step, kPanel * interleave * kSize);
      }
    }
    return to;
  }
};

/// [g][panel][tap][channel][16] from [O][I/g][taps].
void packConv(const Packer &packing, std::byte *out, int64_t offset,
              const std::vector<int64_t> &dims, const std::vector<int64_t> &strides, int64_t group,
              int64_t taps, int64_t tapStride) {
  int64_t outputs = dims[0] / group;
  for (int64_t g = 0; g < group; g++)
    for (int64_t n0 = 0; n0 < outputs; n0 += kPanel)
      for (int64_t tap = 0; tap < taps; tap++)
        out = packing.panels(out, offset + (g * outputs + n0) * strides[0] + tap * tapStride,
                             dims[1], strides[1], std::min(kPanel, outputs - n0), strides[0]);
}

/// [panel][point][channel][16] from [O][I][3 x 3]: G g G' of each window, in double precision.
void packWinograd(const std::byte *from, std::span<std::byte> to, int64_t tile, int64_t offset,
                  const std::vector<int64_t> &dims, const std::vector<int64_t> &strides) {
  std::span<const std::array<double, 3>> matrix = winogradWeightMatrix(tile);
  int64_t side = std::ssize(matrix), outputs = dims[0], channels = dims[1];
  std::fill(to.begin(), to.end(), std::byte(0));
  // Weights in a mapped file may be unaligned.
  auto weight = [&](int64_t index) {
    float element;
    std::memcpy(&element, from + index * static_cast<int64_t>(sizeof element), sizeof element);
    return static_cast<double>(element);
  };
  auto transform = [&](int64_t window, int64_t n, int64_t c) {
    for (int64_t y = 0; y < side; y++) {
      double row[3] = {};
      for (int64_t j = 0; j < 3; j++)
        for (int64_t i = 0; i < 3; i++)
          row[j] += matrix[y][i] * weight(window + i * strides[2] + j * strides[3]);
      for (int64_t x = 0; x < side; x++) {
        double sum = row[0] * matrix[x][0] + row[1] * matrix[x][1] + row[2] * matrix[x][2];
        float element = static_cast<float>(sum);
        int64_t at = ((n / kPanel * side * side + y * side + x) * channels + c) * kPanel;
        std::memcpy(&to[(at + n % kPanel) * sizeof element], &element, sizeof element);
      }
    }
  };
  for (int64_t n = 0; n < outputs; n++)
    for (int64_t c = 0; c < channels; c++)
      transform(offset + n * strides[0] + c * strides[1], n, c);
}

std::vector<int64_t> numbers(const Dims &dims) { return *constantDims(dims); }

} // namespace

std::function<void(std::span<std::byte>)> weightPacker(Op &pack) {
  Value *source = pack.operand(0);
  ConstRef data = constantBehind(pack.operand(0))->attrs.getConst("value");
  std::vector<int64_t> dims = numbers(source->type.shape());
  std::vector<int64_t> strides = numbers(source->layout->strides);
  int64_t offset = source->layout->offset.value();
  PackAttrs attrs = attrsOf<PackAttrs>(pack);
  DType packedDType = pack.result()->type.dtype();
  return [=](std::span<std::byte> to) {
    Packer packing{data->bytes.data(), data->dtype, packedDType, attrs.interleave, attrs.flipSign};
    std::byte *out = to.data();
    if (attrs.form == PackForm::Gemm) {
      size_t rank = dims.size();
      int64_t batches = 1;
      for (size_t i = 0; i + 2 < rank; i++)
        batches *= dims[i];
      for (int64_t batch = 0; batch < batches; batch++) {
        int64_t at = offset, rest = batch;
        for (size_t i = rank - 2; i-- > 0; rest /= dims[i])
          at += rest % dims[i] * strides[i];
        out = packing.panels(out, at, dims[rank - 2], strides[rank - 2], dims[rank - 1],
                             strides[rank - 1]);
      }
      return;
    }
    if (int64_t tile = winogradTile(attrs.form))
      return packWinograd(data->bytes.data(), to, tile, offset, dims, strides);
    // Weights are [O][I/g][taps...]; the taps are contiguous among themselves.
    int64_t taps = 1;
    for (size_t i = 2; i < dims.size(); i++)
      taps *= dims[i];
    int64_t tapStride = dims.size() > 2 ? strides.back() : 1;
    if (attrs.form == PackForm::Depthwise) {
      int64_t bytes = dtypeBytes(packing.dtype);
      for (int64_t tap = 0; tap < taps; tap++)
        for (int64_t c = 0; c < dims[0]; c++, out += bytes)
          std::memcpy(out, packing.from + (offset + c * strides[0] + tap * tapStride) * bytes,
                      bytes);
      return;
    }
    packConv(packing, out, offset, dims, strides, attrs.group, taps, tapStride);
  };
}

} // namespace cameo
