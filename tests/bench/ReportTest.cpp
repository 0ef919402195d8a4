// Texts that must fit a number of columns.
#include "bench/Report.h"

#include <cstdlib>
#include <gtest/gtest.h>

namespace cameo {
namespace {

TEST(Report, TextsAreCutToColumns) {
  EXPECT_EQ(fit("layer1/conv", 11, Cut::Front), "layer1/conv");
  EXPECT_EQ(fit("layer1/conv", 5, Cut::Front), "…conv");
  EXPECT_EQ(fit("layer1/conv", 7, Cut::Back), "layer1…");
  EXPECT_EQ(fit("layer1/conv", 1, Cut::Front), "…");
  EXPECT_EQ(fit("äöüß", 4, Cut::Front), "äöüß");
  EXPECT_EQ(fit("äöüß", 3, Cut::Front), "…üß");
  EXPECT_EQ(fit("äöüß", 3, Cut::Back), "äö…");
  EXPECT_EQ(fit("a\nb", 3, Cut::Back), "a?b");
}

TEST(Report, TablesKnowTheirWidth) {
  Table table({"kernel", "n"});
  table.add({"conv", "123"});
  EXPECT_EQ(table.width(), 11u);
  EXPECT_EQ(table.str(), "kernel    n\nconv    123\n");
}

TEST(Report, ColumnsComeFromTheEnvironment) {
  ::setenv("COLUMNS", "77", 1);
  EXPECT_EQ(outputWidth(), 77u);
  ::setenv("COLUMNS", "wide", 1);
  EXPECT_GT(outputWidth(), 0u);
  ::unsetenv("COLUMNS");
}

} // namespace
} // namespace cameo
