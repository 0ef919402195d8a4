// See Harness.h.
#include "tests/codegen/Harness.h"

#include "codegen/Target.h"
#include "ir/Parser.h"

#include <algorithm>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace cameo::test {

TempFolder::TempFolder() {
  std::string name = std::filesystem::temp_directory_path() / "cameo.XXXXXX";
  path_ = mkdtemp(name.data());
}

TempFolder::~TempFolder() { std::filesystem::remove_all(path_); }

AttrDict attr(const std::string &name, Attr value) {
  AttrDict attrs;
  attrs.set(name, std::move(value));
  return attrs;
}

Value *LoopBuilder::op(OpKind kind, std::vector<Value *> operands, Type result, AttrDict attrs) {
  return b.create(kind, std::move(operands), {result}, std::move(attrs))->result();
}

void LoopBuilder::effect(OpKind kind, std::vector<Value *> operands, AttrDict attrs) {
  b.create(kind, std::move(operands), {}, std::move(attrs));
}

Value *LoopBuilder::index(int64_t value) {
  return op(OpKind::ScalarConst, {}, Type::index(), attr("value", value));
}

Value *LoopBuilder::call(const std::string &callee, std::vector<Value *> args, Type result) {
  std::vector<Type> results;
  if (!result.isNone())
    results.push_back(result);
  Op *call = b.create(OpKind::LoopCall, std::move(args), results, attr("callee", callee));
  return results.empty() ? nullptr : call->result();
}

Value *LoopBuilder::input(int64_t i, DType dtype) {
  return op(OpKind::FrameInput, {}, Type::pointer(dtype), attr("index", i));
}

Value *LoopBuilder::output(int64_t i, DType dtype) {
  return op(OpKind::FrameOutput, {}, Type::pointer(dtype), attr("index", i));
}

Value *LoopBuilder::load(Type type, Value *pointer, Value *i, Value *mask) {
  return op(OpKind::LoopLoad, {pointer, i, mask}, type);
}

void LoopBuilder::store(Value *value, Value *pointer, Value *i, Value *mask) {
  effect(OpKind::LoopStore, {value, pointer, i, mask});
}

Op *LoopBuilder::region(OpKind kind, std::vector<Value *> operands, std::vector<Type> args,
                        std::vector<Type> results,
                        const std::function<std::vector<Value *>(Block &)> &body) {
  Op *made = b.create(kind, std::move(operands), std::move(results), {}, 1);
  for (const Type &type : args)
    made->region().addArg(type);
  b.atEnd(made->region());
  std::vector<Value *> yielded = body(made->region());
  b.create(OpKind::LoopYield, yielded, {});
  b.after(made);
  return made;
}

Library::Library(const std::string &path) {
  handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle_) {
    ADD_FAILURE() << dlerror();
    return;
  }
  using Entry = const cameo_model *(*)();
  model_ = reinterpret_cast<Entry>(dlsym(handle_, CAMEO_MODEL_SYMBOL))();
}

Library::~Library() {
  if (handle_)
    dlclose(handle_);
}

Context::Context(const Library &library, int threads) {
  char message[256] = "";
  cameo_options options = cameo_default_options();
  options.threads = threads;
  options.message = message;
  options.message_size = sizeof message;
  EXPECT_EQ(cameo_create(library.model(), &options, &context_), CAMEO_OK) << message;
}

Context::~Context() { cameo_destroy(context_); }

int Context::run(std::vector<cameo_value> &inputs, std::vector<cameo_value> &outputs) {
  return cameo_run(context_, inputs.data(), outputs.data());
}

cameo_value tensor(DType dtype, const void *data, std::vector<int64_t> &dims, int64_t bytes) {
  cameo_value value = {};
  value.kind = CAMEO_TENSOR;
  value.as.tensor.data = const_cast<void *>(data);
  value.as.tensor.dims = dims.data();
  value.as.tensor.capacity = bytes;
  value.as.tensor.dtype = dtypeToOnnx(dtype);
  value.as.tensor.rank = static_cast<int32_t>(dims.size());
  return value;
}

static Func *addFunc(Program &program, const std::string &name, const std::string &kind) {
  Func *func = program.module.addFunc(name);
  func->attrs.set("kind", kind);
  return func;
}

