// fmt as a static library, which distributions leave out. With FMT_HEADER_ONLY its functions are
// inline, and this file is compiled with -fkeep-inline-functions: they are all here, for those who
// only declare them.
#include <fmt/format.h>
