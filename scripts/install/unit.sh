# shellcheck shell=bash disable=SC2034,SC2154 # sourced by the scripts above, which share their variables
# A systemd unit, so that Slipyard comes back with the machine.

require_systemd() {
  runs_systemd || refuse "--systemd was asked for, and process 1 of this machine is not systemd" \
    "run scripts/up without --systemd, and have '$home/bin/slipyard up' started at boot in your own way"
}

install_unit() {
  local name file
  name=$(unit_name)
  file=/etc/systemd/system/$name.service
  if systemctl is-active -q "$name.service" && cmp -s <(unit_text) "$file"; then
    detail "runs already, by $file"
    return
  fi
  unit_text | as_root tee "$file" >/dev/null
  quietly as_root systemctl daemon-reload
  quietly as_root systemctl stop "$name.service"
  if is_running; then "$launcher" down; fi
  quietly as_root systemctl enable --now "$name.service"
  detail "$file; its log: journalctl -u $name"
}

# The first installation on a machine is plainly `slipyard`; another one is named for its directory.
unit_name() {
  local file=/etc/systemd/system/slipyard.service
  if [ ! -e "$file" ] || grep -qF "SLIPYARD_HOME=$home\"" "$file"; then
    printf slipyard
  else
    printf 'slipyard-%s' "$(printf %s "$home" | sha256sum | cut -c 1-8)"
  fi
}

# KillMode=process: Redis, the registry and Caddy outlive the supervisor, and apps go on serving through a restart.
unit_text() {
  local arguments=
  [ "$public" = no ] || arguments=' --public'
  cat <<END
[Unit]
Description=Slipyard in $home
Wants=docker.service network-online.target
After=docker.service network-online.target

[Service]
Type=notify
NotifyAccess=all
User=$(id -un)
Environment="HOME=$HOME" "SLIPYARD_HOME=$home"
ExecStart="$launcher" up$arguments
Restart=always
RestartSec=1
TimeoutStartSec=180
TimeoutStopSec=90
KillMode=process
OOMScoreAdjust=-500

[Install]
WantedBy=multi-user.target
END
}
