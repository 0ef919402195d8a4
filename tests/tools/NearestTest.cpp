// What mistyped words were meant to be.
#include "support/Nearest.h"

#include <gtest/gtest.h>

namespace cameo {
namespace {

const std::vector<std::string> commands = {"compile", "run", "compare", "bench", "explain", "opt"};

TEST(Nearest, SlipsOfTheFingers) {
  EXPECT_EQ(nearest("compil", commands), "compile");
  EXPECT_EQ(nearest("complie", commands), "compile"); // neighbours swapped
  EXPECT_EQ(nearest("Compare", commands), "compare");
  EXPECT_EQ(nearest("ben", commands), "bench");
  EXPECT_EQ(nearest("rnu", commands), "run");
  EXPECT_EQ(nearest("explian", commands), "explain");
  EXPECT_EQ(nearest("--tune-cach", {"--tune", "--tune-cache"}), "--tune-cache");
}

TEST(Nearest, OtherWords) {
  EXPECT_EQ(nearest("fly", commands), "");
  EXPECT_EQ(nearest("", commands), "");
  EXPECT_EQ(nearest("x", {"y", "zz"}), "");
  EXPECT_EQ(nearest("compile", {}), "");
  EXPECT_EQ(nearest(std::string(1 << 20, 'x'), {std::string(1 << 20, 'y')}), "");
}

TEST(Nearest, Sentence) {
  EXPECT_EQ(didYouMean("compil", commands), ": did you mean 'compile'?");
  EXPECT_EQ(didYouMean("fly", commands), "");
}

} // namespace
} // namespace cameo
