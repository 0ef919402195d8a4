// The parts of the program that are written in Python, because Python's libraries do their work:
// modules of cameoc.tools. They run in the Python that $CAMEO_PYTHON names, else in `python3`, from
// the package that belongs to this very program, and compile with this program ($CAMEO).
#pragma once

#include "ir/Result.h"

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace cameo {

/// Becomes the part `name` (the module cameoc.tools.NAME), with these arguments: its exit status,
/// its output and the signals it gets are those of the process. Returns only if it cannot start.
Error becomePythonPart(const std::string &name, const std::vector<std::string> &arguments);

/// Runs the part in a child process and returns what it wrote to stdout. Where it ends with another
/// status than 0, the error has that status and the message that it wrote to stderr.
Result<std::string> outputOfPythonPart(const std::string &name,
                                       const std::vector<std::string> &arguments);

} // namespace cameo
