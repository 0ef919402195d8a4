// The searches of `cameo debug` with failures made for the purpose.
#include "tools/Search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

using namespace cameo;

namespace {

using Parts = std::vector<int64_t>;

Parts upTo(int64_t count) {
  Parts parts(static_cast<size_t>(count));
  std::iota(parts.begin(), parts.end(), 0);
  return parts;
}

TEST(Search, FindsTheFirstStepThatFails) {
  for (int64_t count = 1; count <= 20; count++)
    for (int64_t wrong = 1; wrong <= count; wrong++) {
      int64_t tries = 0;
      Result<int64_t> found = firstFailing(count, [&](int64_t limit) -> Result<bool> {
        EXPECT_TRUE(limit > 0 && limit < count) << "known without a try";
        tries++;
        return limit >= wrong;
      });
      EXPECT_EQ(*found, wrong);
      EXPECT_LE(int64_t{1} << tries, 2 * count);
    }
}

TEST(Search, FindsAStepWhereFailingBegins) {
  // A later step hides what step 3 does.
  Result<int64_t> found = firstFailing(
      9, [](int64_t limit) -> Result<bool> { return (limit >= 3 && limit < 6) || limit >= 8; });
  EXPECT_TRUE(*found == 3 || *found == 8);
}

TEST(Search, EndsWithTheErrorOfATry) {
  auto broken = [](auto) -> Result<bool> { return badInput("no disk"); };
  EXPECT_EQ(firstFailing(4, broken).error().message, "no disk");
  EXPECT_EQ(reduceParts(upTo(4), broken).error().message, "no disk");
}

TEST(Search, ReducesToThePartsThatMatter) {
  for (const Parts &wanted : {Parts{0}, Parts{30}, Parts{17}, Parts{3, 4}, Parts{0, 15, 30},
                              Parts{1, 3, 5, 7, 9, 11}, Parts{}}) {
    Result<Parts> found = reduceParts(upTo(31), [&](const Parts &parts) -> Result<bool> {
      return std::includes(parts.begin(), parts.end(), wanted.begin(), wanted.end());
    });
    EXPECT_EQ(*found, wanted);
  }
}

TEST(Search, LeavesNoSinglePartThatCouldGo) {
  // An even number of parts, 7 among them: each can go only once another is gone.
  auto fails = [](const Parts &parts) -> Result<bool> {
    return parts.size() % 2 == 0 && std::count(parts.begin(), parts.end(), 7) == 1;
  };
  Result<Parts> found = reduceParts(upTo(16), fails);
  EXPECT_TRUE(*fails(*found));
  for (size_t i = 0; i < found->size(); i++) {
    Parts rest = *found;
    rest.erase(rest.begin() + static_cast<int64_t>(i));
    EXPECT_FALSE(*fails(rest));
  }
}

} // namespace
