// Host detection through LLVM; see Target.h.
#include "codegen/Target.h"

#include <llvm/ADT/StringMap.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/Triple.h>

namespace cameo {

Result<Target> resolveTarget(const std::string &triple, const std::string &cpu) {
  llvm::Triple host(llvm::sys::getProcessTriple());
  std::string hostTriple = host.getArchName().str() + "-linux-" + (host.isMusl() ? "musl" : "gnu");
  if (triple != "host" && cpu != "native")
    return namedTarget(triple, cpu);
  Target named = TRY(namedTarget(triple == "host" ? hostTriple : triple, ""));
  if (!cpu.empty() && cpu != "native")
    return namedTarget(named.triple, cpu);
  if (host.getArchName() != llvm::StringRef(archName(named.arch)))
    return badInput("the CPU 'native' needs the host's architecture " + host.getArchName().str() +
                    ", the target is " + named.triple);
  std::vector<std::string> available;
  for (const llvm::StringMapEntry<bool> &feature : llvm::sys::getHostCPUFeatures())
    if (feature.second)
      available.push_back(feature.first().str());
  Target target = TRY(namedTarget(named.triple, namedCpu(named.arch, available)));
  target.tuneCpu = llvm::sys::getHostCPUName().str();
  return target;
}

} // namespace cameo