void addDriver(Program &program, const std::string &kernel) {
  Func *team = addFunc(program, "team", "team");
  LoopBuilder t(program.module, team->body);
  std::vector<Value *> args;
  for (size_t i = 0; i < program.inputs.size(); i++)
    args.push_back(t.input(i, program.inputs[i].dtype));
  for (size_t i = 0; i < program.outputs.size(); i++)
    args.push_back(t.output(i, program.outputs[i].dtype));
  Value *units = t.op(OpKind::FrameDim, {}, Type::index(), attr("index", int64_t{0}));
  t.region(OpKind::TeamParallel, {units}, {Type::index(), Type::index()}, {}, [&](Block &block) {
    args.push_back(block.arg(0));
    args.push_back(block.arg(1));
    t.call(kernel, args, Type::none());
    return std::vector<Value *>();
  });
  t.effect(OpKind::LoopReturn, {});

  Func *main = addFunc(program, "main", "main");
  LoopBuilder m(program.module, main->body);
  m.effect(OpKind::TeamRun, {}, attr("callee", "team"));
  m.effect(OpKind::LoopReturn, {});

  Func *sizes = addFunc(program, "sizes", "sizes");
  LoopBuilder s(program.module, sizes->body);
  Value *zero = s.op(OpKind::ScalarConst, {}, Type::scalar(DType::I32), attr("value", int64_t{0}));
  s.effect(OpKind::LoopReturn, {zero});

  Func *workspace = addFunc(program, "workspace", "workspace");
  workspace->body.addArg(Type::index());
  LoopBuilder w(program.module, workspace->body);
  w.effect(OpKind::LoopReturn, {w.index(0)});
}

Program
rowProgram(std::vector<DType> inputs, std::vector<DType> outputs,
           const std::function<void(LoopBuilder &, std::vector<Value *>, Value *, Value *)> &body) {
  Program program;
  program.symbols = {"N"};
  program.numDims = 1;
  auto port = [](const std::string &name, DType dtype) {
    PortDim dim;
    dim.entry = 0;
    return Port{name, dtype, {dim}};
  };
  Func *kernel = addFunc(program, "kernel", "kernel");
  std::vector<Value *> pointers;
  for (DType dtype : inputs) {
    program.inputs.push_back(port("x" + std::to_string(program.inputs.size()), dtype));
    pointers.push_back(kernel->body.addArg(Type::pointer(dtype)));
  }
  for (DType dtype : outputs) {
    program.outputs.push_back(port("y" + std::to_string(program.outputs.size()), dtype));
    pointers.push_back(kernel->body.addArg(Type::pointer(dtype)));
  }
  Value *begin = kernel->body.addArg(Type::index());
  Value *end = kernel->body.addArg(Type::index());
  LoopBuilder builder(program.module, kernel->body);
  body(builder, pointers, begin, end);
  builder.effect(OpKind::LoopReturn, {});
  addDriver(program, "kernel");
  return program;
}

std::string typeText(DType dtype, int64_t lanes) {
  std::string name(dtypeName(dtype));
  return lanes == 1 ? name : "vec<" + std::to_string(lanes) + "x" + name + ">";
}

Program textProgram(std::vector<DType> inputs, std::vector<DType> outputs, int64_t lanes,
                    const std::string &ops, const std::string &more) {
  Program program;
  program.symbols = {"N"};
  program.numDims = 1;
  PortDim dim;
  dim.entry = 0;
  std::string params;
  auto addPorts = [&](std::vector<Port> &ports, const std::vector<DType> &dtypes, char letter) {
    for (size_t i = 0; i < dtypes.size(); i++) {
      ports.push_back({letter + std::to_string(i), dtypes[i], {dim}});
      params += "%" + ports[i].name + ": ptr<" + std::string(dtypeName(dtypes[i])) + ">, ";
    }
  };
  addPorts(program.inputs, inputs, 'x');
  addPorts(program.outputs, outputs, 'y');
  std::string text = "module \"m\" {\n" + more + "func @kernel(" + params +
                     "%begin: index, %end: index) attrs {kind = \"kernel\"} {\n" +
                     "%step = const() {value = " + std::to_string(lanes) + "} : index\n" +
                     "for(%begin, %end, %step) ^(%i: index) {\n" + ops +
                     "yield()\n}\nreturn()\n}\n}\n";
  Result<Module> module = parseModule(text, "test");
  EXPECT_TRUE(module) << module.error().message << "\n" << text;
  program.module = std::move(*module);
  addDriver(program, "kernel");
  return program;
}

