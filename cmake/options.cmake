# Warnings and sanitizers of the project's own code. Targets link snapkv_options; dependencies never do.
add_library(snapkv_options INTERFACE)
target_compile_features(snapkv_options INTERFACE cxx_std_20)
target_compile_options(snapkv_options INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion
  -Wnon-virtual-dtor -Wold-style-cast -Wcast-qual -Woverloaded-virtual -Werror)
target_include_directories(snapkv_options INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)

option(SNAPKV_AVX2 "Compile for processors with AVX2, FMA and F16C, whatever this one has" OFF)
if(SNAPKV_AVX2)
  target_compile_options(snapkv_options INTERFACE -march=haswell)
  target_compile_definitions(snapkv_options INTERFACE SNAPKV_AVX2)
endif()

# Most of a file's compile time goes into the library's headers. Several files in one unit share them: half the time for
# a build from nothing, at the price of names that must differ between the files of a folder.
option(SNAPKV_UNITY "Compile several files of a folder as one unit" OFF)
if(NOT SNAPKV_UNITY)  # within a unit one file's locals may have the names of another's functions
  target_compile_options(snapkv_options INTERFACE -Wshadow)
endif()
function(snapkv_unity target)
  if(SNAPKV_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 12)
  endif()
endfunction()

# snapkv_precompile(TARGET OWNER header...): headers that the owner compiles once, for itself and others with its options.
# Without unity builds every file must name what it uses. GCC only: the compiler cache and clang's do not get on.
function(snapkv_precompile target owner)
  if(NOT SNAPKV_UNITY OR NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    return()
  endif()
  if(target STREQUAL owner)
    target_precompile_headers(${target} PRIVATE ${ARGN})
  else()
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endif()
  target_compile_options(${target} PRIVATE -fpch-preprocess)  # for the compiler cache
endfunction()

# Code that arranges work rather than does it compiles faster with less optimisation and runs as fast. Sanitizers'
# checks are most of what a compiler then has to optimise. With GCC all that share precompiled headers must be alike.
function(snapkv_light target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  if(SNAPKV_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    target_compile_options(${target} PRIVATE -O0)
  endif()
endfunction()

if(SNAPKV_SANITIZE)
  target_compile_options(snapkv_options INTERFACE -fsanitize=${SNAPKV_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  target_compile_definitions(snapkv_options INTERFACE SNAPKV_SANITIZED)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    # Else Highway adds emulated vectors, which are in no build that is used.
    target_compile_options(snapkv_options INTERFACE -msse4.2 -maes -mpclmul)
  endif()
  target_link_options(snapkv_options INTERFACE -fsanitize=${SNAPKV_SANITIZE})
  # No sanitizer watches what this processor cannot run, and sanitized kernels take minutes to compile.
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64" AND EXISTS /proc/cpuinfo)
    file(STRINGS /proc/cpuinfo avx512 REGEX "^flags.* avx512f" LIMIT_COUNT 1)
    if(NOT avx512)
      target_compile_definitions(snapkv_options INTERFACE SNAPKV_AVX2)
    endif()
  endif()
endif()
