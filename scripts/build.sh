# Sourced by the other scripts, from the checkout.

# build PRESET [target...]: configures and builds on all cores, quietly unless something fails. Objects that the
# compiler cache knows from another checkout are reused.
build() {
  local preset=$1 target; shift
  local targets=()
  for target in "$@"; do targets+=(--target "$target"); done
  export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
  mkdir -p build
  cmake --preset "$preset" >"build/$preset.log" 2>&1 || { cat "build/$preset.log" >&2; return 1; }
  cmake --build --preset "$preset" "${targets[@]}"
}
