# ggml, libllama and llama.cpp's common library as scripts/setup compiled them, and Debian's packages.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_library(HWY_LIBRARY hwy REQUIRED)
find_path(HWY_INCLUDE hwy/highway.h REQUIRED)
add_library(snapkv_hwy INTERFACE)
target_link_libraries(snapkv_hwy INTERFACE ${HWY_LIBRARY})
target_include_directories(snapkv_hwy SYSTEM INTERFACE ${HWY_INCLUDE})

# oneDNN multiplies weights widened to floats; without it a prefill multiplies bytes or takes ggml's products. Debian's
# runs on GCC's OpenMP, which is linked only to be told not to start threads.
option(SNAPKV_ONEDNN "Use oneDNN where it is found" ON)
add_library(snapkv_onednn INTERFACE)
set(SNAPKV_HAS_ONEDNN OFF)
if(SNAPKV_ONEDNN)
  find_library(DNNL_LIBRARY dnnl)
  find_path(DNNL_INCLUDE oneapi/dnnl/dnnl.hpp)
  if(DNNL_LIBRARY AND DNNL_INCLUDE)
    set(SNAPKV_HAS_ONEDNN ON)
    target_link_libraries(snapkv_onednn INTERFACE ${DNNL_LIBRARY} gomp)
    target_include_directories(snapkv_onednn SYSTEM INTERFACE ${DNNL_INCLUDE})
  endif()
endif()
message(STATUS "oneDNN: ${SNAPKV_HAS_ONEDNN}")

# ThreadSanitizer has to see both sides of every handover, so it needs a llama.cpp of its own; so do CUDA, and a build
# for other processors than this one.
option(SNAPKV_CUDA "Link a llama.cpp that was compiled with CUDA" OFF)
set(variants)
foreach(variant IN ITEMS tsan cuda avx2)
  if((variant STREQUAL "tsan" AND SNAPKV_SANITIZE STREQUAL "thread") OR (variant STREQUAL "cuda" AND SNAPKV_CUDA) OR
      (variant STREQUAL "avx2" AND SNAPKV_AVX2))
    list(APPEND variants ${variant})
  endif()
endforeach()
list(LENGTH variants count)
if(count GREATER 1)
  list(JOIN variants ", " variants)
  message(FATAL_ERROR "${variants} cannot be combined: each needs its own build of llama.cpp")
endif()
set(setup "scripts/setup")
if(variants)
  set(SNAPKV_LLAMA_PREFIX "${SNAPKV_DEPS}/llama-${variants}")
  set(setup "scripts/setup --${variants}")
endif()
if(NOT EXISTS "${SNAPKV_LLAMA_PREFIX}/.stamp-engine")
  message(FATAL_ERROR "llama.cpp is not at ${SNAPKV_LLAMA_PREFIX}: run ${setup} first")
endif()

# snapkv_import(TARGET ARCHIVE [dependency...])
function(snapkv_import target archive)
  add_library(${target} STATIC IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES IMPORTED_LOCATION "${SNAPKV_LLAMA_PREFIX}/lib/lib${archive}.a")
  target_include_directories(${target} SYSTEM INTERFACE "${SNAPKV_LLAMA_PREFIX}/include")
  target_link_libraries(${target} INTERFACE ${ARGN})
endfunction()

snapkv_import(ggml_base ggml-base Threads::Threads m dl)
snapkv_import(ggml_cpu ggml-cpu ggml_base)
snapkv_import(ggml_all ggml ggml_cpu ggml_base)
if(SNAPKV_CUDA)
  file(READ "${SNAPKV_LLAMA_PREFIX}/cuda-root" CUDAToolkit_ROOT)
  find_package(CUDAToolkit REQUIRED)
  snapkv_import(ggml_cuda ggml-cuda ggml_base CUDA::cudart_static CUDA::cublas)
  target_link_libraries(ggml_all INTERFACE ggml_cuda)
endif()
snapkv_import(vendor_hash vendor-hash)
target_include_directories(vendor_hash SYSTEM INTERFACE "${SNAPKV_LLAMA_PREFIX}/include/vendor")

# What the engine uses of libllama: its vocabulary, its samplers, its template engine. Its sampling from a context of
# libllama's own is never called and dropped with what it would need.
snapkv_import(llama_vocabulary llama-vocabulary ggml_all)
target_include_directories(llama_vocabulary SYSTEM INTERFACE "${SNAPKV_LLAMA_PREFIX}/include/libllama")
target_link_options(llama_vocabulary INTERFACE -Wl,--gc-sections)
snapkv_import(llama_templates llama-templates)
target_include_directories(llama_templates SYSTEM INTERFACE "${SNAPKV_LLAMA_PREFIX}/include/common"
  "${SNAPKV_LLAMA_PREFIX}/include/vendor")

# Whole models and chat formats, which tests compare with (scripts/setup --tests).
# The two parts of libllama refer to each other.
snapkv_import(libllama_rest llama ggml_all)
add_library(libllama INTERFACE IMPORTED GLOBAL)
target_link_libraries(libllama INTERFACE "$<LINK_GROUP:RESCAN,libllama_rest,llama_vocabulary>")
snapkv_import(llama_chat llama-chat libllama llama_templates)
