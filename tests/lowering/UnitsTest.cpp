// Grids of units and tiles of rows: whatever the sizes, each position is covered once.
#include "lowering/build/Units.h"

#include <gtest/gtest.h>

#include <map>

using namespace cameo;

namespace {

/// How often the units cover each position of a grid of two axes.
std::map<std::pair<int64_t, int64_t>, int> coverage(const Units &units) {
  std::map<std::pair<int64_t, int64_t>, int> times;
  for (int64_t unit = 0; unit < units.count().value(); unit++) {
    std::vector<Units::Range> slab = units.slab(unit);
    for (int64_t i = slab[0].first; i < slab[0].end; i++)
      for (int64_t j = slab[1].first; j < slab[1].end; j++)
        times[{i, j}]++;
  }
  return times;
}

} // namespace

TEST(Units, CoverEachPositionOnce) {
  for (int64_t rows : {0, 1, 7, 13})
    for (int64_t columns : {0, 1, 16, 17, 31})
      for (int64_t run : {1, 4, 16}) {
        Units units;
        units.add(Dim(rows), 3);
        units.add(Dim(columns), run);
        std::map<std::pair<int64_t, int64_t>, int> times = coverage(units);
        ASSERT_EQ(static_cast<int64_t>(times.size()), rows * columns);
        for (const auto &[position, count] : times)
          ASSERT_EQ(count, 1) << position.first << ", " << position.second;
      }
}

TEST(Units, CoverTheRowsOfTilesOnce) {
  for (int64_t rows : {1, 13, 29, 30})
    for (int64_t run : {1, 2, 5}) {
      Units units;
      units.add({Dim(rows), run, evenTiles(Dim(rows), 6)});
      units.add(Dim(1));
      std::map<std::pair<int64_t, int64_t>, int> times = coverage(units);
      ASSERT_EQ(static_cast<int64_t>(times.size()), rows);
      for (const auto &[position, count] : times)
        ASSERT_EQ(count, 1) << position.first;
    }
}

TEST(Units, AreOneWithoutAxes) {
  Units units;
  EXPECT_EQ(units.count(), Dim(1));
  EXPECT_TRUE(units.slab(0).empty());
}

TEST(Units, CountSymbolicSizes) {
  Units units;
  units.add(Dim::symbol("N"));
  units.add(Dim(20), 16);
  EXPECT_EQ(units.count().str(), "2*N");
}

TEST(EvenTiles, HaveAllRowsAndNoLeftover) {
  for (int64_t extent = 0; extent < 200; extent++)
    for (int64_t most : {1, 2, 5, 6, 14, 29}) {
      EvenTiles tiles = evenTiles(Dim(extent), most);
      EXPECT_EQ(tiles.count * tiles.rows + tiles.extra, extent);
      EXPECT_LE(tiles.rows + (tiles.extra > 0), most);
      EXPECT_EQ(tiles.count, (extent + most - 1) / most);
    }
}
