# cameo_add_model(TARGET MODEL.onnx [STATIC | SHARED] [DIM name=size ...] [SHAPE input=1x3x224x224 ...]
#                 [PLATFORM platform] [CPU cpu] [OPTIONS option ...] [DEPENDS file ...])
#
# A library target of a model, which is compiled when the model, what it refers to, or the compiler has changed.
# Who links TARGET includes "TARGET.h" and calls TARGET(); see docs/cpp.md. STATIC is usual. DIM, SHAPE, CPU and
# OPTIONS are those of `cameo compile`, PLATFORM is its --target: when cross-compiling, by default that of
# CMAKE_SYSTEM_PROCESSOR. DEPENDS are files that OPTIONS name.
function(cameo_add_model target model)
  cmake_parse_arguments(PARSE_ARGV 2 arg "STATIC;SHARED" "PLATFORM;CPU" "DIM;SHAPE;OPTIONS;DEPENDS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "cameo_add_model(${target}): unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(arg_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "cameo_add_model(${target}): no value for ${arg_KEYWORDS_MISSING_VALUES}")
  endif()
  if(arg_STATIC AND arg_SHARED)
    message(FATAL_ERROR "cameo_add_model(${target}): STATIC or SHARED, not both")
  endif()
  get_filename_component(model "${model}" ABSOLUTE)
  set(kind STATIC)
  set(extension a)
  if(arg_SHARED)
    set(kind SHARED)
    set(extension so)
  endif()
  if(NOT arg_PLATFORM AND CMAKE_CROSSCOMPILING)
    set(arg_PLATFORM ${CMAKE_SYSTEM_PROCESSOR}-linux-gnu)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "^arm")
      set(arg_PLATFORM armv7-linux-gnueabihf)
    endif()
  endif()

  set(flags --name ${target})
  foreach(name DIM SHAPE)
    foreach(size ${arg_${name}})
      string(TOLOWER ${name} flag)
      list(APPEND flags --${flag} ${size})
    endforeach()
  endforeach()
  if(arg_PLATFORM)
    list(APPEND flags --target ${arg_PLATFORM})
  endif()
  if(arg_CPU)
    list(APPEND flags --cpu ${arg_CPU})
  endif()

  set(folder ${CMAKE_CURRENT_BINARY_DIR}/cameo/${target})
  file(MAKE_DIRECTORY ${folder})
  set(library ${folder}/${target}.${extension})
  add_custom_command(
    OUTPUT ${library} ${folder}/${target}.h ${folder}/cameo.h
    COMMAND cameo::program compile ${model} -o ${library} --emit ${extension},header,deps ${flags} ${arg_OPTIONS}
    DEPENDS ${model} ${arg_DEPENDS} cameo::program
    DEPFILE ${folder}/${target}.d
    COMMENT "Compiling ${target} from ${model}"
    VERBATIM)
  add_custom_target(${target}-model DEPENDS ${library})
  add_library(${target} ${kind} IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES IMPORTED_LOCATION ${library} INTERFACE_INCLUDE_DIRECTORIES ${folder}
                                             INTERFACE_LINK_LIBRARIES cameo::cameo)
  add_dependencies(${target} ${target}-model)
endfunction()
