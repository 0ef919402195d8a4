// Temporary folders, of which many are made and swept at once.
#include "support/Temporary.h"
#include "support/File.h"

#include <atomic>
#include <gtest/gtest.h>
#include <thread>

namespace cameo {
namespace {

TEST(Temporary, NobodyRemovesWhatAnotherWorksOn) {
  auto parent = TemporaryFolder::create();
  ASSERT_TRUE(parent) << parent.error().message;
  std::atomic<int> failures = 0;
  auto work = [&] {
    for (int i = 0; i < 200; ++i) {
      auto folder = TemporaryFolder::create((*parent)->path());
      if (!folder || !writeFile((*folder)->path() / "x", std::string_view("x")))
        ++failures;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back(work);
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(failures, 0);
}

} // namespace
} // namespace cameo
