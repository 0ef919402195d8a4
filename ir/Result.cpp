// The exit for our own bugs; see Result.h.
#include "ir/Result.h"

#include <cstdio>
#include <cstdlib>

void cameo::internalError(const char *file, int line, const std::string &message) {
  std::fprintf(stderr, "error: internal error: %s (%s:%d)\nnote: this is a bug in cameo\n",
               message.c_str(), file, line);
  std::_Exit(4);
}
