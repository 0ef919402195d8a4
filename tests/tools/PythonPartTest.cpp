// How Python parts are run; the interpreter is a script of the shell here.
#include "tools/PythonPart.h"
#include "support/File.h"
#include "support/Temporary.h"

#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>

namespace cameo {
namespace {

namespace fs = std::filesystem;

class PythonPartTest : public ::testing::Test {
protected:
  void SetUp() override { folder_ = std::move(*TemporaryFolder::create()); }
  void TearDown() override { ::unsetenv("CAMEO_PYTHON"); }

  /// Makes this script the interpreter: its arguments are the launcher, the part's name and more.
  void interpret(const std::string &script) {
    std::string path = folder_->path() / "python";
    ASSERT_TRUE(writeFile(path, "#!/bin/sh\n" + script));
    fs::permissions(path, fs::perms::owner_all);
    ::setenv("CAMEO_PYTHON", path.c_str(), 1);
  }

  std::unique_ptr<TemporaryFolder> folder_;
};

TEST_F(PythonPartTest, GivesBackTheOutputAndNamesTheProgram) {
  interpret("echo \"$2 $3 $4\"; echo \"$CAMEO\"; basename \"$1\"; echo noise >&2");
  Result<std::string> output = outputOfPythonPart("some", {"a b", "--help"});
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(*output,
            "some a b --help\n" + fs::read_symlink("/proc/self/exe").string() + "\nlaunch.py\n");
}

TEST_F(PythonPartTest, AFailureIsWhatThePartSaid) {
  interpret("echo 'a warning' >&2; echo 'error: no such file' >&2; exit 2");
  Result<std::string> output = outputOfPythonPart("some", {});
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().message, "no such file");
  EXPECT_EQ(output.error().kind, ErrorKind::BadInput);
  interpret("echo 'error: an operator' >&2; echo 'note: another' >&2; exit 3");
  Error error = outputOfPythonPart("some", {}).error();
  EXPECT_EQ(error.kind, ErrorKind::Unsupported);
  EXPECT_EQ(error.message, "an operator");
  EXPECT_EQ(error.notes, std::vector<std::string>{"another"});
  interpret("exit 5");
  EXPECT_EQ(outputOfPythonPart("some", {}).error().message,
            "the Python part 'some' ended with status 5");
  interpret("kill -KILL $$");
  EXPECT_EQ(outputOfPythonPart("some", {}).error().message,
            "the Python part 'some' ended by signal Killed");
}

TEST_F(PythonPartTest, AMissingInterpreterIsNamed) {
  ::setenv("CAMEO_PYTHON", "/nowhere/python", 1);
  for (const Error &error :
       {outputOfPythonPart("some", {}).error(), becomePythonPart("some", {})}) {
    EXPECT_EQ(error.message, "'cameo some' runs in Python, and '/nowhere/python' cannot be "
                             "started: No such file or directory");
    EXPECT_EQ(error.kind, ErrorKind::BadInput);
  }
}

} // namespace
} // namespace cameo
