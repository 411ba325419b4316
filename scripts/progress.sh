# Sourced by the other scripts.

# show_progress LABEL [quiet]: reads a build's output and says how far it is and how long it still takes: on a terminal in
# one line that is written over, elsewhere every half minute. What the compiler says passes through, unless quiet.
show_progress() {
  local label=$1 began=$SECONDS said=$SECONDS line left finished=0 all=0
  while IFS= read -r line; do
    if [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]]; then
      finished=${BASH_REMATCH[1]} all=${BASH_REMATCH[2]}
      [ "$finished" -gt 0 ] || continue  # [0/N] foretells nothing
      left=$(((SECONDS - began) * (all - finished) / finished))
      if [ -t 2 ] && [ "${TERM:-dumb}" != dumb ]; then
        printf '\r\033[K%s: %d of %d files, about %d:%02d left' "$label" "$finished" "$all" $((left / 60)) $((left % 60)) >&2
      elif [ $((SECONDS - said)) -ge 30 ]; then
        said=$SECONDS
        printf '%s: %d of %d files, about %d:%02d left\n' "$label" "$finished" "$all" $((left / 60)) $((left % 60)) >&2
      fi
    elif [ "${2:-}" != quiet ] && [ -n "$line" ] && [[ $line != "ninja: Entering"* && $line != "ninja: no work"* ]]; then
      printf '%s\n' "$line" >&2
    fi
  done
  ! [ -t 2 ] || [ "${TERM:-dumb}" = dumb ] || printf '\r\033[K' >&2
  [ "$finished" -lt "$all" ] || printf '%s: done in %d:%02d\n' "$label" $(((SECONDS - began) / 60)) $(((SECONDS - began) % 60)) >&2
}
