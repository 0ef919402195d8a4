# CAMEO_STATIC: a program for packages. All libraries but the system's C library are inside, without what
# nobody calls. Objects are those of the usual build, so that ccache has them.
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)
set(ZLIB_USE_STATIC_LIBS ON)
set(Protobuf_USE_STATIC_LIBS ON)
find_package(ZLIB REQUIRED)
find_package(zstd REQUIRED)
find_package(LLVM 19.1 REQUIRED CONFIG)
find_package(LLD REQUIRED CONFIG HINTS ${LLVM_LIBRARY_DIRS}/cmake/lld)

# The targets of LLD name the shared libraries.
find_library(CAMEO_ZSTD_STATIC libzstd.a REQUIRED)
set_target_properties(zstd::libzstd_shared PROPERTIES IMPORTED_LOCATION_NONE ${CAMEO_ZSTD_STATIC})
llvm_map_components_to_libnames(CAMEO_LLVM core lto option passes AArch64 ARM RISCV WebAssembly X86)
add_library(cameo_lld STATIC cmake/static/Lld.cpp)
target_include_directories(cameo_lld SYSTEM PRIVATE ${LLVM_INCLUDE_DIRS})
target_compile_options(cameo_lld PRIVATE -fno-rtti)
set_target_properties(LLVMExtensions PROPERTIES INTERFACE_LINK_LIBRARIES "LLVMSupport;cameo_lld")
foreach(library lldCommon lldELF lldWasm)
  get_target_property(links ${library} INTERFACE_LINK_LIBRARIES)
  list(REMOVE_ITEM links LLVM)
  set_target_properties(${library} PROPERTIES INTERFACE_LINK_LIBRARIES "${links};${CAMEO_LLVM}")
endforeach()

add_library(cameo_fmt STATIC cmake/static/Fmt.cpp)
target_compile_definitions(cameo_fmt PRIVATE FMT_HEADER_ONLY INTERFACE FMT_SHARED) # as the shared library's users
target_compile_options(cameo_fmt PRIVATE -fkeep-inline-functions -ffunction-sections)
add_library(fmt::fmt ALIAS cameo_fmt)

add_link_options(-static-libgcc -static-libstdc++ -Wl,--gc-sections,--as-needed,-s)
