// The runtime as data: codegen/ links it into every generated library.
//
// The C files of this folder are compiled to LLVM bitcode for every supported architecture when
// Cameo is built, and embedded here together with the public header that the compiler writes beside
// its output. See abi.h for what generated code and runtime share.
#pragma once

#include <string_view>
#include <vector>

namespace cameo {

/// The runtime's bitcode for an architecture named as in LLVM triples ("x86_64", "aarch64"), or an
/// empty view when there is none. Its functions have baseline target attributes. The caller may
/// rewrite those of the functions it inlines into kernels, but not of `cameo_rt_create` and
/// `cameo_cpu_*`, which run before the CPU is known to be good enough.
std::string_view runtimeBitcode(std::string_view arch);

/// The same code as an object file with a section a function, all symbols hidden; position
/// independent.
std::string_view runtimeObject(std::string_view arch);

/// The architectures that runtimeBitcode knows.
std::vector<std::string_view> runtimeArchs();

/// The text of cameo.h.
std::string_view publicHeader();

/// The text of cameo_bundle.h, for libraries with several models.
std::string_view bundlePublicHeader();

/// The text of cameo_op.h, for operators of the user's own.
std::string_view opHeader();

/// The text of cameo.mjs, which runs wasm modules.
std::string_view jsLoader();

/// Its types for TypeScript, cameo.d.mts.
std::string_view jsLoaderTypes();

} // namespace cameo
