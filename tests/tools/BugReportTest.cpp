// What bugs planted in passes leave behind.
#include "tools/BugReport.h"

#include "ir/Parser.h"
#include "ir/Printer.h"
#include "support/File.h"
#include "support/Temporary.h"
#include "tools/Command.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

using namespace cameo;

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kText = "module \"m\" {\n"
                                   "  func @f(%x: f32[]) {\n"
                                   "    %y = Relu(%x) : f32[]\n"
                                   "    %z = Abs(%y) : f32[]\n"
                                   "    return(%z)\n"
                                   "  }\n"
                                   "}\n";
const std::string kAfterDrop = "module \"m\" {\n"
                               "  func @f(%x: f32[]) {\n"
                               "    %z = Abs(%x) : f32[]\n"
                               "    return(%z)\n"
                               "  }\n"
                               "}\n";

Result<bool> drop(Module &module, PassContext &) {
  Op *op = module.main().body.ops().front().get();
  op->result()->replaceAllUsesWith(op->operand(0));
  op->erase();
  return true;
}
Result<bool> ice(Module &module, PassContext &) {
  module.main().body.terminator()->erase();
  ICE("a planted bug");
}
Result<bool> malform(Module &module, PassContext &) {
  module.main().body.terminator()->erase();
  return true;
}
Result<bool> raise(Module &, PassContext &) {
  std::raise(SIGTERM);
  return true;
}
Result<bool> refuse(Module &, PassContext &) { return unsupported("node 'x': no"); }

const PassInfo kPasses[] = {{"drop", drop, PassNeed::Required, ""},
                            {"ice", ice, PassNeed::Required, ""},
                            {"malform", malform, PassNeed::Required, ""},
                            {"raise", raise, PassNeed::Required, ""},
                            {"refuse", refuse, PassNeed::Required, ""}};

struct BugReport : testing::Test {
  std::unique_ptr<TemporaryFolder> folder = *TemporaryFolder::create();
  std::string said;

  void SetUp() override { setenv("TMPDIR", folder->path().c_str(), 1); }
  void TearDown() override { unsetenv("TMPDIR"); }

  CompilerWork work(std::string passes) const {
    CompilerWork work{"m.onnx", "--cpu x86-64-v3"};
    work.run = [passes](const PassObserver &observer) {
      Result<Module> module = parseModule(kText, "t");
      PassContext context;
      Result<PassReport> done = runPasses(*module, context, *stepsFromText(passes, kPasses),
                                          kPasses, {.beforePass = observer});
      if (done && observer)
        observer(*module, "");
      return exitStatus(done);
    };
    return work;
  }

  int run(const CompilerWork &work) {
    testing::internal::CaptureStderr();
    int status = runCompiler(work);
    said = testing::internal::GetCapturedStderr();
    return status;
  }

  std::vector<fs::path> reports() const {
    std::vector<fs::path> found;
    for (const fs::directory_entry &entry : fs::directory_iterator(folder->path()))
      found.push_back(entry.path());
    return found;
  }

  static std::string read(const fs::path &path) {
    Result<std::vector<std::byte>> bytes = readFile(path.string());
    if (!bytes)
      return bytes.error().message;
    return {reinterpret_cast<const char *>(bytes->data()), bytes->size()};
  }

  void expectReport(const std::string &pass, const std::string &message) {
    ASSERT_EQ(reports().size(), 1u) << said;
    fs::path report = reports().front();
    EXPECT_NE(said.find(message), std::string::npos) << said;
    EXPECT_NE(said.find("note: '" + report.string() + "' has the IR before the step that failed, "),
              std::string::npos)
        << said;
    EXPECT_NE(read(report / "message.txt").find(message), std::string::npos);
    EXPECT_EQ(read(report / "before.cir"), "// before pass '" + pass + "'\n" + kAfterDrop);
    std::string command = read(report / "repeat.sh");
    EXPECT_NE(command.find("&& cameo opt before.cir --passes " + pass + " --cpu x86-64-v3\n"),
              std::string::npos)
        << command;
    // Nothing half-written stays.
    EXPECT_EQ(std::distance(fs::directory_iterator(report), fs::directory_iterator()), 3);
  }
};

TEST_F(BugReport, OfAnInternalError) {
  EXPECT_EQ(run(work("drop,ice")), OurBug);
  expectReport("ice", "error: internal error: a planted bug");
}

TEST_F(BugReport, OfAMalformedModule) {
  EXPECT_EQ(run(work("drop,malform,drop")), OurBug);
  expectReport("malform", "pass 'malform' left a malformed module");
}

TEST_F(BugReport, OfADeathBySignal) {
  EXPECT_EQ(run(work("drop,raise")), OurBug);
  ASSERT_EQ(reports().size(), 1u);
  EXPECT_EQ(read(reports().front() / "before.cir"), "// before pass 'raise'\n" + kAfterDrop);
  EXPECT_NE(said.find("m.onnx: internal error: compiling was ended by signal"), std::string::npos);
}

TEST_F(BugReport, OfCodeGeneration) {
  CompilerWork failing = work("drop");
  auto lower = failing.run;
  failing.run = [lower](const PassObserver &observer) {
    lower(observer);
    ICE("no code");
    return 0;
  };
  EXPECT_EQ(run(failing), OurBug);
  ASSERT_EQ(reports().size(), 1u);
  EXPECT_EQ(read(reports().front() / "before.cir"), "// before code generation\n" + kAfterDrop);
  EXPECT_NE(read(reports().front() / "repeat.sh").find("cameo compile before.cir"),
            std::string::npos);
}

TEST_F(BugReport, NothingWithoutABug) {
  EXPECT_EQ(run(work("drop")), Fine);
  EXPECT_EQ(run(work("refuse")), NotSupported);
  EXPECT_TRUE(reports().empty());
}

TEST_F(BugReport, NothingWhereItDoesNotHappenAgain) {
  CompilerWork once = work("drop");
  once.run = [](const PassObserver &observer) -> int { return observer ? Fine : OurBug; };
  EXPECT_EQ(run(once), OurBug);
  EXPECT_TRUE(reports().empty());
  EXPECT_NE(said.find("it did not happen a second time"), std::string::npos) << said;
}

} // namespace
