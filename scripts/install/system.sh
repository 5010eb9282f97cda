# shellcheck shell=bash disable=SC2034,SC2154 # sourced by the scripts above, which share their variables
# The machine below: which systems are supported, and how their packages are installed.

require_supported_system() {
  local name
  name=$(system_name)
  case $name in
    debian-12 | ubuntu-24.04) detail "$name" ;;
    *) refuse "this is $name; Slipyard installs itself on Debian 12 and Ubuntu 24.04" \
      "use one of these, or install by hand what README.md lists" ;;
  esac
}

system_name() {
  [ -r "${os_release:=/etc/os-release}" ] || { uname -s && return; }
  (. "$os_release" && printf '%s-%s' "${ID:-unknown}" "${VERSION_ID:-unknown}")
}

require_administrator() {
  [ "$EUID" = 0 ] || command -v sudo >/dev/null ||
    refuse "this needs root or sudo, and found neither" "run it as root, or install sudo"
}

as_root() { if [ "$EUID" = 0 ]; then "$@"; else sudo -- "$@"; fi; }

# require_free_disk DIRECTORY GIBIBYTES
require_free_disk() {
  local place=$1 free
  while [ ! -d "$place" ]; do place=$(dirname "$place"); done
  free=$(($(df --output=avail -k "$place" | tail -n 1) / 1048576))
  [ "$free" -ge "$2" ] ||
    refuse "$1 has $free GiB free, and images need at least $2 GiB" "free some space, or set SLIPYARD_HOME to another disk"
  detail "$free GiB free for $1"
}

# install_packages NAME... installs what is missing and leaves the rest as it is.
install_packages() {
  local name missing=()
  for name in "$@"; do package_installed "$name" || missing+=("$name"); done
  [ "${#missing[@]}" -gt 0 ] || return 0
  detail "installing ${missing[*]}"
  quietly as_root apt-get update
  quietly as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l apt-get install -y --no-install-recommends \
    -o DPkg::Lock::Timeout=120 "${missing[@]}"
}

package_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# install_programs PROGRAM=PACKAGE... installs the package only where no such program is on PATH.
install_programs() {
  local pair packages=()
  for pair in "$@"; do
    PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%=*}" >/dev/null || packages+=("${pair#*=}")
  done
  [ "${#packages[@]}" = 0 ] || install_packages "${packages[@]}"
}

# install_idle_services PROGRAM=PACKAGE... as above, but what we install here does not serve the whole machine: Slipyard
# starts a private one for itself. A service that was there before is left alone.
install_idle_services() {
  local pair package
  for pair in "$@"; do
    package=${pair#*=}
    PATH=$PATH:/usr/sbin command -v "${pair%%=*}" >/dev/null && continue
    install_packages "$package"
    if runs_systemd; then
      quietly as_root systemctl disable --now "$package.service"
    elif [ -x "/etc/init.d/$package" ]; then
      as_root "/etc/init.d/$package" stop >>"$log" 2>&1 || true # it fails where the package could not start it
    fi
  done
}

runs_systemd() { [ "$(cat /proc/1/comm)" = systemd ]; }

# wait_until SECONDS COMMAND... polls until the command succeeds; 1 where it never did.
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.2
  done
}
