// See UserOps.h.
#include "codegen/UserOps.h"

#include "support/File.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <llvm/Object/Archive.h>
#include <llvm/Object/ELFObjectFile.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/Triple.h>

namespace cameo {
namespace {

/// Whether libm, or libc, which it is linked with, has the symbol; any when it is another
/// machine's.
bool isInLibc(const std::string &name, const llvm::Triple &triple) {
  if (triple.getArch() != llvm::Triple(llvm::sys::getProcessTriple()).getArch())
    return true;
  static void *const library = dlopen("libm.so.6", RTLD_LAZY);
  return !library || dlsym(library, name.c_str());
}

class Reader {
public:
  Reader(UserOps &ops, std::string path, const llvm::Triple &triple)
      : ops_(ops), path_(std::move(path)), triple_(triple) {}

  Result<void> readLibrary();
  std::set<std::string> undefined;

private:
  Error error(const std::string &reason) const {
    return badInput(fmt::format("--ops: '{}' {}", path_, reason));
  }
  Result<void> readObject(llvm::MemoryBufferRef buffer);

  UserOps &ops_;
  std::string path_;
  const llvm::Triple &triple_;
};

Result<void> Reader::readObject(llvm::MemoryBufferRef buffer) {
  llvm::Expected<std::unique_ptr<llvm::object::ObjectFile>> object =
      llvm::object::ObjectFile::createELFObjectFile(buffer);
  if (!object) {
    llvm::consumeError(object.takeError());
    return error(fmt::format("has a member '{}' that is no object file",
                             buffer.getBufferIdentifier().str()));
  }
  if ((*object)->getArch() != triple_.getArch())
    return error(fmt::format("is for {}, the target is {}",
                             llvm::Triple::getArchTypeName((*object)->getArch()).str(),
                             triple_.getArchName().str()));
  for (const llvm::object::SymbolRef &symbol : (*object)->symbols()) {
    llvm::Expected<uint32_t> flags = symbol.getFlags();
    llvm::Expected<llvm::StringRef> name = symbol.getName();
    if (!flags || !name) {
      llvm::consumeError(flags.takeError());
      llvm::consumeError(name.takeError());
      return error("has a damaged table of symbols");
    }
    using llvm::object::SymbolRef;
    if (!(*flags & SymbolRef::SF_Global) || name->empty())
      continue;
    if (!(*flags & SymbolRef::SF_Undefined))
      ops_.defined.insert(name->str());
    else if (!(*flags & SymbolRef::SF_Weak))
      undefined.insert(name->str());
  }
  return {};
}

Result<void> Reader::readLibrary() {
  if (Result<void> regular = checkRegular(path_); !regular)
    return badInput("--ops: " + regular.error().message);
  auto file = llvm::MemoryBuffer::getFile(path_);
  if (!file)
    return badInput(fmt::format("--ops: cannot read '{}': {}", path_, file.getError().message()));
  auto archive = llvm::object::Archive::create((*file)->getMemBufferRef());
  if (!archive) {
    llvm::consumeError(archive.takeError());
    return error("is no static library");
  }
  llvm::Error failed = llvm::Error::success();
  Result<void> done;
  for (const llvm::object::Archive::Child &child : (*archive)->children(failed)) {
    llvm::Expected<llvm::MemoryBufferRef> member = child.getMemoryBufferRef();
    if (member) {
      done = readObject(*member);
    } else {
      llvm::consumeError(member.takeError());
      done = error("has a member that cannot be read");
    }
    if (!done)
      break;
  }
  if (failed) {
    llvm::consumeError(std::move(failed));
    return error("is damaged");
  }
  return done;
}

} // namespace

Result<UserOps> readUserOps(const std::vector<std::string> &paths, const Target &target) {
  UserOps ops;
  llvm::Triple triple(target.triple);
  std::set<std::string> undefined;
  for (const std::string &path : paths) {
    Reader reader(ops, path, triple);
    TRY(reader.readLibrary());
    undefined.merge(reader.undefined);
    ops.paths.push_back(path);
  }
  for (const std::string &name : undefined)
    if (!ops.defined.contains(name) && name != "_GLOBAL_OFFSET_TABLE_" && isInLibc(name, triple))
      ops.fromLibc.insert(name);
  return ops;
}

} // namespace cameo
