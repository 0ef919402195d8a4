// Sizes, and where values are; see KernelMachine.h.
#include "ir/eval/kernel/KernelMachine.h"

#include <algorithm>
#include <fmt/format.h>

namespace cameo::eval {

/// Offsets in the arena may use names for sizes (`size_names`).
std::optional<int64_t> KernelMachine::evaluate(const Dim &dim) const {
  if (dim.isOverflow())
    return std::nullopt;
  return dim.evaluate([&](const std::string &symbol) -> std::optional<int64_t> {
    if (auto known = symbols_.find(symbol); known != symbols_.end())
      return known->second;
    const Attr *attr = func_.attrs.find("size_names");
    const auto *names = attr ? std::get_if<std::vector<std::string>>(attr) : nullptr;
    if (!names)
      return std::nullopt;
    auto named = std::find(names->begin(), names->end(), symbol);
    if (named == names->end())
      return std::nullopt;
    const Dims &sizes = std::get<Dims>(*func_.attrs.find("sizes"));
    return evaluate(sizes[static_cast<size_t>(named - names->begin())]);
  });
}

Result<int64_t> KernelMachine::sizeOf(const Dim &dim) const {
  std::optional<int64_t> size = evaluate(dim);
  if (!size)
    return badInput(fmt::format("the size {} has no value here", dim.str()));
  return *size;
}

Result<std::vector<int64_t>> KernelMachine::dimsOf(const Value &value) const {
  const Type &type = value.type;
  if (!type.isRanked() || type.dtype() == DType::String)
    return unsupported(fmt::format("a value of type {} is not interpreted", type.str()));
  std::vector<int64_t> dims;
  for (const Dim &dim : type.shape()) {
    dims.push_back(TRY(sizeOf(dim)));
    if (dims.back() < 0)
      return badInput(fmt::format("a dim would be {}, expected at least 0", dims.back()));
  }
  if (!checkedNumElements(dims))
    return badInput(fmt::format("the size {} overflows", dimsText(dims)));
  return dims;
}

std::shared_ptr<MemoryBlock> &KernelMachine::blockOf(const Buffer &buffer, int64_t number) {
  bool isArena = buffer.space == Buffer::Space::Arena && func_.attrs.has("arena");
  bool isBox = buffer.space == Buffer::Space::Box && buffer.port >= 0;
  // A buffer's own block: no box has a negative number.
  std::pair key(isBox ? Buffer::Space::Box : Buffer::Space::Arena, isArena ? 0
                                                                   : isBox ? buffer.port
                                                                           : -1 - number);
  return blocks_[key];
}

/// Where a buffer is now. Its block grows as sizes become known.
Result<BufferPlace> KernelMachine::placeOf(int64_t number) {
  const Buffer &buffer = func_.buffers[number];
  std::shared_ptr<MemoryBlock> &block = blockOf(buffer, number);
  if (!block)
    block = std::make_shared<MemoryBlock>();
  BufferPlace place{block, 0, 0, static_cast<int32_t>(number + 1)};
  place.bytes = TRY(sizeOf(buffer.size)) * dtypeBytes(buffer.dtype);
  if (buffer.space == Buffer::Space::Arena && func_.attrs.has("arena")) {
    place.begin = TRY(sizeOf(buffer.offset));
    int64_t all = TRY(sizeOf(std::get<Dims>(*func_.attrs.find("arena")).front()));
    if (place.begin < 0 || place.begin + place.bytes > all)
      return badInput(
          fmt::format("bytes {} to {}, of {}, are outside of the workspace, which has {}",
                      place.begin, place.begin + place.bytes - 1, memory_.names[number + 1], all));
  }
  auto size = static_cast<size_t>(place.begin + place.bytes);
  block->bytes.resize(std::max(block->bytes.size(), size));
  block->writers.resize(block->bytes.size());
  place.isReadOnly = buffer.space == Buffer::Space::Input;
  return place;
}

Result<View> KernelMachine::placed(const Value &value) {
  const Layout &layout = *value.layout;
  // One at a time: a TRY that returns from within a braced list leaks what the list has made.
  View view;
  view.dtype = value.type.dtype();
  view.dims = TRY(dimsOf(value));
  view.offset = TRY(sizeOf(layout.offset));
  view.place = TRY(placeOf(layout.buffer));
  for (const Dim &stride : layout.strides)
    view.strides.push_back(TRY(sizeOf(stride)));
  return view;
}

Result<View> KernelMachine::viewOf(const Value &value) {
  if (value.layout)
    return placed(value);
  auto known = values_.find(&value);
  if (known == values_.end())
    return badInput("a value is used that was not computed");
  if (std::vector<int64_t> dims = TRY(dimsOf(value)); dims != known->second.dims)
    return badInput(fmt::format("a value of the shape {} has the type {}, which is {} here",
                                dimsText(known->second.dims), value.type.str(), dimsText(dims)));
  return known->second;
}

Result<View> KernelMachine::define(const Value &value) {
  if (value.layout)
    return placed(value);
  if (isPlaced() && value.type.isTensor())
    return badInput("a result has no layout");
  return values_[&value] = memory_.allocate(value.type.dtype(), TRY(dimsOf(value)));
}

Result<int64_t> KernelMachine::scalarOf(const Value &value) {
  auto element = memory_.get<int64_t>(TRY(viewOf(value)), 0);
  if (!memory_.error.empty())
    return badInput(memory_.error);
  return element;
}

Result<void> KernelMachine::write(const Value &value, int64_t element) {
  memory_.put(TRY(define(value)), 0, element);
  return {};
}

Result<void> KernelMachine::bindInput(int64_t i, const Tensor &tensor) {
  const Value &arg = *func_.body.arg(i);
  for (size_t d = 0; d < tensor.dims.size(); d++)
    if (std::optional<std::string> symbol = arg.type.dim(static_cast<int64_t>(d)).symbolName())
      symbols_.emplace(*symbol, tensor.dims[d]);
  View view = TRY(define(arg));
  if (view.dims != tensor.dims)
    return badInput(fmt::format("input '{}': expected the shape {}, got {}", arg.name,
                                dimsText(view.dims), dimsText(tensor.dims)));
  view.place.isReadOnly = false;
  for (int64_t element = 0; element < tensor.size(); element++)
    memory_.store(view, element, tensor.data() + element * dtypeBytes(tensor.dtype));
  return {};
}

/// Row-major in the caller's buffer, whatever the layout says.
Result<Tensor> KernelMachine::takeOutput(int64_t i) {
  View view = TRY(viewOf(*func_.body.terminator()->operand(i)));
  if (isPlaced()) {
    const Buffer &buffer = func_.buffers[view.place.number - 1];
    bool isBox = buffer.space == Buffer::Space::Box;
    if (!isBox && (buffer.space != Buffer::Space::Output || buffer.port != i))
      return badInput(fmt::format("output '{}' is not in its buffer", func_.resultNames[i]));
    view.offset = 0;
    view.strides = rowMajor(view.dims);
  }
  int64_t size = dtypeBytes(view.dtype), count = *checkedNumElements(view.dims);
  std::vector<std::byte> bytes(count * size);
  for (int64_t element = 0; element < count; element++)
    memory_.load(view, element, bytes.data() + element * size);
  if (!memory_.error.empty())
    return badInput(fmt::format("output '{}': {}", func_.resultNames[i], memory_.error));
  return Tensor::view(makeConst(view.dtype, view.dims, std::move(bytes)));
}

} // namespace cameo::eval