// tests/targets/emulate.sh for the target's architecture, with a folder for what it makes once.
static std::string emulator(const Target &target) {
  static TempFolder folder;
  return std::string(CAMEO_SOURCE "/tests/targets/emulate.sh ") +
         std::string(archName(target.arch)) + " " + folder.path("");
}

bool canRun(const Target &target) {
  if (target.arch != Arch::X86_64)
    return std::system(emulator(target).c_str()) == 0;
  Target host = *resolveTarget("host", "native");
  return std::all_of(target.features.begin(), target.features.end(),
                     [&](const std::string &feature) { return host.has(feature); });
}

static std::vector<std::vector<std::byte>>
runEmulated(const Program &program, const Target &target, const std::string &library,
            const std::vector<std::vector<std::byte>> &inputs, int64_t count, int threads) {
  TempFolder folder;
  std::string command = emulator(target) + " " + library + " " + std::to_string(count) + " " +
                        std::to_string(threads);
  for (size_t i = 0; i < inputs.size(); i++) {
    std::string path = folder.path("in" + std::to_string(i));
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char *>(inputs[i].data()), inputs[i].size());
    command += " " + path;
  }
  for (size_t i = 0; i < program.outputs.size(); i++)
    command += " " + folder.path("out" + std::to_string(i));
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  std::vector<std::vector<std::byte>> results;
  for (size_t i = 0; i < program.outputs.size(); i++) {
    std::vector<std::byte> bytes(count * dtypeBytes(program.outputs[i].dtype));
    std::ifstream file(folder.path("out" + std::to_string(i)), std::ios::binary);
    file.read(reinterpret_cast<char *>(bytes.data()), bytes.size());
    EXPECT_EQ(file.gcount(), static_cast<std::streamsize>(bytes.size()));
    results.push_back(std::move(bytes));
  }
  return results;
}

std::vector<std::vector<std::byte>> runRows(const Program &program, const Target &target,
                                            const std::vector<std::vector<std::byte>> &inputs,
                                            int64_t count, int threads) {
  TempFolder folder;
  EmitOptions options;
  options.kind = target.isWasm() ? OutputKind::WasmModule : OutputKind::SharedLibrary;
  std::string path = folder.path("rows.so");
  Result<std::vector<Spill>> emitted = emit(program, target, options, path);
  EXPECT_TRUE(emitted) << emitted.error().message;
  return runLibrary(program, target, path, inputs, count, threads);
}

std::vector<std::vector<std::byte>> runLibrary(const Program &program, const Target &target,
                                               const std::string &path,
                                               const std::vector<std::vector<std::byte>> &inputs,
                                               int64_t count, int threads) {
  if (target.arch != Arch::X86_64)
    return runEmulated(program, target, path, inputs, count, threads);
  Library library(path);
  Context context(library, threads);
  std::vector<int64_t> dims = {count};
  std::vector<cameo_value> in, out;
  std::vector<std::vector<std::byte>> results;
  for (size_t i = 0; i < inputs.size(); i++)
    in.push_back(tensor(program.inputs[i].dtype, inputs[i].data(), dims, inputs[i].size()));
  std::vector<std::vector<int64_t>> outDims(program.outputs.size(), dims);
  for (size_t i = 0; i < program.outputs.size(); i++) {
    DType dtype = program.outputs[i].dtype;
    results.emplace_back(count * dtypeBytes(dtype), std::byte{0xcd});
    out.push_back(tensor(dtype, results[i].data(), outDims[i], results[i].size()));
  }
  EXPECT_EQ(context.run(in, out), CAMEO_OK) << context.error();
  return results;
}

Target targetOf(const std::string &cpu) {
  static const std::pair<const char *, const char *> triples[] = {
      {"armv8", "aarch64-linux-gnu"},
      {"armv7", "armv7-linux-gnueabihf"},
      {"rv64", "riscv64-linux-gnu"},
      {"wasm32", "wasm32"}};
  for (const auto &[prefix, triple] : triples)
    if (cpu.starts_with(prefix))
      return *namedTarget(triple, cpu);
  Result<Target> target = resolveTarget("host", cpu);
  EXPECT_TRUE(target);
  return *target;
}

} // namespace cameo::test
