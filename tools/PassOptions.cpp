// See PassOptions.h.
#include "tools/PassOptions.h"

#include <CLI/CLI.hpp>

namespace cameo {

void addPassOptions(CLI::App &command, PassManagerOptions &options) {
  auto add = [&](const char *flag, auto &value, const char *help) {
    return command.add_option(flag, value, help)->group("For developers of Cameo");
  };
  auto list = [](CLI::Option *option) {
    option->type_name("PASS,...")->delimiter(',')->allow_extra_args(false);
  };
  list(add("--print-after", options.printAfter, "Print the IR after these passes, to stderr"));
  command.add_flag("--print-after-all", options.printAfterAll, "Print the IR after every pass")
      ->group("For developers of Cameo");
  add("--stop-after", options.stopAfter, "Stop after a pass or phase; only --emit ir makes sense")
      ->type_name("PASS|PHASE");
  list(add("--skip-passes", options.skipPasses, "Leave optional passes out"));
  add("--bisect-limit", options.bisectLimit,
      "Of the optional passes run only the first N, naming them")
      ->type_name("N");
  command.add_flag("--time-passes", options.timePasses, "Print the time each pass took")
      ->group("For developers of Cameo");
}

} // namespace cameo
