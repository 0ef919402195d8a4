// IR as text; see Printer.h. A first walk over a function names its values, a second one prints.
// IR that is broken prints too, for the verifier's messages: what is not in the function is `%?`.
#include "ir/Printer.h"

#include "ir/OpSpec.h"

#include <set>
#include <unordered_map>

namespace cameo {
namespace {

/// Hands out hints made unique, and numbers where there is no hint.
class Namer {
public:
  std::string unique(const std::string &hint) {
    if (hint.empty())
      return std::to_string(next_++);
    std::string name = hint;
    for (int64_t &suffix = suffixes_[hint]; !taken_.insert(name).second;)
      name = hint + "." + std::to_string(++suffix);
    return nameText(name);
  }

private:
  int64_t next_ = 0;
  std::unordered_map<std::string, int64_t> suffixes_;
  std::set<std::string> taken_;
};

const Block &rootOf(const Block *block) {
  while (block->parentOp() && block->parentOp()->block())
    block = block->parentOp()->block();
  return *block;
}

class FuncPrinter {
public:
  FuncPrinter(std::string &out, const PrintOptions &options) : out_(out), options_(options) {}

  void func(const Func &func);
  void nameValues(const Block &block);
  void op(const Op &op, int indent, bool withRegions);
  std::string valueText(const Value *value) const;

private:
  void buffers(const Func &func);
  void block(const Block &block, int indent);
  void args(const Block &block);
  void attributes(const Op &op);
  void resultTypes(const Op &op);
  void valueType(const Value &value);
  std::string bufferText(int64_t index) const;

