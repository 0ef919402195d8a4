// IR text back to a module: recursive descent, one function a construct; see Parser.h.
//
//   module  := 'module' string ['attrs' attrs] '{' func* '}'
//   func    := 'func' '@'name args ['results' '(' strings ')'] ['attrs' attrs]
//              ['buffers' '{' buffer* '}'] body
//   buffer  := '#'name '=' space [port] ':' dtype '[' size ']' ['at' size]
//   body    := '{' op* '}'
//   op      := [values '='] name '(' operands ')' [attrs] [':' types] ['loc' '(' strings ')']
//              ('^' [args] body)*
//   type    := see AttrText.h, then ['@' '#'buffer '[' offset ';' strides ']'] ['known' sizes]
#include "ir/Parser.h"

#include "ir/AttrText.h"
#include "ir/OpSpec.h"
#include "ir/infer/Infer.h"

#include <unordered_map>

namespace cameo {
namespace {

constexpr int kMaxParsedDepth = 100;

/// A layout whose buffer was named before the buffers were known.
struct PendingBuffer {
  Value *value;
  std::string key;
  size_t position;
};

/// What stands after a value's colon.
struct ValueInfo {
  Type type;
  std::optional<Layout> layout;
  std::string bufferKey;
  size_t bufferPosition = 0;
  std::optional<Dims> known;
};

class Parser {
public:
  Parser(std::string_view text, const std::string &fileName) : lexer_(text, fileName) {}
  Result<void> module(Module &module);
  /// Constants that were only named.
  std::vector<std::string> elided() const {
    std::vector<std::string> names;
    for (const auto &[constant, data] : consts_.seen)
      names.push_back("'" + constant.first + "' (" + constant.second + ")");
    return names;
  }

private:
  Result<void> func();
  Result<void> buffers(Func &func);
  Result<void> buffer(Func &func);
  Result<void> resolveBuffers();
  Result<void> args(Block &block);
  Result<void> body(Block &block);
  Result<void> op(Block &block);
  Result<void> regions(Op &op);
  Result<void> resultTypes(Op &op);
  Result<std::vector<std::string>> resultNames(std::vector<size_t> &positions);
  Result<std::vector<Value *>> operands();
  Result<Loc> location();
  Result<std::string> key(const char *what);
  Result<ValueInfo> valueInfo();
  void setInfo(Value &value, ValueInfo info);
  Result<void> define(Value *value, const std::string &key, size_t position);

