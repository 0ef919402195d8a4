// Host detection and the names of processors through LLVM; see Target.h.
#include "codegen/Target.h"

#include "codegen/Processors.h"
#include "ir/TargetList.h"
#include "support/Nearest.h"

#include <algorithm>
#include <llvm/ADT/StringMap.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/Triple.h>

namespace cameo {
namespace {

constexpr const char *kHint = "'cameo targets' lists all targets and CPUs";

const Board *findBoard(const std::string &name) {
  auto found = std::find_if(boards().begin(), boards().end(),
                            [&](const Board &board) { return board.name == name; });
  return found == boards().end() ? nullptr : &*found;
}

void addNearest(Error &error, const std::string &text, const std::vector<std::string> &names) {
  if (std::string near = nearest(text, names); !near.empty())
    error.notes.push_back("did you mean '" + near + "'?");
}

/// The error for a target that there is not, with what may have been meant.
Error unknownTarget(Error error, const std::string &triple) {
  std::vector<std::string> names;
  for (const TargetEntry &entry : targetList()) {
    names.insert(names.end(), {entry.triple, std::string(archName(entry.arch)), entry.alias});
    if (findProcessor(entry.arch, triple))
      error.notes.push_back("'" + triple + "' is a CPU: --target " + entry.triple + " --cpu " +
                            triple);
  }
  for (const Board &board : boards())
    names.emplace_back(board.name);
  if (error.notes.empty())
    addNearest(error, triple, names);
  error.notes.emplace_back(kHint);
  return error;
}

/// The same of a CPU of an architecture. The last word of `A+B+C` may be the wrong one.
Error unknownCpu(Error error, Arch arch, const std::string &cpu) {
  std::vector<std::string> names;
  std::string base = cpu.substr(0, cpu.find('+')), last = cpu.substr(cpu.rfind('+') + 1);
  for (const TargetEntry &entry : targetList()) {
    if (entry.arch == arch)
      names = last == base ? entry.cpus : entry.extensions;
    else if (findProcessor(entry.arch, base))
      error.notes.push_back("'" + base + "' is a CPU for --target " + entry.triple);
  }
  for (const Processor &processor : processorsOf(arch))
    if (last == base)
      names.push_back(processor.name);
  if (findBoard(cpu))
    error.notes.push_back("'" + cpu + "' is a target: --target " + cpu);
  if (error.notes.empty())
    addNearest(error, last, names);
  error.notes.emplace_back(kHint);
  return error;
}

Result<Target> knownTarget(const std::string &triple) {
  Result<Target> target = namedTarget(triple, "");
  return target ? std::move(target) : unknownTarget(target.error(), triple);
}

/// A feature set, or a processor, with extensions of either.
Result<Target> targetWithCpu(const std::string &triple, const std::string &cpu) {
  Target target = TRY(knownTarget(triple));
  if (cpu.empty())
    return target;
  size_t end = std::min(cpu.find('+'), cpu.size());
  std::optional<Processor> processor = findProcessor(target.arch, cpu.substr(0, end));
  Result<Target> named =
      namedTarget(target.triple, processor ? processor->cpu + cpu.substr(end) : cpu);
  if (!named)
    return unknownCpu(named.error(), target.arch, cpu);
  if (processor)
    named->tuneCpu = processor->name;
  return named;
}

} // namespace

Result<Target> resolveTarget(const std::string &triple, const std::string &cpu) {
  if (const Board *board = findBoard(triple))
    return targetWithCpu(std::string(board->triple), cpu.empty() ? std::string(board->cpu) : cpu);
  llvm::Triple host(llvm::sys::getProcessTriple());
  std::string hostTriple = host.getArchName().str() + "-linux-" + (host.isMusl() ? "musl" : "gnu");
  if (triple != "host" && cpu != "native")
    return targetWithCpu(triple, cpu);
  Target named = TRY(knownTarget(triple == "host" ? hostTriple : triple));
  if (!cpu.empty() && cpu != "native")
    return targetWithCpu(named.triple, cpu);
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
