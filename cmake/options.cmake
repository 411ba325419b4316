# Warnings and sanitizers of the project's own code. Targets link snapkv_options; dependencies never do.
add_library(snapkv_options INTERFACE)
target_compile_features(snapkv_options INTERFACE cxx_std_20)
target_compile_options(snapkv_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
  -Wnon-virtual-dtor -Wold-style-cast -Wcast-qual -Woverloaded-virtual -Werror)
target_include_directories(snapkv_options INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
if(SNAPKV_SANITIZE)
  target_compile_options(snapkv_options INTERFACE -fsanitize=${SNAPKV_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  target_link_options(snapkv_options INTERFACE -fsanitize=${SNAPKV_SANITIZE})
endif()
