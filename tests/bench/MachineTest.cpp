// The limits of a machine: measured, kept in a file, and read from it.
#include "bench/Machine.h"

#include "bench/Report.h"
#include "support/Temporary.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

namespace cameo {
namespace {

/// A machine that takes no time to measure.
MachineLimits pretend(int32_t threads) {
  return {.cpu = cpuName(), .threads = threads, .f32 = 1, .levels = {{.name = "memory"}}};
}

class Machine : public testing::Test {
protected:
  void SetUp() override {
    auto folder = TemporaryFolder::create();
    ASSERT_TRUE(folder) << folder.error().message;
    folder_ = std::move(*folder);
    ::setenv("XDG_CACHE_HOME", folder_->path().c_str(), 1);
  }
  void TearDown() override { ::unsetenv("XDG_CACHE_HOME"); }
  void write(const std::string &text) {
    std::filesystem::create_directories(folder_->path() / "cameo");
    std::ofstream(machineFile()) << text;
  }
  static std::string file(const MachineLimits &limits) {
    return jsonText({{"schema_version", 2}, {"machines", {toJson(limits)}}});
  }

  std::unique_ptr<TemporaryFolder> folder_; // its own: tests run side by side
  std::vector<std::string> notes_;
};

TEST_F(Machine, IsMeasuredOnceAndKept) {
  MachineLimits limits = machineLimits(1, false, notes_);
  EXPECT_EQ(limits.cpu, cpuName());
  EXPECT_GT(limits.f32, 0);
  EXPECT_GT(limits.barrier, 0);
  ASSERT_FALSE(limits.levels.empty());
  for (const MemoryLevel &level : limits.levels) {
    EXPECT_GT(level.read, 0) << level.name;
    EXPECT_GT(level.write, 0) << level.name;
    EXPECT_GT(level.copy, 0) << level.name;
  }
  EXPECT_EQ(limits.levels.back().capacity, 0) << "memory has no end";
  EXPECT_EQ(toJson(machineLimits(1, false, notes_)), toJson(limits)) << "measured again";
  EXPECT_TRUE(notes_.empty());
}

TEST_F(Machine, OnlyWhatFitsIsReadFromTheFile) {
  MachineLimits known = pretend(3);
  known.f32 = 7;
  write(file(known));
  EXPECT_EQ(machineLimits(3, false, notes_, pretend).f32, 7);
  EXPECT_EQ(machineLimits(1, false, notes_, pretend).f32, 1) << "other threads";
  EXPECT_EQ(machineLimits(3, false, notes_, pretend).f32, 7) << "kept beside the new ones";
  EXPECT_EQ(machineLimits(3, true, notes_, pretend).f32, 1) << "asked to measure";
  known.cpu = "another";
  write(file(known));
  EXPECT_EQ(machineLimits(3, false, notes_, pretend).f32, 1) << "another processor";
  EXPECT_TRUE(notes_.empty());
}

TEST_F(Machine, ABadFileIsReplaced) {
  nlohmann::ordered_json withoutPeak = toJson(MachineLimits{});
  withoutPeak.erase("f32");
  for (const std::string &text :
       {std::string("no JSON"), std::string("[]"), std::string(R"({"schema_version": 99})"),
        jsonText({{"schema_version", 2}, {"machines", {withoutPeak}}})}) {
    write(text);
    notes_.clear();
    EXPECT_EQ(machineLimits(1, false, notes_, pretend).f32, 1);
    EXPECT_EQ(notes_.size(), 1u) << text;
    notes_.clear();
    machineLimits(1, false, notes_, pretend);
    EXPECT_TRUE(notes_.empty());
  }
}

TEST_F(Machine, AFileThatCannotBeWrittenIsANote) {
  std::string taken = folder_->path() / "taken";
  ::setenv("XDG_CACHE_HOME", taken.c_str(), 1);
  std::ofstream(taken) << "a file where the folder should be";
  EXPECT_EQ(machineLimits(1, false, notes_, pretend).f32, 1);
  ASSERT_EQ(notes_.size(), 1u);
  EXPECT_NE(notes_[0].find("not kept"), std::string::npos);
}

} // namespace
} // namespace cameo
