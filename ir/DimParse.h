// Reading sizes from text, as a piece of a longer text (types, attributes, layouts).
#pragma once

#include "ir/Dim.h"

namespace cameo {

/// Reads the longest size at the front of `text` and removes it from there, in the form Dim::str
/// prints. Nothing (and `text` as it was) if there is none, or if it is too large or too deeply
/// nested to come from us.
std::optional<Dim> takeDim(std::string_view &text);

} // namespace cameo