  std::string &out_;
  const PrintOptions &options_;
  Namer namer_;
  std::unordered_map<const Value *, std::string> names_;
  std::vector<std::string> bufferNames_;
};

void FuncPrinter::nameValues(const Block &block) {
  for (const std::unique_ptr<Value> &arg : block.args())
    names_.emplace(arg.get(), namer_.unique(arg->name));
  for (const std::unique_ptr<Op> &op : const_cast<Block &>(block).ops()) {
    for (const std::unique_ptr<Value> &result : op->results())
      names_.emplace(result.get(), namer_.unique(result->name));
    for (int64_t i = 0; i < op->numRegions(); i++)
      nameValues(op->region(i));
  }
}

std::string FuncPrinter::valueText(const Value *value) const {
  if (!value)
    return "_";
  auto found = names_.find(value);
  return "%" + (found == names_.end() ? "?" : found->second);
}

std::string FuncPrinter::bufferText(int64_t index) const {
  bool exists = index >= 0 && index < static_cast<int64_t>(bufferNames_.size());
  return "#" + (exists ? bufferNames_[index] : "?");
}

void FuncPrinter::valueType(const Value &value) {
  out_ += value.type.str();
  if (value.layout) {
    std::string strides;
    for (const Dim &stride : value.layout->strides)
      strides += (strides.empty() ? " " : ", ") + stride.str();
    out_ += " @ " + bufferText(value.layout->buffer) + "[" + value.layout->offset.str() + ";" +
            strides + "]";
  }
  // Those of a Constant are its value.
  bool isConstant = value.definingOp() && value.definingOp()->kind() == OpKind::Constant;
  if (value.known && !isConstant)
    out_ += " known " + dimsText(*value.known);
}

void FuncPrinter::args(const Block &block) {
  out_ += "(";
  for (const std::unique_ptr<Value> &arg : block.args()) {
    out_ += (arg->index() ? ", " : "") + valueText(arg.get()) + ": ";
    valueType(*arg);
  }
  out_ += ")";
}

void FuncPrinter::attributes(const Op &op) {
  const OpSpec &row = spec(op.kind());
  AttrDict shown;
  for (const auto &[name, value] : op.attrs) {
    const AttrSpec *attribute = row.attribute(name);
    bool isDefault =
        attribute && attribute->otherwise && attrText(*attribute->otherwise) == attrText(value);
    if (row.level != Level::Graph || !isDefault)
      shown.set(name, value);
  }
  if (!shown.empty())
    out_ += " " + attrsText(shown);
}

void FuncPrinter::resultTypes(const Op &op) {
  for (const std::unique_ptr<Value> &result : op.results()) {
    out_ += result->index() ? ", " : " : ";
    valueType(*result);
  }
}

void FuncPrinter::op(const Op &op, int indent, bool withRegions) {
  out_.append(indent, ' ');
  for (const std::unique_ptr<Value> &result : op.results())
    out_ += (result->index() ? ", " : "") + valueText(result.get());
  out_ += op.numResults() ? " = " : "";
  out_ += std::string(spec(op.kind()).name) + "(";
  for (int64_t i = 0; i < op.numOperands(); i++)
    out_ += (i ? ", " : "") + valueText(op.operand(i));
  out_ += ")";
  attributes(op);
  resultTypes(op);
  const Op *around = op.block() ? op.block()->parentOp() : nullptr;
  if (options_.locations && !op.loc.nodes.empty() &&
      !(around && around->loc.nodes == op.loc.nodes)) {
    std::string nodes;
    for (const std::string &node : op.loc.nodes)
      nodes += (nodes.empty() ? "" : ", ") + quotedText(node);
    out_ += " loc(" + nodes + ")";
  }
  for (int64_t i = 0; withRegions && i < op.numRegions(); i++) {
    out_ += " ^";
    if (op.region(i).numArgs())
      args(op.region(i));
    block(op.region(i), indent);
  }
}

void FuncPrinter::block(const Block &block, int indent) {
  out_ += " {\n";
  for (const std::unique_ptr<Op> &inner : const_cast<Block &>(block).ops()) {
    op(*inner, indent + 2, true);
    out_ += "\n";
  }
  out_.append(indent, ' ');
  out_ += "}";
}

void FuncPrinter::buffers(const Func &func) {
  static constexpr const char *kSpaces[] = {"arena", "input", "output", "weight", "box"};
  out_ += " buffers {\n";
  for (size_t i = 0; i < func.buffers.size(); i++) {
    const Buffer &buffer = func.buffers[i];
    out_ += "    #" + bufferNames_[i] + " = " + kSpaces[static_cast<int>(buffer.space)];
    if (buffer.port >= 0)
      out_ += " " + std::to_string(buffer.port);
    out_ += ": " + std::string(dtypeName(buffer.dtype)) + "[" + buffer.size.str() + "]";
    if (buffer.offset != Dim(0))
      out_ += " at " + buffer.offset.str();
    out_ += "\n";
  }
  out_ += "  }";
}

void FuncPrinter::func(const Func &func) {
  nameValues(func.body);
  Namer bufferNamer;
  for (const Buffer &buffer : func.buffers)
    bufferNames_.push_back(bufferNamer.unique(buffer.name));
  out_ += "  func @" + nameText(func.name);
  args(func.body);
  if (!func.resultNames.empty()) {
    std::string names;
    for (const std::string &name : func.resultNames)
      names += (names.empty() ? "" : ", ") + quotedText(name);
    out_ += " results(" + names + ")";
  }
  if (!func.attrs.empty())
    out_ += " attrs " + attrsText(func.attrs);
  if (!func.buffers.empty())
    buffers(func);
  block(func.body, 2);
  out_ += "\n";
}

} // namespace

std::string print(const Module &module, const PrintOptions &options) {
  std::string out = "module " + quotedText(module.name);
  if (!module.metadata.empty()) {
    AttrDict metadata;
    for (const auto &[key, value] : module.metadata)
      metadata.set(key, value);
    out += " attrs " + attrsText(metadata);
  }
  out += " {\n";
  for (const std::unique_ptr<Func> &func : module.funcs)
    FuncPrinter(out, options).func(*func);
  return out + "}\n";
}

std::string printFunc(const Func &func, const PrintOptions &options) {
  std::string out;
  FuncPrinter(out, options).func(func);
  return out;
}

std::string printOp(const Op &op) {
  std::string out;
  PrintOptions options;
  FuncPrinter printer(out, options);
  if (op.block())
    printer.nameValues(rootOf(op.block()));
  printer.op(op, 0, false);
  return out;
}

std::string printValue(const Value &value) {
  std::string out;
  PrintOptions options;
  FuncPrinter printer(out, options);
  const Block *block = value.definingOp() ? value.definingOp()->block() : value.owner();
  if (block)
    printer.nameValues(rootOf(block));
  return printer.valueText(&value);
}

} // namespace cameo
