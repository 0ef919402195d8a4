// Open sizes of inputs that the operators leave no choice about: the channels of an image that go
// into a convolution are as many as the constant weights have. Such a symbol becomes that number
// everywhere, in the inputs' types too, so that everything after, and the library's user, sees it.
#pragma once

#include "ir/Module.h"
#include "ir/Result.h"

namespace cameo {

/// Replaces symbols of the main function's inputs that must equal a constant by what operators that
/// run in any case require. An error if two requirements contradict each other.
Result<void> unifySizes(Module &module);

/// The symbols that the inputs' shapes bind, in order of first appearance.
std::vector<std::string> boundSymbols(Func &func);

} // namespace cameo
