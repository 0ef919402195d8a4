// The choice of register tiles: what it promises on every target, whatever the shape.
#include "lowering/plan/Tiles.h"

#include "ir/kernel/Contraction.h"

#include <gtest/gtest.h>

namespace cameo {
namespace {

const std::pair<const char *, const char *> kTargets[] = {{"x86_64-linux-gnu", "x86-64-v2"},
                                                          {"x86_64-linux-gnu", "x86-64-v3"},
                                                          {"x86_64-linux-gnu", "x86-64-v4"},
                                                          {"aarch64-linux-gnu", "armv8-a"},
                                                          {"armv7-linux-gnueabihf", "armv7-a"}};

TEST(Tiles, FitTheRegisters) {
  for (auto [triple, cpu] : kTargets) {
    Target target = *namedTarget(triple, cpu);
    int64_t vectorsPerPanel = kPanel / vectorLanes(target, 4);
    for (int64_t rows : {1, 2, 5, 7, 49, 197, 784, 12544})
      for (int64_t columns : {1, 16, 24, 40, 96, 144, 768, 3072}) {
        TilePlan tile = planTile(target, DType::F32, Dim(rows), Dim(columns));
        int64_t vectors = tile.panels * vectorsPerPanel;
        int64_t inputs = inputLanesFor(target, DType::F32) > 1 ? tile.rows : 1;
        EXPECT_LE(tile.rows * vectors + vectors + inputs, target.vectorRegisters)
            << cpu << ", " << rows << " x " << columns;
      }
  }
}

/// Loads and multiply-adds are issued at the same rate: with far fewer loads these never wait.
TEST(Tiles, OfLargeProductsLoadLessThanTheyMultiply) {
  Target target = *namedTarget("x86_64-linux-gnu", "x86-64-v4");
  for (int64_t rows : {49, 196, 197, 1370})
    for (int64_t columns : {64, 96, 320, 768, 3072}) {
      TilePlan tile = planTile(target, DType::F32, Dim(rows), Dim(columns));
      EXPECT_LE(tile.rows + tile.panels, tile.rows * tile.panels * 6 / 10)
          << rows << " x " << columns;
    }
}

} // namespace
} // namespace cameo
