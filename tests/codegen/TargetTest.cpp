// Named targets, their canonical spelling, and what is refused.
#include "codegen/Target.h"

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
                             "x86_64-linux-gnueabihf", "riscv64", "armv7-linux-gnueabi"})
    EXPECT_FALSE(namedTarget(triple, "")) << triple;
}

TEST(Target, Errors) {
  for (const char *triple : {"", "-", "x86_64", "sparc-linux-gnu", "x86_64-windows-msvc",
                             "x86_64-a-b-linux", "x86_64-linux-gnu-x", "linux-linux-linux"})
    EXPECT_FALSE(namedTarget(triple, "")) << triple;
  for (const char *cpu : {"+", "+vnni", "znver4", "x86-64-v3+vnni", "x86-64-v4+x", "armv8-a"})
    EXPECT_FALSE(namedTarget("x86_64-linux-gnu", cpu)) << cpu;
  EXPECT_FALSE(resolveTarget("sparc", "native"));
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
