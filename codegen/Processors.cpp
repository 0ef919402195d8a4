// See Processors.h. LLVM says which features a processor has.
#include "codegen/Processors.h"

#include "codegen/ObjectFile.h"

#include <algorithm>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/TargetParser/ARMTargetParser.h>

namespace cameo {
namespace {

/// Names of LLVM that stand for no processor.
bool isFeatureSet(std::string_view name) {
  return name.starts_with("generic") || name.starts_with("x86-64");
}

/// The features of a processor, by LLVM's names.
std::vector<std::string> featuresOf(const Target &target, const std::string &name) {
  std::vector<std::string> features;
  for (const llvm::SubtargetFeatureKV &feature :
       makeSubtarget(target, name)->getEnabledProcessorFeatures())
    features.emplace_back(feature.Key);
  if (target.arch != Arch::Armv7)
    return features;
  // Which vector unit a processor of 32-bit ARM has is in another table of LLVM's.
  std::vector<llvm::StringRef> units;
  llvm::ARM::getFPUFeatures(llvm::ARM::getDefaultFPU(name, llvm::ARM::parseCPUArch(name)), units);
  for (llvm::StringRef unit : units)
    if (unit.consume_front("+"))
      features.push_back(unit.str());
  return features;
}

/// Whether a processor with these features runs code for the architecture's least feature set. LLVM
/// counts processors of 32 bits and microcontrollers to the same architectures.
bool runs(const Target &least, const std::vector<std::string> &features) {
  auto has = [&](const std::string &feature) {
    return std::find(features.begin(), features.end(), feature) != features.end();
  };
  bool is64 = least.arch == Arch::X86_64 || least.arch == Arch::RiscV64;
  return (!is64 || has("64bit")) && std::all_of(least.features.begin(), least.features.end(), has);
}

Target leastTarget(Arch arch) {
  std::string name(archName(arch));
  Result<Target> least = namedTarget(name, namedCpu(arch, {}));
  ICE_UNLESS(least, "the least feature set does not resolve");
  return std::move(*least);
}

/// The processor, if it runs code for the least feature set.
std::optional<Processor> processorOf(const Target &least, const std::string &name) {
  if (isFeatureSet(name))
    return std::nullopt;
  std::vector<std::string> features = featuresOf(least, name);
  if (!runs(least, features))
    return std::nullopt;
  return Processor{name, namedCpu(least.arch, features)};
}

} // namespace

std::vector<Processor> processorsOf(Arch arch) {
  std::vector<Processor> found;
  if (arch == Arch::Wasm32) // whose engines run on any
    return found;
  Target least = leastTarget(arch);
  for (const llvm::SubtargetSubTypeKV &row :
       makeSubtarget(least, "")->getAllProcessorDescriptions())
    if (std::optional<Processor> processor = processorOf(least, row.Key))
      found.push_back(std::move(*processor));
  return found;
}

std::optional<Processor> findProcessor(Arch arch, const std::string &name) {
  if (arch == Arch::Wasm32)
    return std::nullopt;
  Target least = leastTarget(arch);
  return makeSubtarget(least, "")->isCPUStringValid(name) ? processorOf(least, name) : std::nullopt;
}

const std::vector<Board> &boards() {
  static const std::vector<Board> rows = {
      {"beaglebone", "armv7-linux-gnueabihf", "cortex-a8"},
      {"graviton2", "aarch64-linux-gnu", "neoverse-n1"},
      {"graviton3", "aarch64-linux-gnu", "neoverse-v1"},
      {"graviton4", "aarch64-linux-gnu", "neoverse-v2"},
      {"jetson-nano", "aarch64-linux-gnu", "cortex-a57"},
      {"jetson-orin", "aarch64-linux-gnu", "cortex-a78ae"},
      {"jetson-xavier", "aarch64-linux-gnu", "carmel"},
      {"raspberrypi2", "armv7-linux-gnueabihf", "cortex-a7"},
      {"raspberrypi3", "aarch64-linux-gnu", "cortex-a53"},
      {"raspberrypi4", "aarch64-linux-gnu", "cortex-a72"},
      {"raspberrypi5", "aarch64-linux-gnu", "cortex-a76"},
      {"visionfive2", "riscv64-linux-gnu", "sifive-u74"},
  };
  return rows;
}

} // namespace cameo
