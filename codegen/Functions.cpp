// Declares the generated functions of a part, then emits their bodies; see Functions.h.
#include "codegen/Functions.h"

#include "codegen/FuncEmitter.h"
#include "codegen/Names.h"
#include "ir/OpSpec.h"
#include "runtime/abi.h"

#include <algorithm>
#include <set>

namespace cameo {
namespace {

// Notes which hidden arguments the ops of a block ask for, and whom they call.
void collectNeeds(Block &block, FuncInterface &needs) {
  for (const std::unique_ptr<Op> &op : block.ops()) {
    switch (op->kind()) {
    case OpKind::TeamThread:
    case OpKind::TeamThreads:
      needs.thread = true;
      break;
    case OpKind::TeamSingle:
    case OpKind::TeamParallel:
    case OpKind::TeamBarrier:
      needs.thread = needs.frame = true;
      break;
    case OpKind::TeamRun:
      needs.callees.push_back(op->attrs.getString("callee"));
      needs.frame = true;
      break;
    case OpKind::TeamFail:
      needs.frame = true;
      break;
    case OpKind::LoopCall:
      needs.callees.push_back(op->attrs.getString("callee"));
      break;
    default:
      needs.frame = needs.frame || spec(op->kind()).family == Family::Frame;
    }
    for (int64_t i = 0; i < op->numRegions(); i++)
      collectNeeds(op->region(i), needs);
  }
}

bool hasFixedSignature(const std::string &kind) {
  return kind == "main" || kind == "sizes" || kind == "workspace" || kind == "team";
}

/// The kinds of functions that the model object refers to.
bool isEntry(const std::string &kind) { return hasFixedSignature(kind) && kind != "team"; }

// A function needs what it uses and what those it calls need; calls may be recursive, so until
// nothing changes. Those started as a team have a signature of their own.
void spreadNeeds(FuncInterfaces &interfaces) {
  for (bool changed = true; changed;) {
    changed = false;
    for (auto &[name, entry] : interfaces) {
      bool frame = entry.frame, thread = entry.thread;
      for (const std::string &callee : entry.callees) {
        auto found = interfaces.find(callee);
        ICE_UNLESS(found != interfaces.end(), "call of unknown function '" + callee + "'");
        if (found->second.kind == "team")
          continue;
        frame |= found->second.frame;
        thread |= found->second.thread;
      }
      changed |= frame != entry.frame || thread != entry.thread;
      entry.frame = frame;
      entry.thread = thread;
    }
  }
}

llvm::FunctionType *signature(OpBuilder &builder, Func &func, const EmittedFunc &entry) {
  llvm::Type *pointer = builder.getPtrTy(), *i32 = builder.getInt32Ty();
  llvm::Type *none = builder.getVoidTy();
  if (entry.kind == "main")
    return llvm::FunctionType::get(none, {pointer}, false);
  if (entry.kind == "sizes")
    return llvm::FunctionType::get(i32, {pointer, pointer}, false);
  if (entry.kind == "workspace")
    return llvm::FunctionType::get(builder.getInt64Ty(), {pointer, i32}, false);
  if (entry.kind == "team")
    return llvm::FunctionType::get(none, {pointer, i32, i32}, false);
  std::vector<llvm::Type *> types;
  for (const std::unique_ptr<Value> &arg : func.body.args())
    types.push_back(builder.type(arg->type));
  if (entry.frame)
    types.push_back(pointer);
  if (entry.thread)
    types.insert(types.end(), {i32, i32});
  std::vector<Type> results;
  Op *last = func.body.terminator();
  if (last->kind() == OpKind::LoopReturn)
    for (Value *result : last->operands())
      results.push_back(result->type);
  return llvm::FunctionType::get(resultType(builder, results), types, false);
}

/// What profilers show: the name, and the end of that of the node that it was written for.
std::string symbolOf(const Func &func) {
  constexpr size_t kMost = 40;
  // The prefix keeps the names apart from the runtime's and libc's.
  std::string symbol = "fn." + func.name, node = func.attrs.getString("node");
  if (node.empty())
    return symbol;
  return symbol + "." +
         identifierCharacters(node.substr(node.size() - std::min(node.size(), kMost)));
}

/// One that other parts call is a symbol within the library.
void declare(OpBuilder &builder, const FuncInterface &interface, bool isWhole, EmittedFunc &entry) {
  Func &func = *interface.func;
  ICE_UNLESS(func.body.parentOp() == nullptr && !func.body.ops().empty(),
             "function '" + func.name + "' has no body");
  entry = {nullptr, interface.kind, interface.frame, interface.thread};
  auto linkage = isWhole ? llvm::Function::InternalLinkage : llvm::Function::ExternalLinkage;
  entry.function = llvm::Function::Create(signature(builder, func, entry), linkage,
                                          interface.symbol, builder.module());
  if (!isWhole) {
    entry.function->setVisibility(llvm::GlobalValue::HiddenVisibility);
    entry.function->setDSOLocal(true);
  }
  setTargetAttributes(*entry.function, builder.target());
  markGenerated(*entry.function, builder.target());
  if (!hasFixedSignature(entry.kind))
    entry.function->addFnAttr(llvm::Attribute::NoInline);
  if (entry.kind != "micro")
    return;
  std::vector<int64_t> mayAlias = func.attrs.getInts("may_alias");
  for (llvm::Argument &arg : entry.function->args())
    if (arg.getType()->isPointerTy() &&
        std::find(mayAlias.begin(), mayAlias.end(), arg.getArgNo()) == mayAlias.end())
      arg.addAttr(llvm::Attribute::NoAlias);
}

} // namespace

namespace {

/// Whether CAMEO_FRAME_FIELDS has all members of cameo_frame in their order.
constexpr bool mirrorsFrame() {
  size_t end = 0;
  bool inOrder = true;
#define X(field, member)                                                                           \
  inOrder = inOrder && offsetof(cameo_frame, member) == end;                                       \
  end += sizeof(cameo_frame::member);
  CAMEO_FRAME_FIELDS(X)
#undef X
  return inOrder && end == sizeof(cameo_frame);
}
static_assert(mirrorsFrame());

template <class Member> llvm::Type *mirrored(llvm::LLVMContext &context) {
  if constexpr (std::is_pointer_v<Member>)
    return llvm::PointerType::get(context, 0);
  else
    return llvm::IntegerType::get(context, 8 * sizeof(Member));
}

} // namespace

llvm::StructType *frameType(llvm::LLVMContext &context) {
  return llvm::StructType::get(context, {
#define X(field, member) mirrored<decltype(cameo_frame::member)>(context),
                                            CAMEO_FRAME_FIELDS(X)
#undef X
                                        });
}

llvm::Type *resultType(OpBuilder &builder, const std::vector<Type> &types) {
  std::vector<llvm::Type *> results;
  for (const Type &type : types)
    results.push_back(builder.type(type));
  if (results.empty())
    return builder.getVoidTy();
  return results.size() == 1 ? results.front()
                             : llvm::StructType::get(builder.getContext(), results);
}

void setTargetAttributes(llvm::Function &function, const Target &target) {
  std::string width = std::to_string(8 * target.vectorBytes);
  function.addFnAttr("target-cpu", target.llvmCpu);
  if (!target.llvmFeatures.empty())
    function.addFnAttr("target-features", target.llvmFeatures);
  if (!target.tuneCpu.empty())
    function.addFnAttr("tune-cpu", target.tuneCpu);
  function.addFnAttr("prefer-vector-width", width);
  function.addFnAttr("min-legal-vector-width", width);
  function.setDoesNotThrow();
}

void markGenerated(llvm::Function &function, const Target &target) {
  function.addFnAttr("cameo-generated");
  if (target.arch == Arch::X86_64) // in the mode that the runtime sets
    function.addFnAttr("denormal-fp-math", "preserve-sign,ieee");
}

bool isGenerated(const llvm::Function &function) {
  return function.hasFnAttribute("cameo-generated");
}

/// Many LLVM passes take more than linear time in a function's length. The functions that fill the
/// table of sizes or call kernels have no hot loops, so very long ones are not optimised.
static void limitOptimization(const EmittedFunc &entry) {
  constexpr unsigned kLong = 8000; // instructions
  if (!hasFixedSignature(entry.kind) || entry.function->getInstructionCount() < kLong)
    return;
  entry.function->addFnAttr(llvm::Attribute::NoInline);
  entry.function->addFnAttr(llvm::Attribute::OptimizeNone);
}

FuncInterfaces interfacesOf(const Module &module) {
  FuncInterfaces interfaces;
  std::set<std::string> symbols;
  for (const std::unique_ptr<Func> &func : module.funcs) {
    FuncInterface &entry = interfaces[func->name];
    ICE_UNLESS(!entry.func, "two functions called '" + func->name + "'");
    entry.func = func.get();
    entry.kind = func->attrs.getString("kind", "kernel");
    entry.symbol = symbolOf(*func);
    while (!symbols.insert(entry.symbol).second)
      entry.symbol += "_";
    collectNeeds(func->body, entry);
  }
  spreadNeeds(interfaces);
  return interfaces;
}

EmittedFuncs emitFuncs(const FuncInterfaces &interfaces, const CodePart &part, const Target &target,
                       llvm::Module &into) {
  OpBuilder builder(into, target);
  EmittedFuncs funcs;
  auto declareOnce = [&](const std::string &name) {
    if (auto [entry, isNew] = funcs.try_emplace(name); isNew)
      declare(builder, interfaces.at(name), part.isWhole, entry->second);
  };
  for (const Func *func : part.funcs)
    declareOnce(func->name);
  for (const Func *func : part.funcs)
    for (const std::string &callee : interfaces.at(func->name).callees)
      declareOnce(callee);
  if (part.hasModel)
    for (const auto &[name, interface] : interfaces)
      if (isEntry(interface.kind))
        declareOnce(name);
  for (Func *func : part.funcs) {
    const EmittedFunc &entry = funcs.at(func->name);
    FuncEmitter(builder, funcs, entry).emit(*func);
    limitOptimization(entry);
  }
  return funcs;
}

} // namespace cameo
