// The C header of a generated library.
#pragma once

#include "codegen/Bundle.h"

namespace cameo {

struct LibraryIdentity;

/// Declares the entry function and describes the inputs and outputs, with a program as an example
/// of use that includes the header by its file's name.
std::string modelHeader(const Program &program, const LibraryIdentity &options,
                        const std::string &file);

/// Declares a bundle's entry function, lists its models and has their indices as constants.
std::string bundleHeader(const Bundle &bundle, const LibraryIdentity &options,
                         const std::string &file);

} // namespace cameo
