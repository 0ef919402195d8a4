// What code is generated for: an architecture, a named set of CPU features and the few numbers that
// planning and lowering need. Code generation fills in nothing else. Plain data, no LLVM types, so
// that lowering can read it; rows of a table in Target.cpp.
#pragma once

#include "ir/Result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cameo {

enum class Arch { X86_64, AArch64, Armv7, RiscV64, Wasm32 };

/// How the architecture's dot product of 8-bit integers into 32 bits works.
enum class DotKind {
  None,
  Vnni, // u8 x s8, 4 products a lane (x86 VPDPBUSD)
  SDot, // s8 x s8 or u8 x u8, 4 products a lane (aarch64 sdot, udot)
  I8mm, // SDot, and u8 x s8 (usdot) and 2x8 by 8x2 matrix products (smmla, usmmla)
};

struct Target {
  std::string triple; // normalised: "x86_64-unknown-linux-gnu", "wasm32-unknown-unknown"
  Arch arch = Arch::X86_64;
  /// The named feature set as users write it, canonical: "x86-64-v4+vnni+bf16".
  std::string cpu;
  /// The features in it, by LLVM's names, which are those of runtime/Features.def.
  std::vector<std::string> features;
  std::string llvmCpu;
  std::string llvmFeatures; // what llvmCpu does not imply: "+avx512vnni,+avx512bf16"
  /// What instructions are scheduled for; LLVM's name, "" for the feature set's default.
  std::string tuneCpu;

  int64_t vectorBytes = 16;
  int64_t vectorRegisters = 16;
  bool hasFma = false;
  bool hasGather = false;
  bool flushesDenormals = false; // arithmetic gives zero for denormals: on x86, where the runtime
                                 // sets that mode; of f32 vectors on 32-bit ARM, whatever the mode,
                                 // which takes operands for zero, too
  /// Bytes of the smallest element that masked loads and stores exist for; 0: there are none, and
  /// masked accesses are expanded lane by lane, which is slow.
  int64_t maskedElementBytes = 0;
  bool hasF16Convert = false;    // f16 <-> f32 in hardware
  bool hasByteTables = false;    // looks bytes up in 256 others that registers hold (VPERMI2B)
  bool hasBf16Dot = false;       // pairs of bf16 into f32 (VDPBF16PS, bfdot)
  bool hasTileRegisters = false; // and products of bytes and bf16 in them (AMX)
  DotKind dot = DotKind::None;
  int64_t indexBytes = 8;
  int64_t l2Bytes = 1 << 20;
  /// Of the last cache, which cores share, what a model may count on where it gains from it.
  int64_t l3Bytes = 16 << 20;
  /// Bytes a cycle that a core reads of weights that no near cache has, as none of a layer's are
  /// when it begins.
  double firstReadBytes = 8;

  bool has(std::string_view feature) const;
  bool isWasm() const { return arch == Arch::Wasm32; }
  /// Lanes of the widest vector of elements of this size.
  int64_t lanes(int64_t elementBytes) const { return vectorBytes / elementBytes; }
};

/// The name of the architecture in LLVM triples: "x86_64", "aarch64", "armv7".
std::string_view archName(Arch arch);

/// The target for a triple such as "aarch64-linux-gnu" or "wasm32" and a feature set such as
/// "x86-64-v3", "x86-64-v4+vnni", or "" for the architecture's default. Errors name what is
/// supported. Knows nothing about the machine it runs on; codegen/Target.h adds "host" and
/// "native".
Result<Target> namedTarget(const std::string &triple, const std::string &cpu);

/// The largest named feature set among those of an architecture whose features all satisfy `has`.
std::string namedCpu(Arch arch, const std::vector<std::string> &available);

} // namespace cameo
