// The table of targets; see Target.h.
#include "ir/Target.h"

#include "ir/TargetList.h"

#include <algorithm>
#include <span>

namespace cameo {
namespace {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    size_t end = std::min(text.find(separator), text.size());
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

// A base feature set. Each row has the features of the rows of its architecture before it. LLVM's
// "generic" processors have next to no features, so those of the row are passed by name.
struct CpuLevel {
  Arch arch;
  const char *name;
  const char *llvmCpu;
  const char *features;
  int64_t vectorBytes, vectorRegisters;
  bool fma, gather, f16Convert;
  int64_t maskedElementBytes;
};
const CpuLevel kLevels[] = {
    {Arch::X86_64, "x86-64-v1", "x86-64", "", 16, 16, false, false, false, 0},
    {Arch::X86_64, "x86-64-v2", "x86-64-v2", "cx16,popcnt,sahf,sse3,ssse3,sse4.1,sse4.2", 16, 16,
     false, false, false, 0},
    {Arch::X86_64, "x86-64-v3", "x86-64-v3", "avx,avx2,bmi,bmi2,f16c,fma,lzcnt,movbe", 32, 16, true,
     true, true, 4},
    {Arch::X86_64, "x86-64-v4", "x86-64-v4", "avx512f,avx512bw,avx512cd,avx512dq,avx512vl", 64, 32,
     true, true, true, 1},
    {Arch::AArch64, "armv8-a", "generic", "fp-armv8,neon", 16, 32, true, false, true, 0},
    {Arch::AArch64, "armv8.2-a", "generic", "crc,lse", 16, 32, true, false, true, 0},
    {Arch::Armv7, "armv7-a", "generic", "vfp3,neon", 16, 16, false, false, false, 0},
    // Without vector registers a "vector" is four of the 32 registers for single numbers.
    {Arch::RiscV64, "rv64gc", "generic-rv64", "m,a,f,d,c", 16, 8, true, false, false, 0},
    // Vectors of 128 bits, the least that V promises, whatever the processor has.
    {Arch::RiscV64, "rv64gcv", "generic-rv64", "v", 16, 32, true, true, false, 1},
    {Arch::Wasm32, "wasm32", "generic", "mutable-globals,nontrapping-fptoint,sign-ext", 16, 16,
     false, false, false, 0},
};

// A named addition to a base set: `features` are LLVM's names, `needs` a feature of the base set.
struct Extension {
  Arch arch;
  const char *name;
  const char *features;
  const char *needs;
};
const Extension kExtensions[] = {
    {Arch::X86_64, "avxvnni", "avxvnni", "avx2"},
    {Arch::X86_64, "vnni", "avx512vnni", "avx512f"},
    {Arch::X86_64, "vbmi", "avx512vbmi", "avx512bw"},
    {Arch::X86_64, "bf16", "avx512bf16", "avx512bw"},
    {Arch::X86_64, "fp16", "avx512fp16", "avx512bw"},
    // Whatever has tile registers has vectors of these products, too.
    {Arch::X86_64, "amx", "avx512vnni,avx512bf16,amx-tile,amx-int8,amx-bf16", "avx512bw"},
    {Arch::AArch64, "fp16", "fullfp16", "neon"},
    {Arch::AArch64, "dotprod", "dotprod", "neon"},
    // i8mm has products of mixed signs only; whatever has it has the others of dotprod, too.
    {Arch::AArch64, "i8mm", "dotprod,i8mm", "neon"},
    {Arch::AArch64, "bf16", "bf16", "neon"},
    {Arch::Armv7, "vfp4", "vfp4", "neon"},
    {Arch::Armv7, "idiv", "hwdiv-arm", "neon"},
    {Arch::Wasm32, "simd128", "simd128", "sign-ext"},
};

struct ArchRow {
  Arch arch;
  const char *name;
  const char *alias;
  const char *abi; // what follows "gnu" or "musl" in the triple; nullptr: no operating system
  const char *defaultCpu;
  int64_t indexBytes;
};
const ArchRow kArchs[] = {
    {Arch::X86_64, "x86_64", "amd64", "", "x86-64-v3", 8},
    {Arch::AArch64, "aarch64", "arm64", "", "armv8-a", 8},
    {Arch::Armv7, "armv7", "arm", "eabihf", "armv7-a", 4},
    {Arch::RiscV64, "riscv64", "riscv64gc", "", "rv64gc", 8},
    {Arch::Wasm32, "wasm32", "wasm", nullptr, "wasm32+simd128", 4},
};

const ArchRow &rowOf(Arch arch) {
  for (const ArchRow &row : kArchs)
    if (row.arch == arch)
      return row;
  ICE("architecture without a row");
}

std::string join(const std::vector<std::string> &words, const char *before, const char *between) {
  std::string text;
  for (const std::string &word : words)
    text += (text.empty() ? "" : between) + (before + word);
  return text;
}

std::string knownTargets() {
  std::vector<std::string> triples;
  for (const TargetEntry &entry : targetList())
    triples.push_back(entry.triple);
  return join(triples, "", ", ") + " (or musl for gnu)";
}

std::string known(Arch arch) {
  for (const TargetEntry &entry : targetList())
    if (entry.arch == arch)
      return join(entry.cpus, "", ", ") +
             (entry.extensions.empty() ? "" : " with " + join(entry.extensions, "+", " "));
  ICE("architecture without a row");
}

// Whether `parts` behind the architecture say Linux with one of the row's ABIs, a vendor first or
// not, or nothing. Sets the ABI: "gnueabihf".
bool parseLinux(const ArchRow &row, const std::vector<std::string> &parts, std::string &abi) {
  size_t os = parts.size() > 1 && parts[1] == "linux" ? 1 : 2;
  if (parts.size() == 1) {
    abi = std::string("gnu") + row.abi;
    return true;
  }
  if (os >= parts.size() || parts[os] != "linux" || parts.size() > os + 2)
    return false;
  std::string gnu = std::string("gnu") + row.abi, musl = std::string("musl") + row.abi;
  abi = os + 1 < parts.size() ? parts[os + 1] : gnu;
  return abi == gnu || abi == musl;
}

// "x86_64-linux-gnu" and "aarch64-unknown-linux-musl" to architecture and normal form.
Result<Target> parseTriple(const std::string &triple) {
  std::vector<std::string> parts = split(triple, '-');
  const ArchRow *row = nullptr;
  for (const ArchRow &candidate : kArchs)
    if (!parts.empty() && (parts[0] == candidate.name || parts[0] == candidate.alias))
      row = &candidate;
  std::string abi;
  bool bare = row && !row->abi &&
              std::all_of(parts.begin() + 1, parts.end(), [](auto &p) { return p == "unknown"; });
  if (!row || !(bare || (row->abi && parseLinux(*row, parts, abi))))
    return badInput("unknown target '" + triple + "', expected " + knownTargets());
  Target target;
  target.arch = row->arch;
  target.triple = std::string(row->name) + "-unknown-" + (bare ? "unknown" : "linux-" + abi);
  target.cpu = row->defaultCpu;
  target.indexBytes = row->indexBytes;
  return target;
}

void addFeature(Target &target, const std::string &feature, bool impliedByCpu) {
  target.features.push_back(feature);
  if (!impliedByCpu)
    target.llvmFeatures += (target.llvmFeatures.empty() ? "+" : ",+") + feature;
}

Result<void> addLevel(Target &target, const std::string &name) {
  const CpuLevel *chosen = nullptr;
  for (const CpuLevel &level : kLevels)
    if (level.arch == target.arch && level.name == name)
      chosen = &level;
  if (!chosen)
    return badInput("unknown CPU '" + name + "' for " + std::string(archName(target.arch)) +
                    ", expected " + known(target.arch));
  bool generic = std::string_view(chosen->llvmCpu).starts_with("generic");
  for (const CpuLevel &level : std::span(kLevels, chosen - kLevels + 1))
    if (level.arch == target.arch)
      for (const std::string &feature : split(level.features, ','))
        addFeature(target, feature, !generic);
  target.cpu = chosen->name;
  target.llvmCpu = chosen->llvmCpu;
  target.vectorBytes = chosen->vectorBytes;
  target.vectorRegisters = chosen->vectorRegisters;
  target.hasFma = chosen->fma;
  target.hasGather = chosen->gather;
  target.hasF16Convert = chosen->f16Convert;
  target.maskedElementBytes = chosen->maskedElementBytes;
  return {};
}

// Extensions in table order, so that a set has one spelling.
Result<void> addExtensions(Target &target, std::vector<std::string> names) {
  std::string base = target.cpu;
  for (const Extension &extension : kExtensions) {
    if (extension.arch != target.arch || std::erase(names, extension.name) == 0)
      continue;
    if (!target.has(extension.needs))
      return badInput("CPU feature '" + std::string(extension.name) + "' needs " + extension.needs +
                      ", which " + base + " lacks");
    for (const std::string &feature : split(extension.features, ','))
      if (!target.has(feature))
        addFeature(target, feature, false);
    target.cpu += std::string("+") + extension.name;
  }
  if (!names.empty())
    return badInput("unknown CPU feature '" + names.front() + "', expected " + known(target.arch));
  return {};
}

void deriveAbilities(Target &target) {
  target.flushesDenormals = target.arch == Arch::X86_64 || target.arch == Arch::Armv7;
  target.hasFma |= target.has("vfp4");
  target.hasByteTables = target.has("avx512vbmi");
  target.hasTileRegisters = target.has("amx-tile");
  // Cores with tile registers read slowly from the L3 cache: layers of 14 x 14 take longer there
  // with the weights of F(4x4) than with those of F(2x2), which are half as large (decision 011).
  // So weights, too, had better be read once for a batch than an image kept there.
  if (target.hasTileRegisters)
    target.firstReadBytes = 2, target.l3Bytes = 0;
  target.hasBf16Dot = target.has("bf16") || target.has("avx512bf16");
  if (target.has("avx512vnni") || target.has("avxvnni"))
    target.dot = DotKind::Vnni;
  else if (target.has("i8mm"))
    target.dot = DotKind::I8mm;
  else if (target.has("dotprod"))
    target.dot = DotKind::SDot;
}

} // namespace

bool Target::has(std::string_view feature) const {
  return std::find(features.begin(), features.end(), feature) != features.end();
}

std::string_view archName(Arch arch) { return rowOf(arch).name; }

Result<Target> namedTarget(const std::string &triple, const std::string &cpu) {
  Target target = TRY(parseTriple(triple));
  std::vector<std::string> names = split(cpu.empty() ? target.cpu : cpu, '+');
  if (names.empty())
    return badInput("unknown CPU '" + cpu + "', expected " + known(target.arch));
  TRY(addLevel(target, names.front()));
  names.erase(names.begin());
  TRY(addExtensions(target, std::move(names)));
  deriveAbilities(target);
  return target;
}

std::vector<TargetEntry> targetList() {
  std::vector<TargetEntry> entries;
  for (const ArchRow &row : kArchs) {
    std::string os = row.abi ? std::string("-linux-gnu") + row.abi : "";
    TargetEntry entry = {row.arch, row.name + os, row.alias, row.defaultCpu, {}, {}};
    for (const CpuLevel &level : kLevels)
      if (level.arch == row.arch)
        entry.cpus.emplace_back(level.name);
    for (const Extension &extension : kExtensions)
      if (extension.arch == row.arch)
        entry.extensions.emplace_back(extension.name);
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::string namedCpu(Arch arch, const std::vector<std::string> &available) {
  auto has = [&](const std::string &feature) {
    return std::find(available.begin(), available.end(), feature) != available.end();
  };
  std::string cpu;
  for (const CpuLevel &level : kLevels) {
    if (level.arch != arch)
      continue;
    std::vector<std::string> features = split(level.features, ',');
    if (!cpu.empty() && !std::all_of(features.begin(), features.end(), has))
      break;
    cpu = level.name;
  }
  Result<Target> base = namedTarget(std::string(archName(arch)), cpu);
  ICE_UNLESS(base, "a named CPU does not resolve");
  for (const Extension &extension : kExtensions) {
    std::vector<std::string> features = split(extension.features, ',');
    if (extension.arch == arch && base->has(extension.needs) &&
        std::all_of(features.begin(), features.end(), has))
      cpu += std::string("+") + extension.name;
  }
  return cpu;
}

} // namespace cameo
