# shellcheck shell=bash disable=SC2034,SC2154 # sourced by the scripts above, which share their variables
# The container engine: find a running one, else install and start Docker. All talk goes through its HTTP API, because a
# `docker` on PATH may be of another version, or absent.

engine_address=${SLIPYARD_DOCKER_HOST:-${DOCKER_HOST:-unix:///var/run/docker.sock}}
default_engine=unix:///var/run/docker.sock

# engine METHOD PATH [CURL-ARGUMENTS...]: the answer's body; fails on an HTTP error.
engine() {
  local method=$1 path=$2
  shift 2
  case $engine_address in
    unix://*) curl -sS --fail-with-body -X "$method" --unix-socket "${engine_address#unix://}" "$@" "http://engine$path" ;;
    tcp://*) curl -sS --fail-with-body -X "$method" "$@" "http://${engine_address#tcp://}$path" ;;
    *) refuse "the engine's address $engine_address is neither unix:// nor tcp://" "set DOCKER_HOST to one of these" ;;
  esac
}

engine_answers() { engine GET /_ping --max-time 5 >/dev/null 2>&1; }

# Only the usual engine is one that we may install; another address names an engine of somebody's own.
require_possible_engine() {
  [ "$engine_address" = "$default_engine" ] || ! command -v curl >/dev/null || engine_answers ||
    refuse "no engine answers at $engine_address" \
      "start that engine, or unset SLIPYARD_DOCKER_HOST and DOCKER_HOST to have one installed here"
}

prepare_engine() {
  require_possible_engine
  if ! engine_answers; then
    install_programs dockerd=docker.io iptables=iptables
    start_engine
    join_engine_group
    wait_until 60 engine_answers || refuse_engine
  fi
  detail "Docker Engine $(engine_version) at $engine_address"
}

engine_version() { engine GET /version | grep -o '"Version":"[^"]*"' | head -n 1 | cut -d '"' -f 4; }

start_engine() {
  if as_root test -S /var/run/docker.sock && as_root curl -s --max-time 5 --unix-socket /var/run/docker.sock http://engine/_ping >/dev/null; then
    return
  elif runs_systemd; then
    quietly as_root systemctl enable --now docker.service
  else
    detail "no systemd here: dockerd runs detached, its log is /var/log/dockerd.log"
    # A daemon that was killed leaves its pid file, and a new one refuses to start beside it.
    as_root sh -c 'kill -0 "$(cat /var/run/docker.pid 2>/dev/null)" 2>/dev/null || rm -f /var/run/docker.pid
      setsid nohup dockerd >>/var/log/dockerd.log 2>&1 </dev/null &'
  fi
}

# Only members of the group may open the socket. A new membership counts from the next login on, so the script that
# runs starts itself anew with the group.
join_engine_group() {
  [ "$EUID" != 0 ] && [ ! -w /var/run/docker.sock ] || return 0
  [ -z "${SLIPYARD_JOINED_ENGINE_GROUP-}" ] || return 0
  detail "adding $USER to the group docker"
  quietly as_root usermod -aG docker "$USER"
  exec sudo -u "$USER" -g docker --preserve-env env SLIPYARD_JOINED_ENGINE_GROUP=1 "$0" ${arguments[@]+"${arguments[@]}"}
}

refuse_engine() {
  as_root tail -n 5 /var/log/dockerd.log 2>/dev/null | sed 's/^/    | /' >&2 || true
  refuse "Docker Engine did not start at $engine_address" \
    "read /var/log/dockerd.log or 'journalctl -u docker', or point DOCKER_HOST at an engine that runs"
}

image_exists() { engine GET "/images/$1/json" >/dev/null 2>&1; }
