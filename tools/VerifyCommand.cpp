// `cameo verify`: whether files are as Cameo wrote them. Nothing of them is run.
#include "bench/Verify.h"
#include "tools/Command.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace cameo {

namespace {

constexpr const char *kVerifyExamples = R"(Examples:
  cameo verify model.so
      reads the library and compares its bytes with the checksum at its end
  cameo verify model.so big.weights
      the same for several files, weights files among them)";

Result<void> verify(const std::string &file) {
  if (!TRY(verifyFile(file)))
    return badInput(fmt::format("{}: carries no checksum: expected a shared library or a weights "
                                "file as Cameo writes them",
                                file));
  printOut(fmt::format("{}: undamaged\n", file));
  return {};
}

} // namespace

void addVerifyCommand(CLI::App &app, Action &chosen) {
  auto files = std::make_shared<std::vector<std::string>>();
  CLI::App *command =
      app.add_subcommand("verify", "Check libraries and weights by their checksums");
  command->add_option("files", *files, "What to check")->required()->type_name("M.so ...");
  command->footer(kVerifyExamples);
  command->callback([files, &chosen] {
    chosen = [files] {
      int status = Fine;
      for (const std::string &file : *files)
        status = std::max(status, exitStatus(verify(file)));
      return status;
    };
  });
}

} // namespace cameo