  Lexer lexer_;
  Module *module_ = nullptr;
  NamedConsts consts_;
  std::unordered_map<std::string, Value *> values_;
  /// Names in order of definition; a region's are forgotten at its end.
  std::vector<std::string> scope_;
  std::unordered_map<std::string, int64_t> bufferIndex_;
  std::vector<PendingBuffer> pending_;
  int depth_ = 0;
};

/// The name in a key; "" for a number.
std::string nameOf(const std::string &key) { return key[0] == '"' ? key.substr(1) : ""; }

/// `name`, `"any text"` or `12`, after `%` or `#`. Names get a quote in front, so that `12` and
/// `"12"` differ: the one is no name but a number given by the printer.
Result<std::string> Parser::key(const char *what) {
  char next = lexer_.peek();
  if (next < '0' || next > '9')
    return "\"" + TRY(lexer_.name(what));
  size_t begin = lexer_.position();
  std::string text(TRY(lexer_.number()));
  if (text.find_first_not_of("0123456789") != std::string::npos)
    return lexer_.errorAt(begin, "expected " + std::string(what) + ", got '" + text + "'");
  return text;
}

Result<void> Parser::define(Value *value, const std::string &key, size_t position) {
  if (!values_.emplace(key, value).second)
    return lexer_.errorAt(position, "the value is defined twice");
  scope_.push_back(key);
  value->name = nameOf(key);
  return {};
}

Result<ValueInfo> Parser::valueInfo() {
  ValueInfo info;
  info.type = TRY(readType(lexer_));
  if (lexer_.accept("@")) {
    TRY(lexer_.expect("#"));
    info.bufferPosition = lexer_.position();
    info.bufferKey = TRY(key("a buffer's name"));
    TRY(lexer_.expect("["));
    Layout layout;
    layout.offset = TRY(lexer_.dim());
    TRY(lexer_.expect(";"));
    while (!lexer_.accept("]")) {
      if (!layout.strides.empty())
        TRY(lexer_.expect(","));
      layout.strides.push_back(TRY(lexer_.dim()));
    }
    info.layout = std::move(layout);
  }
  if (lexer_.acceptWord("known"))
    info.known = TRY(readDims(lexer_));
  return info;
}

void Parser::setInfo(Value &value, ValueInfo info) {
  value.type = std::move(info.type);
  value.known = std::move(info.known);
  value.layout = std::move(info.layout);
  if (value.layout)
    pending_.push_back({&value, std::move(info.bufferKey), info.bufferPosition});
}

Result<void> Parser::args(Block &block) {
  TRY(lexer_.expect("("));
  while (!lexer_.accept(")")) {
    if (block.numArgs())
      TRY(lexer_.expect(","));
    size_t begin = lexer_.position();
    TRY(lexer_.expect("%"));
    std::string argKey = TRY(key("a value's name"));
    TRY(lexer_.expect(":"));
    Value *arg = block.addArg(Type::none());
    setInfo(*arg, TRY(valueInfo()));
    TRY(define(arg, argKey, begin));
  }
  return {};
}

Result<std::vector<std::string>> Parser::resultNames(std::vector<size_t> &positions) {
  std::vector<std::string> names;
  while (lexer_.peek() == '%') {
    positions.push_back(lexer_.position());
    TRY(lexer_.expect("%"));
    names.push_back(TRY(key("a value's name")));
    if (!lexer_.accept(",")) {
      TRY(lexer_.expect("="));
      break;
    }
    if (lexer_.peek() != '%')
      return lexer_.error("expected a value, got " + lexer_.nextText());
  }
  return names;
}

Result<std::vector<Value *>> Parser::operands() {
  std::vector<Value *> operands;
  TRY(lexer_.expect("("));
  while (!lexer_.accept(")")) {
    if (!operands.empty())
      TRY(lexer_.expect(","));
    size_t begin = lexer_.position();
    if (lexer_.acceptWord("_")) {
      operands.push_back(nullptr);
      continue;
    }
    TRY(lexer_.expect("%"));
    auto found = values_.find(TRY(key("a value's name")));
    if (found == values_.end())
      return lexer_.errorAt(begin, "the value is not defined before its use");
    operands.push_back(found->second);
  }
  return operands;
}

Result<Loc> Parser::location() {
  Loc loc;
  TRY(lexer_.expect("("));
  while (!lexer_.accept(")")) {
    if (!loc.nodes.empty())
      TRY(lexer_.expect(","));
    loc.nodes.push_back(TRY(lexer_.string()));
  }
  return loc;
}

Result<void> Parser::resultTypes(Op &op) {
  for (int64_t i = 0; i < op.numResults(); i++) {
    if (i)
      TRY(lexer_.expect(","));
    setInfo(*op.result(i), TRY(valueInfo()));
  }
  // What the printer leaves out.
  const OpSpec &row = spec(op.kind());
  ConstRef data = op.kind() == OpKind::Constant && op.numResults() == 1 && op.attrs.has("value") &&
                          std::holds_alternative<ConstRef>(*op.attrs.find("value"))
                      ? op.attrs.getConst("value")
                      : nullptr;
  if (data)
    op.result()->known = knownElements(data);
  for (const AttrSpec &attribute : row.attributes)
    if (row.level == Level::Graph && attribute.otherwise && !op.attrs.has(attribute.name))
      op.attrs.set(attribute.name, *attribute.otherwise);
  return {};
}

Result<void> Parser::regions(Op &op) {
  while (lexer_.accept("^")) {
    if (++depth_ > kMaxParsedDepth)
      return lexer_.error("regions nested more than " + std::to_string(kMaxParsedDepth) + " deep");
    size_t outer = scope_.size();
    Block &block = op.addRegion();
    if (lexer_.peek() == '(')
      TRY(args(block));
    TRY(body(block));
    for (; scope_.size() > outer; scope_.pop_back())
      values_.erase(scope_.back());
    depth_--;
  }
  return {};
}

Result<void> Parser::op(Block &block) {
  std::vector<size_t> positions;
  std::vector<std::string> names = TRY(resultNames(positions));
  size_t kindPosition = lexer_.position();
  std::string kindName = TRY(lexer_.name("an op"));
  std::optional<OpKind> kind = kindFromName(kindName);
  if (!kind)
    return lexer_.errorAt(kindPosition, "unknown op '" + kindName + "'");
  std::vector<Value *> operandValues = TRY(operands());
  Op *op = Op::insert(Op::make(*kind, std::move(operandValues), std::vector<Type>(names.size())),
                      block, block.ops().end());
  if (lexer_.accept("{"))
    op->attrs = TRY(readAttrs(lexer_, consts_));
  bool typed = lexer_.accept(":");
  if (typed)
    TRY(resultTypes(*op));
  if (lexer_.acceptWord("loc"))
    op->loc = TRY(location());
  else if (block.parentOp())
    op->loc = block.parentOp()->loc;
  TRY(regions(*op));
  if (!typed && spec(*kind).level == Level::Graph) {
    if (Result<void> inferred = inferOp(*module_, *op); !inferred)
      return lexer_.errorAt(kindPosition, inferred.error().message);
  } else if (!typed && !names.empty()) {
    return lexer_.errorAt(kindPosition, "the results of '" + kindName + "' have no types");
  }
  for (size_t i = 0; i < names.size(); i++)
    TRY(define(op->result(static_cast<int64_t>(i)), names[i], positions[i]));
  return {};
}

Result<void> Parser::body(Block &block) {
  TRY(lexer_.expect("{"));
  while (!lexer_.accept("}"))
    TRY(op(block));
  return {};
}

/// After `#`.
Result<void> Parser::buffer(Func &func) {
  static const std::unordered_map<std::string_view, Buffer::Space> kSpaces = {
      {"arena", Buffer::Space::Arena},
      {"input", Buffer::Space::Input},
      {"output", Buffer::Space::Output},
      {"weight", Buffer::Space::Weight},
      {"box", Buffer::Space::Box}};
  Buffer buffer;
  size_t begin = lexer_.position();
  std::string bufferKey = TRY(key("a buffer's name"));
  buffer.name = nameOf(bufferKey);
  if (!bufferIndex_.emplace(bufferKey, func.buffers.size()).second)
    return lexer_.errorAt(begin, "the buffer is defined twice");
  TRY(lexer_.expect("="));
  size_t spacePosition = lexer_.position();
  std::string_view word = lexer_.word();
  auto space = kSpaces.find(word);
  if (space == kSpaces.end())
    return lexer_.errorAt(spacePosition, "expected arena, input, output, weight or box, got '" +
                                             std::string(word) + "'");
  buffer.space = space->second;
  if (lexer_.peek() != ':')
    buffer.port = TRY(lexer_.integer());
  TRY(lexer_.expect(":"));
  size_t typePosition = lexer_.position();
  Type type = TRY(readType(lexer_));
  if (!type.isRanked() || type.rank() != 1)
    return lexer_.errorAt(typePosition, "expected a type of rank 1, got " + type.str());
  buffer.dtype = type.dtype();
  buffer.size = type.dim(0);
  if (lexer_.acceptWord("at"))
    buffer.offset = TRY(lexer_.dim());
  func.buffers.push_back(std::move(buffer));
  return {};
}

Result<void> Parser::buffers(Func &func) {
  TRY(lexer_.expect("{"));
  while (lexer_.accept("#"))
    TRY(buffer(func));
  return lexer_.expect("}");
}

Result<void> Parser::resolveBuffers() {
  for (PendingBuffer &use : pending_) {
    auto found = bufferIndex_.find(use.key);
    if (found == bufferIndex_.end())
      return lexer_.errorAt(use.position, "a buffer that the function does not have");
    use.value->layout->buffer = found->second;
  }
  return {};
}

Result<void> Parser::func() {
  TRY(lexer_.expect("@"));
  size_t begin = lexer_.position();
  std::string name = TRY(lexer_.name("a function's name"));
  if (module_->find(name))
    return lexer_.errorAt(begin, "function '@" + name + "' is defined twice");
  Func &func = *module_->addFunc(name);
  values_.clear(), scope_.clear(), bufferIndex_.clear(), pending_.clear();
  TRY(args(func.body));
  if (lexer_.acceptWord("results"))
    func.resultNames = TRY(location()).nodes;
  if (lexer_.acceptWord("attrs")) {
    TRY(lexer_.expect("{"));
    func.attrs = TRY(readAttrs(lexer_, consts_));
  }
  if (lexer_.acceptWord("buffers"))
    TRY(buffers(func));
  TRY(body(func.body));
  return resolveBuffers();
}

Result<void> Parser::module(Module &module) {
  module_ = &module;
  TRY(lexer_.expectWord("module"));
  module.name = TRY(lexer_.string());
  if (lexer_.acceptWord("attrs")) {
    TRY(lexer_.expect("{"));
    size_t begin = lexer_.position();
    for (const auto &[key, value] : TRY(readAttrs(lexer_, consts_))) {
      const std::string *text = std::get_if<std::string>(&value);
      if (!text)
        return lexer_.errorAt(begin, "expected a string for '" + key + "', got " + attrText(value));
      module.metadata[key] = *text;
    }
  }
  TRY(lexer_.expect("{"));
  while (lexer_.acceptWord("func"))
    TRY(func());
  TRY(lexer_.expect("}"));
  if (!lexer_.atEnd())
    return lexer_.error("expected the end, got " + lexer_.nextText());
  return {};
}

/// Symbols that inference made (Module::freshSymbol) have a dot and a number: those to come must
/// differ from all in the text.
void reserveSymbols(std::string_view text, Module &module) {
  for (size_t dot = text.find('.'); dot != std::string_view::npos; dot = text.find('.', dot + 1)) {
    size_t end = dot + 1;
    int64_t number = 0;
    constexpr size_t kMaxDigits = 15;
    while (end < text.size() && end - dot <= kMaxDigits && text[end] >= '0' && text[end] <= '9')
      number = number * 10 + (text[end++] - '0');
    bool isSymbol = dot > 0 && end > dot + 1 && !(text[dot - 1] >= '0' && text[dot - 1] <= '9');
    if (isSymbol)
      module.reserveSymbols(number + 1);
  }
}

} // namespace

Result<Module> parseModule(std::string_view text, const std::string &fileName,
                           std::vector<std::string> *elided) {
  Module module;
  reserveSymbols(text, module);
  Parser parser(text, fileName);
  TRY(parser.module(module));
  if (elided)
    *elided = parser.elided();
  return module;
}

Result<Type> parseType(std::string_view text) {
  Lexer lexer(text, "type");
  Type type = TRY(readType(lexer));
  if (!lexer.atEnd())
    return lexer.error("expected the end, got " + lexer.nextText());
  return type;
}

} // namespace cameo
