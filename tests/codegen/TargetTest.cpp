// Named targets, their canonical spelling, and what is refused.
#include "codegen/Target.h"
#include "codegen/Processors.h"
#include "ir/TargetList.h"

#include <gtest/gtest.h>

namespace cameo {
namespace {

TEST(Target, NamedSets) {
  Result<Target> v4 = namedTarget("x86_64-linux-gnu", "x86-64-v4+bf16+vnni");
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->cpu, "x86-64-v4+vnni+bf16");
  EXPECT_EQ(v4->triple, "x86_64-unknown-linux-gnu");
  EXPECT_EQ(v4->llvmFeatures, "+avx512vnni,+avx512bf16");
  EXPECT_TRUE(v4->has("avx2") && v4->has("avx512bf16") && !v4->has("avx512fp16"));
  EXPECT_EQ(v4->lanes(4), 16);
  EXPECT_EQ(v4->dot, DotKind::Vnni);

  Result<Target> amx = namedTarget("x86_64-linux-gnu", "x86-64-v4+amx");
  ASSERT_TRUE(amx);
  EXPECT_TRUE(amx->hasTileRegisters && amx->hasBf16Dot && !v4->hasTileRegisters);
  EXPECT_EQ(amx->dot, DotKind::Vnni); // which these processors have, too

