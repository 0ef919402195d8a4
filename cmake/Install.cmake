# What `cmake --install`, the wheel and the .deb have (docs/install.md). A wheel takes the component `program`, below the
# folder of the Python package, and `wheel`; other installations `program` and `system`.
include(CMakePackageConfigHelpers)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME program)

install(TARGETS cameo RUNTIME DESTINATION bin)
install(FILES runtime/include/cameo.h runtime/include/cameo.hpp runtime/include/cameo_bundle.h
              runtime/include/cameo_op.h DESTINATION include)
install(DIRECTORY python/cameoc DESTINATION lib/cameo/python COMPONENT system
        PATTERN __pycache__ EXCLUDE)
install(FILES VERSION DESTINATION lib/cameo COMPONENT system)

configure_package_config_file(cmake/package/cameo-config.cmake.in cameo-config.cmake
                              INSTALL_DESTINATION lib/cmake/cameo)
write_basic_package_version_file(cameo-config-version.cmake COMPATIBILITY SameMinorVersion
                                 ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/cameo-config.cmake ${PROJECT_BINARY_DIR}/cameo-config-version.cmake
              cmake/package/CameoAddModel.cmake DESTINATION lib/cmake/cameo)
configure_file(cmake/package/cameo.pc.in cameo.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/cameo.pc DESTINATION lib/pkgconfig)

install(FILES LICENSE DESTINATION share/doc/cameo RENAME copyright COMPONENT system)

if(CAMEO_STATIC)
  # At this time the build is complete, and knows what went into the program.
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  set(sbom ${PROJECT_BINARY_DIR}/cameo.cdx.json)
  install(CODE "execute_process(COMMAND \"${Python3_EXECUTABLE}\" scripts/sbom.py \"${PROJECT_BINARY_DIR}\"
                                ${PROJECT_VERSION} \"${sbom}\"
                                WORKING_DIRECTORY \"${PROJECT_SOURCE_DIR}\" COMMAND_ERROR_IS_FATAL ANY)"
          ALL_COMPONENTS)
  if(SKBUILD)
    install(FILES ${sbom} DESTINATION ${SKBUILD_METADATA_DIR}/sboms COMPONENT wheel EXCLUDE_FROM_ALL)
  endif()
  install(FILES ${sbom} DESTINATION share/doc/cameo COMPONENT system)
  # Debian's Python reads this file, below /usr, and finds the package.
  install(FILES cmake/package/cameo.pth DESTINATION lib/python3/dist-packages COMPONENT system)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME cameo)
set(CPACK_PACKAGE_CONTACT "The Cameo developers")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "compiles ONNX models to native libraries")
set(CPACK_PACKAGE_DESCRIPTION "The libraries need nothing but the C library: no framework, no interpreter, no Python.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "python3-numpy")
include(CPack)
