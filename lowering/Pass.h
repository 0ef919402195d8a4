// What a pass is: a free function and a row. The manager that runs them is PassManager.h, their
// order Pipeline.cpp.
#pragma once

#include "ir/Module.h"
#include "ir/Result.h"
#include "ir/Target.h"
#include "ir/kernel/Fields.h"

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace cameo {

/// What the planner prefers where a faster algorithm stores larger weights
/// (lowering/plan/WeightBudget.h).
enum class Optimize { Speed, Balanced, Size };
template <> struct EnumWords<Optimize> {
  static constexpr std::string_view words[] = {"speed", "balanced", "size"};
};

/// What passes may ask about the compilation. The same module and context give the same result.
struct PassContext {
  Target target;
  /// What f32 convolutions and products with constant weights multiply in: F32, or BF16 with sums
  /// in F32.
  DType precision = DType::F32;
  /// Whether convolutions may use Winograd's algorithm where it is faster.
  bool winograd = true;
  Optimize optimize = Optimize::Balanced;
  /// Adds a last output: how long each kernel took (lowering/program/Profile.h).
  bool profile = false;
  /// Plans found by measuring, by the keys of kernels (lowering/plan/TunedPlans.h).
  std::map<std::string, AttrDict> plans = {};
  /// Register tiles that need more registers than there are (lowering/plan/RejectedTiles.h).
  std::set<std::string> rejectedTiles = {};
};

/// Rewrites the module; true if it changed anything.
using PassFn = Result<bool> (*)(Module &, PassContext &);

/// Whether a compiler without the pass works.
enum class PassNeed { Required, Optional };

struct PassInfo {
  std::string_view name;
  PassFn run;
  PassNeed need;
  std::string_view help;
};

} // namespace cameo
