// Gives access to what CMakeLists.txt embedded.
#include "codegen/Bitcode.h"

extern "C" {
#define ROW(arch)                                                                                  \
  extern const char cameo_bitcode_##arch[], cameo_bitcode_##arch##_end[];                          \
  extern const char cameo_object_##arch[], cameo_object_##arch##_end[];
#include "BitcodeRows.def"
#undef ROW
extern const char cameo_public_header[], cameo_public_header_end[];
extern const char cameo_bundle_header[], cameo_bundle_header_end[];
extern const char cameo_op_header[], cameo_op_header_end[];
extern const char cameo_js_loader[], cameo_js_loader_end[];
extern const char cameo_js_types[], cameo_js_types_end[];
}

namespace cameo {

namespace {

struct Row {
  std::string_view arch;
  std::string_view bitcode;
  std::string_view object;
};

std::string_view textOf(const char *begin, const char *end) {
  return {begin, static_cast<size_t>(end - begin)};
}

const Row kRows[] = {
#define ROW(arch)                                                                                  \
  {#arch, textOf(cameo_bitcode_##arch, cameo_bitcode_##arch##_end),                                \
   textOf(cameo_object_##arch, cameo_object_##arch##_end)},
#include "BitcodeRows.def"
#undef ROW
};

const Row *rowOf(std::string_view arch) {
  for (const Row &row : kRows)
    if (row.arch == arch)
      return &row;
  return nullptr;
}

} // namespace

std::string_view runtimeBitcode(std::string_view arch) {
  const Row *row = rowOf(arch);
  return row ? row->bitcode : std::string_view();
}

std::string_view runtimeObject(std::string_view arch) {
  const Row *row = rowOf(arch);
  return row ? row->object : std::string_view();
}

std::vector<std::string_view> runtimeArchs() {
  std::vector<std::string_view> archs;
  for (const Row &row : kRows)
    archs.push_back(row.arch);
  return archs;
}

std::string_view publicHeader() { return textOf(cameo_public_header, cameo_public_header_end); }

std::string_view bundlePublicHeader() {
  return textOf(cameo_bundle_header, cameo_bundle_header_end);
}

std::string_view opHeader() { return textOf(cameo_op_header, cameo_op_header_end); }

std::string_view jsLoader() { return textOf(cameo_js_loader, cameo_js_loader_end); }

std::string_view jsLoaderTypes() { return textOf(cameo_js_types, cameo_js_types_end); }

} // namespace cameo
