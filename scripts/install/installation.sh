# shellcheck shell=bash disable=SC2034,SC2154 # sourced by the scripts above, which share their variables
# The installation in SLIPYARD_HOME: whether it runs, whether its version fits, whether its ports are free for it.

version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$checkout/slipyard/__init__.py")

# The supervisor holds a lock as long as it lives.
is_running() { [ -e "$home/run/supervisor.pid" ] && ! flock -n "$home/run/supervisor.pid" true; }

# service_runs NAME: redis, registry and caddy outlive the supervisor; their pid files are JSON.
service_runs() {
  local pid
  pid=$(sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' "$home/run/$1.pid" 2>/dev/null)
  [ -n "$pid" ] && [ -d "/proc/$pid" ]
}

require_fitting_version() {
  local installed
  [ -e "$home/installation.json" ] || return 0
  installed=$(sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' "$home/installation.json")
  if [ "$installed" = "$version" ]; then
    detail "version $version in $home"
  elif [ "$(printf '%s\n' "$installed" "$version" | sort -V | tail -n 1)" = "$installed" ]; then
    refuse "$home holds an installation of Slipyard ${installed:-of no known version}, and this checkout is $version" \
      "use the newer checkout, or set SLIPYARD_HOME to another directory for a second installation"
  elif [ "$upgrade" = no ]; then
    refuse "$home holds an installation of Slipyard $installed, and this checkout is $version" \
      "run scripts/up --upgrade to bring it up to date, or set SLIPYARD_HOME to another directory for a second one"
  else
    detail "$home goes from version $installed to $version"
  fi
}

require_free_ports() {
  is_running || require_free_port "$bind" "$port" SLIPYARD_PORT "the API and the dashboard"
  service_runs registry || require_free_port 127.0.0.1 "$registry_port" SLIPYARD_REGISTRY_PORT "the registry"
  service_runs caddy || require_free_port 127.0.0.1 "$http_port" SLIPYARD_HTTP_PORT "the apps"
  service_runs caddy || require_free_port 127.0.0.1 "$https_port" SLIPYARD_HTTPS_PORT "the apps with TLS"
  detail "ports $port, $registry_port, $http_port and $https_port are free or ours"
}

# require_free_port ADDRESS PORT VARIABLE PURPOSE
require_free_port() {
  local address=${1/#0.0.0.0/127.0.0.1}
  ! (exec 3<>"/dev/tcp/$address/$2") 2>/dev/null ||
    refuse "another program listens on port $2, which $4 needs" "stop that program, or set $3 to a free port"
}

# One short program that knows its installation; -P keeps files of the current directory from posing as modules.
write_launcher() {
  launcher=$home/bin/slipyard
  mkdir -p "$home/bin"
  printf '%s\n' '#!/bin/sh' "export SLIPYARD_HOME=\${SLIPYARD_HOME:-$(printf %q "$home")}" \
    "export PYTHONPATH=$(printf %q "$checkout")" "exec $(printf %q "$venv/bin/python") -P -c 'from slipyard.cli.main import main; main()' \"\$@\"" >"$launcher.new"
  chmod 755 "$launcher.new"
  if cmp -s "$launcher.new" "$launcher"; then rm "$launcher.new"; else mv "$launcher.new" "$launcher"; fi
  link_launcher
}

link_launcher() {
  local link=/usr/local/bin/slipyard
  if [ "$EUID" = 0 ] && [ ! -e "$link" ]; then ln -sfn "$launcher" "$link"; fi
  if [ "$(readlink "$link")" = "$launcher" ]; then detail "slipyard (in /usr/local/bin)"; else detail "$launcher"; fi
}

start_slipyard() {
  if [ "$upgrade" = yes ] && is_running; then "$launcher" down; fi
  if [ "$systemd" = yes ]; then
    install_unit
  elif is_running; then
    detail "runs already"
  elif [ "$public" = yes ]; then
    "$launcher" up --detach --public
  else
    "$launcher" up --detach
  fi
}
