// See Linker.h. There is no sysroot: libc is a stub of our own that has the symbols a generated
// library may need (runtime/ uses no others) and the right name, so that the library records
// "needs libc" for any target, and lld reports any other undefined symbol.
#include "codegen/Linker.h"

#include "codegen/LlvmHeaders.h"
#include "codegen/ObjectFile.h"
#include "support/OutputFile.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <lld/Common/Driver.h>
#include <llvm/Support/Signals.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <mutex>

LLD_HAS_DRIVER(elf)
LLD_HAS_DRIVER(wasm)

namespace cameo {
namespace {

const char *const kLibcSymbols[] = {"pthread_create", "pthread_join", "malloc", "free", "syscall"};

// Weights come last, in a segment of their own: whatever their size, nothing else moves away from
// the code that refers to it, and they can be filled in after the link. The gap of addresses before
// them is as large as lld's tables, which come before them in the file: so their place in the file
// and their address can agree modulo a huge page.
const char *const kScript = R"(
PHDRS {
  headers PT_PHDR PHDRS;
  rodata PT_LOAD FILEHDR PHDRS FLAGS(4);
  text PT_LOAD FLAGS(5);
  data PT_LOAD FLAGS(6);
  weights PT_LOAD FLAGS(4);
  dynamic PT_DYNAMIC FLAGS(6);
  relro PT_GNU_RELRO FLAGS(4);
  stack PT_GNU_STACK FLAGS(6);
}
SECTIONS {
  . = SIZEOF_HEADERS;
  .dynsym : { *(.dynsym) } :rodata
  .gnu.hash : { *(.gnu.hash) } :rodata
  .dynstr : { *(.dynstr) } :rodata
  .rela.dyn : { *(.rela.dyn) } :rodata
  .rela.plt : { *(.rela.plt) } :rodata
  .rel.dyn : { *(.rel.dyn) } :rodata
  .rel.plt : { *(.rel.plt) } :rodata
  .rodata : { *(.rodata .rodata.*) } :rodata
  . = ALIGN(CONSTANT(MAXPAGESIZE)) + (. & (CONSTANT(MAXPAGESIZE) - 1));
  .text : { *(.text .text.*) } :text
  .plt : { *(.plt) } :text
  . = ALIGN(CONSTANT(MAXPAGESIZE)) + (. & (CONSTANT(MAXPAGESIZE) - 1));
  .data.rel.ro : { *(.data.rel.ro .data.rel.ro.*) } :data :relro
  .dynamic : { *(.dynamic) } :data :relro :dynamic
  .got : { *(.got) } :data :relro
  .got.plt : { *(.got.plt) } :data :relro
  . = ALIGN(CONSTANT(MAXPAGESIZE));
  .data : { *(.data .data.*) } :data
  .bss : { *(.bss .bss.* COMMON) } :data
  . = ALIGN(CONSTANT(MAXPAGESIZE)) + 0x20000;
  .cameo_weights (NOLOAD) : { *(.cameo_weights) } :weights
  /DISCARD/ : { *(.comment .eh_frame .note.* .ARM.exidx* .ARM.extab*) }
}
)";

/// The largest pages of the systems that a library is for, in bytes: segments are aligned to them.
/// Android and other systems on aarch64 have pages of 16 KiB, those on 32-bit ARM have small ones.
/// lld's own numbers are 64 KiB for both.
int64_t pageBytes(Arch arch) { return arch == Arch::AArch64 ? 16 << 10 : 4 << 10; }

// More than lld adds to what it links: headers, symbol tables, aligned segments. It writes through
// a mapping and would crash on a full disk.
constexpr int64_t kLinkOverhead = 256 << 10;

/// Whether lld's message is about the system, as `ld.lld: error: failed to open FILE: REASON`: what
/// the user's machine, not our object, is short of.
bool isAboutSystem(const std::string &text) {
  for (const char *words : {"cannot open output", "failed to open", "failed to write"})
    if (text.find(words) != std::string::npos)
      return true;
  for (int reason : {EMFILE, ENFILE, ENOMEM, ENOSPC, EDQUOT, EFBIG, EIO})
    if (text.find(std::strerror(reason)) != std::string::npos)
      return true;
  return false;
}

/// Of lld's message `ld.lld: error: undefined symbol: NAME`; "" if it is another.
std::string undefinedSymbol(const std::string &text) {
  const std::string words = "undefined symbol: ";
  size_t at = text.find(words);
  if (at == std::string::npos)
    return "";
  at += words.size();
  return text.substr(at, text.find('\n', at) - at);
}

} // namespace

