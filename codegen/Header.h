// The C header of a generated library.
#pragma once

#include "ir/Program.h"

namespace cameo {

/// Declares the entry function `name` and describes the inputs and outputs, with a program as an
/// example of use that includes the header by its file's name.
std::string modelHeader(const Program &program, const std::string &name, const std::string &file);

/// A C identifier: other characters become `_`, and one that C, C++ or their libraries keep to
/// themselves gets `m_` in front.
std::string modelIdentifier(const std::string &name);

} // namespace cameo
