// What can go wrong while a model runs, as IR text names it: by word, since the numbers of
// runtime/abi.h change when faults are added.
#pragma once

#include "ir/Attr.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cameo {

/// The word of a fault's number: the name of its row in CAMEO_FAULTS, in lower case, or "own N" for
/// text N of the model's own faults (Program::faultTexts).
std::string faultWord(int64_t code);
/// The number of a fault's word; nothing if there is no such fault.
std::optional<int64_t> faultFromWord(std::string_view word);
/// The number of the fault that the attribute `code` of a verified op names.
int64_t faultOf(const AttrDict &attrs);

} // namespace cameo
