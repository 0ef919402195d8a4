// The file that keeps plans found by `--tune`: text that can be committed and reused.
// docs/compile.md describes it.
#pragma once

#include "ir/Attr.h"
#include "ir/Result.h"
#include "ir/Target.h"

#include <map>
#include <string>

namespace cameo {

/// Plans by the keys of kernels (lowering/plan/TunedPlans.h); {} where the planner's own is best.
using PlanMap = std::map<std::string, AttrDict>;

class TuneCache {
public:
  /// Where there need not be such a file, an empty cache if there is none. Errors name the line.
  static Result<TuneCache> read(const std::string &path, bool mustExist);
  Result<void> write(const std::string &path) const;

  /// The plans for a processor.
  PlanMap &plansFor(const Target &target) { return plans_[cpuOf(target)]; }

  /// What plans depend on: the instructions, and the processor that code is scheduled for.
  static std::string cpuOf(const Target &target);

private:
  std::map<std::string, PlanMap> plans_;
};

} // namespace cameo
