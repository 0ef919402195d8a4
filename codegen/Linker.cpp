// See Linker.h. There is no sysroot: libc is a stub of our own that has the symbols a generated
// library may need (runtime/ uses no others) and the right name, so that the library records
// "needs libc" for any target, and lld reports any other undefined symbol.
#include "codegen/Linker.h"

#include "codegen/LlvmHeaders.h"
#include "codegen/ObjectFile.h"
#include "codegen/OutputFile.h"

#include <lld/Common/Driver.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <mutex>

LLD_HAS_DRIVER(elf)
LLD_HAS_DRIVER(wasm)

namespace cameo {
namespace {

const char *const kLibcSymbols[] = {"pthread_create", "pthread_join", "malloc", "free", "syscall"};

// Weights come last, in a segment of their own: whatever their size, nothing else moves away from
// the code that refers to it, and they can be filled in after the link.
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
  . = ALIGN(CONSTANT(MAXPAGESIZE));
  .cameo_weights (NOLOAD) : { *(.cameo_weights) } :weights
  /DISCARD/ : { *(.comment .eh_frame .note.* .ARM.exidx* .ARM.extab*) }
}
)";

// More than lld adds to what it links: headers, symbol tables, segments aligned to 64 KiB pages. It
// writes through a mapping and would crash on a full disk.
constexpr int64_t kLinkOverhead = 256 << 10;

/// Whether lld's message is about writing its output, as `ld.lld: error: failed to open FILE:
/// REASON`.
bool isAboutOutput(const std::string &text) {
  for (const char *words : {"cannot open output", "failed to open", "failed to write"})
    if (text.find(words) != std::string::npos)
      return true;
  return false;
}

} // namespace

// lld keeps global state.
Result<void> runLld(const std::vector<std::string> &args, const std::string &shown) {
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
  broken = !result.canRunAgain;
  if (result.retCode == 0)
    return {};
  if (isAboutOutput(text)) {
    std::string line = text.substr(0, text.find('\n'));
    return badInput("cannot write '" + shown + "': " + line.substr(line.rfind(": ") + 2));
  }
  ICE("linking failed: " + text);
}

Result<std::vector<std::unique_ptr<OutputFile>>> writeObjects(const LinkJob &job,
                                                              std::vector<std::string> &args) {
  std::vector<std::unique_ptr<OutputFile>> files;
  int64_t bytes = kLinkOverhead;
  for (std::string_view object : job.objects) {
    files.push_back(std::make_unique<OutputFile>(job.output + ".o", job.shown));
    TRY(files.back()->create());
    TRY(files.back()->append(object));
    args.push_back(files.back()->temporary());
    bytes += static_cast<int64_t>(object.size());
  }
  TRY(files.back()->checkRoom(bytes));
  return files;
}

namespace {

// The stub as a shared library on disk: functions that do nothing under libc's names.
Result<void> makeStub(const Target &target, llvm::TargetMachine &machine, OutputFile &object,
                      OutputFile &stub, const std::string &shown) {
  llvm::LLVMContext context;
  llvm::Module module("libc", context);
  module.setTargetTriple(target.triple);
  module.setDataLayout(machine.createDataLayout());
  llvm::IRBuilder<> builder(context);
  for (const char *name : kLibcSymbols) {
    auto *function = llvm::Function::Create(llvm::FunctionType::get(builder.getVoidTy(), false),
                                            llvm::GlobalValue::ExternalLinkage, name, module);
    builder.SetInsertPoint(llvm::BasicBlock::Create(context, "", function));
    builder.CreateRetVoid();
  }
  std::string bytes = emitObject(module, machine);
  TRY(object.create());
  TRY(object.append(bytes));
  TRY(stub.create());
  TRY(stub.checkRoom(kLinkOverhead));
  std::string soname = target.triple.find("musl") != std::string::npos ? "libc.so" : "libc.so.6";
  return runLld({"ld.lld", "-shared", "--threads=1", "--build-id=none", "--soname=" + soname, "-o",
                 stub.temporary(), object.temporary()},
                shown);
}

} // namespace

Result<void> linkShared(const LinkJob &job, const Target &target, llvm::TargetMachine &machine) {
  OutputFile stubObject(job.output + ".libc.o", job.shown);
  OutputFile stub(job.output + ".libc.so", job.shown);
  OutputFile script(job.output + ".ld", job.shown);
  TRY(makeStub(target, machine, stubObject, stub, job.shown));
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
                                   "--soname=" + job.soname,
                                   "--script=" + script.temporary(),
                                   "--defsym=cameo_model=" + job.entry,
                                   "-o",
                                   job.output,
                                   stub.temporary()};
  std::vector<std::unique_ptr<OutputFile>> objects = TRY(writeObjects(job, args));
  return runLld(args, job.shown);
}

} // namespace cameo
