# Sourced by the other scripts, in the checkout.
. scripts/progress.sh

# build PRESET [target...]: configures and builds with all cores, and says how long it still takes. Objects that the
# compiler cache has seen in another checkout serve here too. CMake options may stand in the array `build_options`.
build() {
  local preset=$1 target; shift
  local targets=()
  for target in "$@"; do targets+=(--target "$target"); done
  export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
  mkdir -p build
  cmake --preset "$preset" "${build_options[@]}" >"build/$preset.log" 2>&1 || { cat "build/$preset.log" >&2; return 1; }
  cmake --build --preset "$preset" "${targets[@]}" 2>&1 | show_progress "$preset: compiling snapkv"
  return "${PIPESTATUS[0]}"  # for callers without pipefail
}
build_options=()
