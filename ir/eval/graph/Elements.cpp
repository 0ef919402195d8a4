// Strided walks and copies; see Elements.h.
#include "ir/eval/graph/Elements.h"

#include <algorithm>

namespace cameo::eval {

std::vector<int64_t> rowMajor(const std::vector<int64_t> &dims) {
  std::vector<int64_t> strides(dims.size());
  int64_t stride = 1;
  for (size_t i = dims.size(); i-- > 0;) {
    strides[i] = stride;
    // A zero dim has no elements to step over, whatever the strides.
    stride *= std::max<int64_t>(dims[i], 1);
  }
  return strides;
}

std::vector<int64_t> broadcastStrides(const std::vector<int64_t> &dims,
                                      const std::vector<int64_t> &to) {
  std::vector<int64_t> own = rowMajor(dims), strides(to.size(), 0);
  size_t lead = to.size() - dims.size();
  for (size_t i = 0; i < dims.size(); i++)
    strides[lead + i] = dims[i] == 1 ? 0 : own[i];
  return strides;
}

std::optional<std::vector<int64_t>> broadcastDims(const std::vector<int64_t> &a,
                                                  const std::vector<int64_t> &b) {
  if (a.size() < b.size())
    return broadcastDims(b, a);
  std::vector<int64_t> dims = a;
  size_t lead = a.size() - b.size();
  for (size_t i = 0; i < b.size(); i++) {
    int64_t &dim = dims[lead + i];
    if (dim == 1)
      dim = b[i];
    else if (b[i] != 1 && b[i] != dim)
      return std::nullopt;
  }
  return dims;
}

int64_t product(const std::vector<int64_t> &dims, int64_t begin, int64_t end) {
  int64_t count = 1;
  for (int64_t i = begin; i < end; i++)
    count *= dims[i];
  return count;
}

RowWalk::RowWalk(const std::vector<int64_t> &dims, std::vector<std::vector<int64_t>> strides) {
  size_t operands = strides.size();
  strides_.resize(operands);
  for (size_t d = 0; d < dims.size(); d++) {
    done_ |= dims[d] == 0;
    if (dims[d] == 1)
      continue;
    bool merge = !dims_.empty();
    for (size_t k = 0; k < operands && merge; k++)
      merge = strides_[k].back() == strides[k][d] * dims[d];
    if (merge)
      dims_.back() *= dims[d];
    else
      dims_.push_back(dims[d]);
    for (size_t k = 0; k < operands; k++) {
      if (merge)
        strides_[k].pop_back();
      strides_[k].push_back(strides[k][d]);
    }
  }
  rowStrides_.assign(operands, 1);
  if (!dims_.empty()) {
    rowLength_ = dims_.back();
    dims_.pop_back();
    for (size_t k = 0; k < operands; k++) {
      rowStrides_[k] = strides_[k].back();
      strides_[k].pop_back();
    }
  }
  index_.assign(dims_.size(), 0);
  offsets_.assign(operands, 0);
}

void RowWalk::next() {
  for (size_t d = dims_.size(); d-- > 0;) {
    for (size_t k = 0; k < offsets_.size(); k++)
      offsets_[k] += strides_[k][d];
    if (++index_[d] < dims_[d])
      return;
    for (size_t k = 0; k < offsets_.size(); k++)
      offsets_[k] -= strides_[k][d] * dims_[d];
    index_[d] = 0;
  }
  done_ = true;
}

namespace {
template <int kSize>
void copyStrided(std::byte *to, int64_t toStride, const std::byte *from, int64_t fromStride,
                 int64_t n) {
  for (int64_t i = 0; i < n; i++)
    std::memcpy(to + i * toStride * kSize, from + i * fromStride * kSize, kSize);
}
} // namespace

void copyElements(Tensor &to, int64_t toOffset, int64_t toStride, const Tensor &from,
                  int64_t fromOffset, int64_t fromStride, int64_t n) {
  if (n <= 0)
    return;
  if (to.dtype == DType::String) {
    std::vector<std::string> &target = const_cast<std::vector<std::string> &>(*to.strings);
    for (int64_t i = 0; i < n; i++)
      target[toOffset + i * toStride] = (*from.strings)[fromOffset + i * fromStride];
    return;
  }
  int64_t size = dtypeBytes(to.dtype);
  std::byte *target = to.writable() + toOffset * size;
  const std::byte *source = from.data() + fromOffset * size;
  if (toStride == 1 && fromStride == 1)
    std::memcpy(target, source, static_cast<size_t>(n * size));
  else if (size == 1)
    copyStrided<1>(target, toStride, source, fromStride, n);
  else if (size == 2)
    copyStrided<2>(target, toStride, source, fromStride, n);
  else if (size == 4)
    copyStrided<4>(target, toStride, source, fromStride, n);
  else
    copyStrided<8>(target, toStride, source, fromStride, n);
}

void copyBox(Tensor &to, int64_t toOffset, const std::vector<int64_t> &toStrides,
             const Tensor &from, int64_t fromOffset, const std::vector<int64_t> &fromStrides,
             const std::vector<int64_t> &dims) {
  for (RowWalk walk(dims, {toStrides, fromStrides}); !walk.done(); walk.next())
    copyElements(to, toOffset + walk.offset(0), walk.rowStride(0), from,
                 fromOffset + walk.offset(1), walk.rowStride(1), walk.rowLength());
}

} // namespace cameo::eval
