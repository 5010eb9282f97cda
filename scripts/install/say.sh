# shellcheck shell=bash disable=SC2034,SC2154 # sourced by the scripts above, which share their variables
# Lines for the person at the terminal: what a step does, how long it took, and endings that say what to do next.

# step TITLE COMMAND... runs the command in this shell, so that `set -e` stays in force inside it.
step() {
  local title=$1 started=$EPOCHREALTIME
  shift
  current_step=$title
  printf '==> %s\n' "$title"
  "$@"
  printf '    done in %s s\n' "$(seconds_since "$started")"
  current_step=
}

detail() { printf '    %s\n' "$*"; }

# refuse WHAT-HAPPENED WHAT-TO-DO-NEXT
refuse() {
  printf '\nStopped: %s\n  Next: %s\n' "$1" "$2" >&2
  current_step=
  exit 1
}

# quietly COMMAND... keeps the output in the log and shows the end of it only where the command fails.
quietly() {
  mkdir -p "$cache"
  "$@" >>"$log" 2>&1 && return
  tail -n 15 "$log" | sed 's/^/    | /' >&2
  refuse "'$1 ${2-}' failed; the lines above are the end of $log" "put right what they name, then run this again"
}

seconds_since() {
  local microseconds=$((${EPOCHREALTIME/[.,]/} - ${1/[.,]/}))
  printf '%d.%01d' $((microseconds / 1000000)) $((microseconds / 100000 % 10))
}

say_where_it_stopped() {
  local code=$?
  [ "$code" = 0 ] || [ -z "${current_step-}" ] || printf '\nStopped at: %s (exit code %s). Run this again to go on from here.\n' "$current_step" "$code" >&2
}
trap say_where_it_stopped EXIT

cache=${SLIPYARD_CACHE:-$HOME/.cache/slipyard}
log=$cache/install.log
