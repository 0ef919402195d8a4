// See PassOptions.h.
#include "tools/PassOptions.h"

#include "tools/Options.h"

namespace cameo {

void addPassOptions(CLI::App &command, PassManagerOptions &options) {
  auto addPasses = [&](const char *flag, std::vector<std::string> &passes, const char *help) {
    addWords(command, flag, passes, help)->type_name("PASS,...")->group(kDeveloperGroup);
  };
  addPasses("--print-after", options.printAfter, "Print the IR after these passes, to stderr");
  command.add_flag("--print-after-all", options.printAfterAll, "Print the IR after every pass")
      ->group(kDeveloperGroup);
  command
      .add_option("--stop-after", options.stopAfter,
                  "Stop after a pass or phase; only --emit ir makes sense")
      ->type_name("PASS|PHASE")
      ->group(kDeveloperGroup);
  addPasses("--skip-passes", options.skipPasses, "Leave optional passes out");
  command
      .add_option("--bisect-limit", options.bisectLimit,
                  "Of the optional passes run only the first N, naming them")
      ->type_name("N")
      ->group(kDeveloperGroup)
      ->check(number<int64_t>());
  command.add_flag("--time-passes", options.timePasses, "Print the time each pass took")
      ->group(kDeveloperGroup);
}

} // namespace cameo
