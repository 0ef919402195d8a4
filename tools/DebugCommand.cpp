// `cameo debug`: tools for finding bugs of Cameo.
#include "tools/Command.h"

#include <CLI/CLI.hpp>

namespace cameo {

void addDebugCommand(CLI::App &app, Action &chosen) {
  CLI::App *command = app.add_subcommand("debug", "Find bugs in Cameo");
  command->require_subcommand(1);
  addBisectCommand(*command, chosen);
  addReduceCommand(*command, chosen);
  command->footer(R"(Examples:
  cameo debug bisect model.onnx
      the first pass with which the numbers differ from the reference interpreter's
  cameo debug reduce model.onnx --fails 'cameo compare {}'
      the fewest nodes of the model for which they do)");
}

} // namespace cameo
