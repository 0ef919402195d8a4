// See RunTimeSizes.h.
#include "lowering/program/RunTimeSizes.h"

#include "ir/kernel/RunTime.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/Shapes.h"
#include "lowering/emit/KernelFunc.h"

namespace cameo {

void RunTimeSizes::defineSymbols() {
  std::map<std::vector<std::string>, std::shared_ptr<Definition>> known;
  std::map<std::string, std::pair<int64_t, Definition *>> ofSymbol; // with its place in the order
  std::set<int64_t> ofCalls;
  for (Op *op : opsOf(func_)) {
    std::vector<std::string> symbols = definedSymbols(*op);
    if (op->kind() == OpKind::Loop)
      symbols.push_back(*iterationOf(*op).symbolName());
    if (op->kind() == OpKind::KernelCall)
      for (const std::unique_ptr<Value> &result : op->results())
        ofCalls.insert(result->layout->buffer);
    for (int64_t i = 0; op->kind() == OpKind::Loop && i < op->numResults(); i++)
      if (i >= op->region().numArgs() - 2)
        kept_.insert(op->result(i)->layout->buffer);
    if (symbols.empty())
      continue;
    auto [entry, isNew] = known.try_emplace(symbols);
    if (isNew) {
      entry->second = std::make_shared<Definition>();
      entry->second->function = sizes_.defineAtRunTime(symbols);
      for (const std::string &symbol : symbols)
        ofSymbol[symbol] = {static_cast<int64_t>(known.size()), entry->second.get()};
    }
    definitions_[op] = entry->second;
  }
  for (size_t i = 0; i < func_.buffers.size(); i++) {
    const Buffer &buffer = func_.buffers[i];
    if (buffer.space != Buffer::Space::Box)
      continue;
    program_.numBoxes = std::max(program_.numBoxes, buffer.port + 1);
    std::set<std::string> symbols;
    buffer.size.collectSymbols(symbols);
    std::pair<int64_t, Definition *> latest = {-1, nullptr};
    for (const std::string &symbol : symbols)
      if (auto entry = ofSymbol.find(symbol); entry != ofSymbol.end())
        latest = std::max(latest, entry->second);
    if (latest.second && !ofCalls.count(static_cast<int64_t>(i)))
      latest.second->boxed.push_back(static_cast<int64_t>(i));
  }
}

void RunTimeSizes::leaveIfFailed() { main_.create(OpKind::FrameLeave, {}, {}); }

/// Makes room in what `op` made the size of known.
void RunTimeSizes::reserve(const Op &op) {
  const std::vector<int64_t> &boxed = definitions_.at(&op)->boxed;
  for (int64_t id : boxed) {
    const Buffer &buffer = func_.buffers[id];
    AttrDict attrs;
    attrs.set("index", buffer.port);
    attrs.set("keep", int64_t{kept_.count(id) > 0});
    Dim bytes = buffer.size * Dim(dtypeBytes(buffer.dtype));
    // Negative on the way to a size that fits, while what it depends on grows.
    Value *room = main_.max(sizes_.value(main_, bytes), main_.index(0));
    main_.create(OpKind::FrameReserve, {room}, {}, std::move(attrs));
  }
  if (!boxed.empty())
    leaveIfFailed();
}

/// What is to be done once the entries of an op's symbols are set.
void RunTimeSizes::follow(Op &op) {
  main_.call(definitions_.at(&op)->function, {});
  leaveIfFailed();
  reserve(op);
}

void RunTimeSizes::define(Op &op, const Dims &symbols, const std::vector<Value *> &values) {
  for (size_t i = 0; i < symbols.size(); i++) {
    AttrDict attrs;
    attrs.set("index", sizes_.entry(symbols[i]));
    main_.create(OpKind::FrameSetDim, {values[i]}, {}, std::move(attrs));
  }
  follow(op);
}

Value *RunTimeSizes::loadIfAny(const Value &value, Value *offset) {
  Value *any = nullptr;
  for (const Dim &dim : value.type.shape()) {
    if (dim.isConst() && dim.value() > 0)
      continue;
    Value *some = main_.cmp("gt", sizes_.value(main_, dim), main_.index(0));
    any = any ? main_.binary(OpKind::ScalarAnd, any, some) : some;
  }
  auto load = [&] { return main_.load(pointerTo(value, main_), offset); };
  if (!any)
    return load();
  Type type = Type::scalar(value.type.dtype());
  return main_.ifElse(
      any, {type}, [&] { return LoopBuilder::Values{load()}; },
      [&] { return LoopBuilder::Values{main_.constant(type, 0)}; })[0];
}

void RunTimeSizes::addSizes(Op &op) {
  Dims symbols;
  for (const std::string &symbol : definedSymbols(op))
    symbols.push_back(Dim::symbol(symbol));
  auto resolve = [&](Op &inner, const std::vector<Value *> &operands) -> Value * {
    if (inner.kind() == OpKind::RegionAt) {
      const Value &read = *op.operand(inner.attrs.getInt("operand"));
      Value *offset = main_.index(0);
      for (size_t i = 0; i < operands.size(); i++)
        offset =
            main_.add(offset, main_.mul(operands[i], sizes_.value(main_, read.layout->strides[i])));
      return loadIfAny(read, offset);
    }
    Value *wrong = main_.unary(OpKind::ScalarNot, operands[0]);
    main_.ifThen(wrong, [&] {
      AttrDict attrs;
      attrs.set("code", inner.attrs.getString("code"));
      attrs.set("node", internNode(program_.nodeNames, op.loc));
      main_.create(OpKind::TeamFail, {operands.begin() + 1, operands.end()}, {}, std::move(attrs));
    });
    return nullptr;
  };
  define(op, symbols, inlineRegion(main_, sizes_, op.region(), {}, resolve));
}

/// Whether an attribute of a call is not the node's.
static bool isOwn(std::string_view name) {
  std::vector<std::string_view> own = fieldNames<CallAttrs>();
  return std::find(own.begin(), own.end(), name) != own.end();
}

void RunTimeSizes::addCall(Op &op) {
  Site site;
  site.callee = attrsOf<CallAttrs>(op).callee;
  site.node = internNode(program_.nodeNames, op.loc);
  for (const auto &[name, value] : op.attrs)
    if (!isOwn(name))
      site.attributes.set(name, value);
  for (Value *operand : op.operands())
    site.inputs.push_back(place(operand));
  for (const std::unique_ptr<Value> &result : op.results())
    site.outputs.push_back(place(result.get()));
  for (const std::string &symbol : definedSymbols(op))
    site.defines.push_back(sizes_.entry(Dim::symbol(symbol)));
  AttrDict attrs;
  attrs.set("index", static_cast<int64_t>(program_.sites.size()));
  main_.create(OpKind::FrameCallSite, {}, {}, std::move(attrs));
  program_.sites.push_back(std::move(site));
  leaveIfFailed();
  if (definitions_.count(&op))
    follow(op);
}

Port RunTimeSizes::port(const std::string &name, const Type &type) {
  Port port;
  port.name = name;
  port.kind = type.kind();
  const Type *element = &type;
  while (!element->isTensor())
    element = &element->element();
  port.dtype = element->dtype();
  port.isRanked = element->isRanked();
  // Elements of a sequence differ in size, and symbols in its type are none of the run's.
  if (port.isRanked)
    for (const Dim &dim : element->shape())
      port.dims.push_back(element == &type || dim.isConst() ? sizes_.portDim(dim)
                                                            : sizes_.unknownDim());
  return port;
}

Place RunTimeSizes::place(Value *value) {
  Place place;
  place.isAbsent = !value;
  place.offset.constant = 0;
  if (!value)
    return place;
  const Buffer &buffer = func_.buffers[value->layout->buffer];
  place.space = buffer.space;
  place.index = buffer.port;
  place.port = port(value->name, value->type);
  Dim start = value->layout->offset * Dim(dtypeBytes(buffer.dtype));
  bool isPlanned = buffer.space == Buffer::Space::Arena || buffer.space == Buffer::Space::Weight;
  place.offset = sizes_.portDim(isPlanned ? buffer.offset + start : start);
  return place;
}

Value *RunTimeSizes::pointerTo(const Value &value, LoopBuilder &b) {
  const Buffer &buffer = func_.buffers[value.layout->buffer];
  auto frame = [&](OpKind kind, std::vector<Value *> place, bool indexed = true) {
    AttrDict attrs;
    if (indexed)
      attrs.set("index", buffer.port);
    return b.create(kind, std::move(place), {Type::pointer(buffer.dtype)}, std::move(attrs))
        ->result();
  };
  auto size = [&] { return sizes_.value(b, buffer.size * Dim(dtypeBytes(buffer.dtype))); };
  auto begin = [&] { return sizes_.value(b, buffer.offset); };
  Value *base = nullptr;
  switch (buffer.space) {
  case Buffer::Space::Input:
    base = frame(OpKind::FrameInput, {});
    break;
  case Buffer::Space::Output:
    base = frame(OpKind::FrameOutput, {});
    break;
  case Buffer::Space::Box:
    base = frame(OpKind::FrameBox, {size()});
    break;
  case Buffer::Space::Arena:
    base = frame(OpKind::FrameArena, {begin(), size()}, false);
    break;
  case Buffer::Space::Weight:
    base = frame(OpKind::FrameWeights, {begin(), size()}, false);
    break;
  }
  return b.offset(base, sizes_.value(b, value.layout->offset));
}

Value *RunTimeSizes::loadFirst(const Value &value) {
  return main_.load(pointerTo(value, main_), main_.index(0));
}

} // namespace cameo