// lld keeps global state.
Result<void> runLld(const std::vector<std::string> &args, const std::string &shown,
                    bool usersCode) {
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  static bool broken = false;
  ICE_UNLESS(!broken, "the linker crashed before");
  std::vector<const char *> raw;
  raw.reserve(args.size());
  for (const std::string &arg : args)
    raw.push_back(arg.c_str());
  std::string text;
  llvm::raw_string_ostream stream(text);
  lld::Result result = lld::lldMain(raw, llvm::nulls(), stream,
                                    {{lld::Gnu, &lld::elf::link}, {lld::Wasm, &lld::wasm::link}});
  // LLVM handles signals once it has written a file. Its handler has a moment in which a second
  // thread that crashes ends the program without a word; threads pack weights after this.
  llvm::sys::unregisterHandlers();
  broken = !result.canRunAgain;
  if (result.retCode == 0)
    return {};
  if (isAboutSystem(text)) {
    std::string line = text.substr(0, text.find('\n'));
    return badInput("cannot write '" + shown + "': " + line.substr(line.rfind(": ") + 2));
  }
  if (std::string symbol = undefinedSymbol(text); usersCode && !symbol.empty())
    return badInput("--ops: no library has '" + symbol + "', nor has the C library");
  if (usersCode)
    return badInput("--ops: the libraries do not link: " + text.substr(0, text.find('\n')));
  ICE("linking failed: " + text);
}

LldOutput::LldOutput(const std::string &file)
    : folder_(open(std::filesystem::path(file).parent_path().c_str(), O_PATH | O_CLOEXEC)),
      path_(file) {
  if (file.find('%') != std::string::npos)
    path_ = "/proc/self/fd/" + std::to_string(folder_.fd) + "/" +
            std::filesystem::path(file).filename().string();
}

Result<std::vector<std::unique_ptr<OutputFile>>> writeObjects(const LinkJob &job,
                                                              std::vector<std::string> &args) {
  std::vector<std::unique_ptr<OutputFile>> files;
  int64_t bytes = kLinkOverhead;
  for (std::string_view object : job.objects) {
    files.push_back(std::make_unique<OutputFile>(job.output, job.shown));
    TRY(files.back()->create());
    TRY(files.back()->append(object));
    args.push_back(files.back()->temporary());
    bytes += static_cast<int64_t>(object.size());
  }
  TRY(files.back()->checkRoom(bytes));
  return files;
}

namespace {

/// A shared library on disk while it lives: functions that do nothing, under the names of another
/// library's.
class Stub {
public:
  explicit Stub(const LinkJob &job)
      : shown_(job.shown), object_(job.output, job.shown), file_(job.output, job.shown) {}

  Result<void> make(const std::set<std::string> &symbols, const std::string &soname,
                    const Target &target);
  const std::string &path() const { return file_.temporary(); }

private:
  std::string shown_;
  OutputFile object_, file_;
};

Result<void> Stub::make(const std::set<std::string> &symbols, const std::string &soname,
                        const Target &target) {
  std::unique_ptr<llvm::TargetMachine> machine = makeMachine(target);
  llvm::LLVMContext context;
  llvm::Module module(soname, context);
  module.setTargetTriple(target.triple);
  module.setDataLayout(machine->createDataLayout());
  llvm::IRBuilder<> builder(context);
  for (const std::string &name : symbols) {
    auto *function = llvm::Function::Create(llvm::FunctionType::get(builder.getVoidTy(), false),
                                            llvm::GlobalValue::ExternalLinkage, name, module);
    builder.SetInsertPoint(llvm::BasicBlock::Create(context, "", function));
    builder.CreateRetVoid();
  }
  std::string bytes = emitObject(module, *machine).text;
  TRY(object_.create());
  TRY(object_.append(bytes));
  TRY(file_.create());
  TRY(file_.checkRoom(kLinkOverhead));
  LldOutput output(file_.temporary());
  return runLld({"ld.lld", "-shared", "--threads=1", "--build-id=none", "--soname=" + soname, "-o",
                 output.path(), object_.temporary()},
                shown_);
}

} // namespace

Result<void> linkShared(const LinkJob &job, const Target &target) {
  bool musl = target.triple.find("musl") != std::string::npos, user = !job.ops.paths.empty();
  LldOutput output(job.output);
  OutputFile script(job.output, job.shown);
  Stub libc(job), libm(job);
  std::set<std::string> symbols(std::begin(kLibcSymbols), std::end(kLibcSymbols));
  symbols.insert(job.ops.fromLibc.begin(), job.ops.fromLibc.end());
  TRY(libc.make(symbols, musl ? "libc.so" : "libc.so.6", target));
  TRY(script.create());
  TRY(script.append(kScript));
  std::vector<std::string> args = {"ld.lld",
                                   "-shared",
                                   "--threads=1",
                                   "--build-id=none",
                                   "--hash-style=gnu",
                                   "-Bsymbolic",
                                   "--gc-sections",
                                   "--no-undefined",
                                   "-z",
                                   "now",
                                   "-z",
                                   "relro",
                                   "-z",
                                   "noexecstack",
                                   "-z",
                                   fmt::format("max-page-size={}", pageBytes(target.arch)),
                                   "--soname=" + job.soname,
                                   "--script=" + script.temporary(),
                                   "--defsym=" + job.symbol + "=" + job.entry,
                                   "-o",
                                   output.path(),
                                   libc.path()};
  if (user && !musl) { // which has all in libc
    TRY(libm.make({}, "libm.so.6", target));
    args.push_back(libm.path());
  }
  std::vector<std::unique_ptr<OutputFile>> objects = TRY(writeObjects(job, args));
  if (user)
    args.emplace_back("--exclude-libs=ALL");
  args.insert(args.end(), job.ops.paths.begin(), job.ops.paths.end());
  return runLld(args, job.shown, user);
}

} // namespace cameo
