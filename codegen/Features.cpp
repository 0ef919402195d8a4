// See Features.h.
#include "codegen/Features.h"

#include "runtime/abi.h"

#include <algorithm>

namespace cameo {
namespace {

// What abi.h and Features.def have for an architecture.
struct ArchRow {
  Arch arch;
  cameo_arch number;
  std::vector<std::string> features;
};

const ArchRow &archRow(Arch arch) {
  static const ArchRow rows[] = {
      {Arch::X86_64,
       CAMEO_ARCH_X86,
       {
#define CAMEO_FEATURE_X86(name, ...) name,
#include "runtime/Features.def"
       }},
      {Arch::AArch64,
       CAMEO_ARCH_AARCH64,
       {
#define CAMEO_FEATURE_AARCH64(name, ...) name,
#include "runtime/Features.def"
       }},
      {Arch::Armv7,
       CAMEO_ARCH_ARM,
       {
#define CAMEO_FEATURE_ARM(name, ...) name,
#include "runtime/Features.def"
       }},
      {Arch::RiscV64,
       CAMEO_ARCH_RISCV,
       {
#define CAMEO_FEATURE_RISCV(name, ...) name,
#include "runtime/Features.def"
       }},
      {Arch::Wasm32, CAMEO_ARCH_WASM, {}},
  };
  for (const ArchRow &row : rows)
    if (row.arch == arch)
      return row;
  ICE("architecture without a row");
}

} // namespace

std::array<uint64_t, 2> featureMask(const Target &target) {
  std::array<uint64_t, 2> words = {};
  if (target.isWasm())
    return words;
  const std::vector<std::string> &rows = archRow(target.arch).features;
  for (const std::string &feature : target.features) {
    size_t bit = std::find(rows.begin(), rows.end(), feature) - rows.begin();
    ICE_UNLESS(bit < rows.size() && bit < 128, "no row in Features.def for " + feature);
    words[bit / 64] |= uint64_t{1} << bit % 64;
  }
  return words;
}

int32_t runtimeArch(Arch arch) { return archRow(arch).number; }

} // namespace cameo
