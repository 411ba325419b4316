# `cmake --install` gives the headers, the shared library, the program and a CMake package named snapkv.
include(CMakePackageConfigHelpers)

install(TARGETS snapkv snapkv_cli EXPORT snapkv-targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/snapkv DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT snapkv-targets NAMESPACE snapkv:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/snapkv)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/snapkv-config-version.cmake COMPATIBILITY SameMinorVersion)
file(WRITE ${PROJECT_BINARY_DIR}/snapkv-config.cmake
  "include(\"\${CMAKE_CURRENT_LIST_DIR}/snapkv-targets.cmake\")\n")
install(FILES ${PROJECT_BINARY_DIR}/snapkv-config.cmake ${PROJECT_BINARY_DIR}/snapkv-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/snapkv)
