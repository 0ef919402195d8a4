// The C header of a generated library.
#pragma once

#include "ir/Program.h"

namespace cameo {

struct ModelOptions;

/// Declares the entry function and describes the inputs and outputs, with a program as an example
/// of use that includes the header by its file's name.
std::string modelHeader(const Program &program, const ModelOptions &options,
                        const std::string &file);

} // namespace cameo