  Result<Target> arm = namedTarget("arm64-linux-musl", "armv8-a+i8mm");
  ASSERT_TRUE(arm);
  EXPECT_EQ(arm->triple, "aarch64-unknown-linux-musl");
  EXPECT_EQ(arm->dot, DotKind::I8mm);
  EXPECT_TRUE(arm->has("dotprod")); // which this kind of product includes
  EXPECT_EQ(namedTarget("x86_64-linux-gnu", "")->cpu, "x86-64-v3");
}

TEST(Target, OtherArchitectures) {
  Result<Target> arm = namedTarget("arm-linux-gnueabihf", "armv7-a+vfp4");
  ASSERT_TRUE(arm) << arm.error().message;
  EXPECT_EQ(arm->triple, "armv7-unknown-linux-gnueabihf");
  EXPECT_EQ(arm->indexBytes, 4);
  EXPECT_TRUE(arm->hasFma && !namedTarget(arm->triple, "")->hasFma);
  EXPECT_EQ(arm->llvmFeatures, "+vfp3,+neon,+vfp4");
  Result<Target> wasm = namedTarget("wasm32", "");
  ASSERT_TRUE(wasm);
  EXPECT_EQ(wasm->cpu, "wasm32+simd128");
  EXPECT_EQ(namedTarget(wasm->triple, "wasm32")->triple, "wasm32-unknown-unknown");
  EXPECT_EQ(namedTarget("riscv64-linux-gnu", "rv64gcv")->maskedElementBytes, 1);
  EXPECT_EQ(namedTarget("aarch64-linux-gnu", "armv8.2-a+i8mm+dotprod")->dot, DotKind::I8mm);
  EXPECT_EQ(namedTarget("aarch64-linux-gnu", "armv8.2-a+dotprod")->dot, DotKind::SDot);
  for (const char *triple : {"armv7-linux-gnu", "wasm32-wasi", "wasm32-unknown-linux-gnu",
                             "x86_64-linux-gnueabihf", "armv7-linux-gnueabi"})
    EXPECT_FALSE(namedTarget(triple, "")) << triple;
}

TEST(Target, Errors) {
  for (const char *triple : {"", "-", "sparc-linux-gnu", "x86_64-windows-msvc", "x86_64-a-b-linux",
                             "x86_64-linux-gnu-x", "linux-linux-linux"})
    EXPECT_FALSE(namedTarget(triple, "")) << triple;
  for (const char *cpu : {"+", "+vnni", "znver4", "x86-64-v3+vnni", "x86-64-v4+x", "armv8-a"})
    EXPECT_FALSE(namedTarget("x86_64-linux-gnu", cpu)) << cpu;
  EXPECT_FALSE(resolveTarget("sparc", "native"));
}

std::string cpuOf(const char *triple, const char *cpu) {
  Result<Target> target = resolveTarget(triple, cpu);
  return target ? target->cpu + "@" + target->tuneCpu : "error: " + target.error().message;
}

TEST(Target, NamesThatPeopleUse) {
  EXPECT_EQ(cpuOf("aarch64", "cortex-a53"), "armv8-a@cortex-a53");
  EXPECT_EQ(cpuOf("arm64", "cortex-a72"), "armv8-a@cortex-a72");
  EXPECT_EQ(cpuOf("aarch64-linux-gnu", "cortex-a76"), "armv8.2-a+fp16+dotprod@cortex-a76");
  EXPECT_EQ(cpuOf("aarch64-linux-musl", "neoverse-n1"), "armv8.2-a+fp16+dotprod@neoverse-n1");
  EXPECT_EQ(cpuOf("aarch64", "cortex-a72+dotprod"), "armv8-a+dotprod@cortex-a72");
  EXPECT_EQ(cpuOf("raspberrypi4", ""), "armv8-a@cortex-a72");
  EXPECT_EQ(cpuOf("raspberrypi4", "armv8.2-a"), "armv8.2-a@");
  EXPECT_EQ(cpuOf("x86_64", "nehalem"), "x86-64-v2@nehalem");
  EXPECT_EQ(cpuOf("x86_64", "haswell"), "x86-64-v3@haswell");
  EXPECT_EQ(cpuOf("x86_64", "skylake"), "x86-64-v3@skylake");
  EXPECT_EQ(cpuOf("x86_64", "cascadelake"), "x86-64-v4+vnni@cascadelake");
  EXPECT_EQ(cpuOf("x86_64", "znver4"), "x86-64-v4+vnni+vbmi+bf16@znver4");
  EXPECT_EQ(cpuOf("armv7", "cortex-a7"), "armv7-a+vfp4+idiv@cortex-a7");
  EXPECT_EQ(cpuOf("riscv64", "sifive-u74"), "rv64gc@sifive-u74");
}

TEST(Target, EveryProcessorAndBoardResolves) {
  for (const TargetEntry &entry : targetList()) {
    EXPECT_EQ(resolveTarget(entry.alias, "")->triple, resolveTarget(entry.triple, "")->triple);
    for (const Processor &processor : processorsOf(entry.arch))
      EXPECT_EQ(cpuOf(entry.triple.c_str(), processor.name.c_str()),
                processor.cpu + "@" + processor.name);
  }
  for (const Board &board : boards())
    EXPECT_TRUE(resolveTarget(std::string(board.name), "")) << board.name;
  // Processors of 32 bits and microcontrollers are none of these architectures.
  EXPECT_FALSE(findProcessor(Arch::X86_64, "pentium3"));
  EXPECT_FALSE(findProcessor(Arch::Armv7, "cortex-m4"));
  EXPECT_FALSE(findProcessor(Arch::RiscV64, "sifive-e31"));
  EXPECT_FALSE(findProcessor(Arch::X86_64, "generic"));
}

std::string firstNote(const char *triple, const char *cpu) {
  Result<Target> target = resolveTarget(triple, cpu);
  return target ? "no error" : target.error().notes.front();
}

TEST(Target, NearestNames) {
  EXPECT_EQ(firstNote("aarch64", "cortx-a72"), "did you mean 'cortex-a72'?");
  EXPECT_EQ(firstNote("aarch64", "armv8.2-a+dotprd"), "did you mean 'dotprod'?");
  EXPECT_EQ(firstNote("x86_64", "x86_64-v3"), "did you mean 'x86-64-v3'?");
  EXPECT_EQ(firstNote("x86_64", "cortex-a72"),
            "'cortex-a72' is a CPU for --target aarch64-linux-gnu");
  EXPECT_EQ(firstNote("aarch64", "raspberrypi4"),
            "'raspberrypi4' is a target: --target raspberrypi4");
  EXPECT_EQ(firstNote("aarch65", ""), "did you mean 'aarch64'?");
  EXPECT_EQ(firstNote("rasberrypi4", ""), "did you mean 'raspberrypi4'?");
  EXPECT_EQ(firstNote("cortex-a76", ""),
            "'cortex-a76' is a CPU: --target aarch64-linux-gnu --cpu cortex-a76");
}

TEST(Target, Host) {
  Result<Target> host = resolveTarget("host", "");
  ASSERT_TRUE(host) << host.error().message;
  EXPECT_FALSE(host->tuneCpu.empty());
  Result<Target> named = namedTarget(host->triple, host->cpu);
  ASSERT_TRUE(named);
  EXPECT_EQ(named->features, host->features);
}

} // namespace
} // namespace cameo
