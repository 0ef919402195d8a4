// The embedded runtime and header are there.
#include "codegen/Bitcode.h"

#include <gtest/gtest.h>

TEST(BitcodeTest, everyTarget) {
  for (std::string_view arch : cameo::runtimeArchs()) {
    std::string_view module = cameo::runtimeBitcode(arch);
    ASSERT_GT(module.size(), 10000u) << arch;
    EXPECT_EQ(module.substr(0, 4), "BC\xc0\xde") << arch;
  }
  EXPECT_FALSE(cameo::runtimeBitcode("x86_64").empty());
  EXPECT_FALSE(cameo::runtimeBitcode("aarch64").empty());
  EXPECT_TRUE(cameo::runtimeBitcode("z80").empty());
  EXPECT_NE(cameo::publicHeader().find("#define CAMEO_ABI_VERSION 2"), std::string_view::npos);
  EXPECT_EQ(cameo::publicHeader().back(), '\n');
}
