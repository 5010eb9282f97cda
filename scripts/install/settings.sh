# shellcheck shell=bash disable=SC2034,SC2154 # sourced by the scripts above, which share their variables
# What this installation is set to: the environment wins over settings.toml, which wins over the defaults. The first run
# writes settings.toml, so that every later command finds the same ports without being told.

home=$(realpath -m "${SLIPYARD_HOME:-$HOME/.slipyard}")
export SLIPYARD_HOME=$home
settings=$home/settings.toml

# setting NAME DEFAULT, the name as in settings.toml
setting() {
  local variable=SLIPYARD_${1^^} written
  written=$(sed -n "s/^$1 *= *\"\{0,1\}\([^\"]*\)\"\{0,1\} *$/\1/p" "$settings" 2>/dev/null | tail -n 1)
  printf '%s' "${!variable:-${written:-$2}}"
}

read_settings() {
  bind=$(setting bind 127.0.0.1)
  port=$(setting port 7007)
  registry_port=$(setting registry_port 7008)
  domain=$(setting domain localhost)
  http_port=$(setting http_port 8080)
  https_port=$(setting https_port 8443)
  if [ "$public" = yes ]; then
    ! is_running || [ "$http_port" = "${SLIPYARD_HTTP_PORT:-80}" ] ||
      refuse "Slipyard runs already, and its apps answer on port $http_port" "run scripts/down, then scripts/up --public"
    http_port=${SLIPYARD_HTTP_PORT:-80} https_port=${SLIPYARD_HTTPS_PORT:-443}
  fi
  for number in "$port" "$registry_port" "$http_port" "$https_port"; do require_port_number "$number"; done
}

require_port_number() {
  [[ $1 =~ ^[1-9][0-9]{0,4}$ ]] && [ "$1" -le 65535 ] ||
    refuse "'$1' is not a port" "set SLIPYARD_PORT, SLIPYARD_HTTP_PORT, SLIPYARD_HTTPS_PORT and SLIPYARD_REGISTRY_PORT to 1 to 65535"
}

# Whole or not at all; a file that somebody wrote is kept, but for the two ports that --public is about.
write_settings() {
  mkdir -p "$home"
  chmod 700 "$home"
  if [ -e "$settings" ]; then
    [ "$public" = no ] || sed -e '/^https\{0,1\}_port *=/d' -e "1i http_port = $http_port\nhttps_port = $https_port" "$settings" >"$settings.new"
  else
    printf '%s\n' "port = $port" "http_port = $http_port" "https_port = $https_port" "registry_port = $registry_port" \
      "bind = \"$bind\"" "domain = \"$domain\"" "network_pool = \"$(choose_network_pool)\"" "docker_host = \"$engine_address\"" >"$settings.new"
  fi
  [ ! -e "$settings.new" ] || mv "$settings.new" "$settings"
  detail "$settings"
}

# Apps get their networks out of this. The engine refuses overlaps, so a second installation needs a pool of its own.
choose_network_pool() {
  local taken number
  [ -z "${SLIPYARD_NETWORK_POOL-}" ] || { printf '%s' "$SLIPYARD_NETWORK_POOL" && return; }
  taken=$(networks_in_use)
  for number in {201..220}; do
    grep -q "10\.$number\." <<<"$taken" || { printf '10.%s.0.0/16' "$number" && return; }
  done
  refuse "all of 10.201.0.0/16 to 10.220.0.0/16 are in use on this machine" "set SLIPYARD_NETWORK_POOL to a free private network"
}

networks_in_use() {
  engine GET /networks | grep -o '"Subnet":"[^"]*"' || true
  ip -4 route 2>/dev/null || true
}
