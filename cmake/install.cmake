# `cmake --install` gives the headers, both shared libraries, the program, the licences of what is linked into them and a
# CMake package named snapkv with the targets snapkv::snapkv and snapkv::tools.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/snapkv)

install(TARGETS snapkv snapkv_tools EXPORT snapkv-targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS snapkv_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/snapkv DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/snapkv)
install(DIRECTORY ${SNAPKV_LLAMA_PREFIX}/share/licenses/ DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses)
# What llama.cpp brings along and its libraries contain.
set(llama_tree ${SNAPKV_DEPS}/llama.cpp)
install(FILES ${llama_tree}/licenses/LICENSE-jsonhpp DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/nlohmann-json)
install(DIRECTORY ${llama_tree}/vendor/hash/ DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/hash
  FILES_MATCHING PATTERN "LICENSE*")

install(EXPORT snapkv-targets NAMESPACE snapkv:: DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/snapkv-config.cmake.in
  ${PROJECT_BINARY_DIR}/snapkv-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/snapkv-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/snapkv-config.cmake ${PROJECT_BINARY_DIR}/snapkv-config-version.cmake
  DESTINATION ${package_dir})
