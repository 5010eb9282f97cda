# shellcheck shell=bash disable=SC2034,SC2154 # sourced by the scripts above, which share their variables
# Python and its pinned packages, in a virtual environment outside the checkout, named by what is in it.

uv_version=0.13.9

find_python() {
  local candidate
  for candidate in "${SLIPYARD_PYTHON-}" python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
    [ -n "$candidate" ] && python_serves "$candidate" && printf '%s' "$candidate" && return
  done
  return 1
}

python_serves() {
  "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1
}

# prepare_venv REQUIREMENTS-FILE: sets `venv`. A directory without its mark was left half done, and is made anew.
prepare_venv() {
  find_python >/dev/null || install_packages python3 python3-venv python3-pip
  python=$(find_python) || refuse "no Python 3.11 to 3.13 with venv was found" "install python3 and python3-venv"
  venv=$cache/venv-$(venv_name "$1")
  mkdir -p "$cache"
  exec 9>"$venv.lock"
  flock 9
  [ -e "$venv/.complete" ] || make_venv "$1"
  exec 9>&-
  detail "$("$venv/bin/python" -V) in $venv"
}

venv_name() { { cat "$1" && "$python" -c 'import sys; print(sys.version, sys.prefix)'; } | sha256sum | cut -c 1-16; }

make_venv() {
  rm -rf "$venv"
  quietly "$python" -m venv "$venv"
  if "$venv/bin/python" -m pip install -q "uv==$uv_version" >>"$log" 2>&1 && install_with_uv "$1"; then
    :
  else
    detail "uv could not do it; pip does, and takes longer"
    quietly "$venv/bin/python" -m pip install -q --require-hashes -r "$1"
  fi
  touch "$venv/.complete"
}

install_with_uv() {
  UV_NATIVE_TLS=1 "$venv/bin/uv" pip install -q --python "$venv/bin/python" --require-hashes -r "$1" >>"$log" 2>&1
}

# A virtual environment with uv alone: sets `uv`.
prepare_uv() {
  find_python >/dev/null || install_packages python3 python3-venv python3-pip
  local place=$cache/uv-$uv_version
  uv=$place/bin/uv
  [ -x "$uv" ] && return
  quietly "$(find_python)" -m venv "$place"
  quietly "$place/bin/python" -m pip install -q "uv==$uv_version"
}
