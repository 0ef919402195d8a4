// What larger weights cost and gain (lowering/plan/WeightBudget.h): what `explain` shows of each
// choice, and what `compile` says of those that were made for size.
#pragma once

#include "bench/Report.h"
#include "lowering/plan/WeightBudget.h"

#include <string>

namespace cameo {

/// A line on the choices that were made for size; "" if there are none. `budget` is of a module
/// with plans.
std::string weightSummary(WeightBudget budget);

/// All choices, and what the settings of --optimize would make of the model; "" where there is
/// nothing to choose.
std::string weightText(WeightBudget budget);
nlohmann::ordered_json weightJson(WeightBudget budget);

} // namespace cameo
