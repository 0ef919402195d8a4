// IR as text, one form for all three levels; the parser reads it back to the same module.
// docs/ir.md describes the syntax.
//
// Values are printed under their name hints, made unique in their function by a suffix; those
// without one are numbered. Graph ops' attributes that have their default value are left out.
#pragma once

#include "ir/AttrText.h"
#include "ir/Module.h"

namespace cameo {

struct PrintOptions {
  /// `loc("conv1")` after ops that come from nodes.
  bool locations = true;
};

std::string print(const Module &module, const PrintOptions &options = {});
/// One function; equal text means equal behaviour, whatever the function is called if the name is
/// "".
std::string printFunc(const Func &func, const PrintOptions &options = {});
/// One op on one line, without its regions, named as in the printed function: for messages.
std::string printOp(const Op &op);
/// A value's `%name` as in the printed function: for messages.
std::string printValue(const Value &value);

} // namespace cameo
