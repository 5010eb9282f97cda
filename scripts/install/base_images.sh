# shellcheck shell=bash disable=SC2034,SC2154 # sourced by the scripts above, which share their variables
# Base images. Where the engine reaches an image registry, builds pull what they name and nothing is done here. Where it
# reaches none, images of the usual names are made from the system's packages, labelled as such, and kept as archives.

image_archives=$cache/images
recipes=$(dirname "${BASH_SOURCE[0]}")/images
root_image=debian:bookworm-slim

# Name of the image, its recipe (or =NAME where it is that image under another tag), and the images the recipe starts from.
known_base_images() {
  cat <<'END'
debian:bookworm-slim   debian
busybox:latest         busybox  debian:bookworm-slim
python:3.11-slim       python   debian:bookworm-slim
python:3.12-slim       =python:3.11-slim
python:3.13-slim       =python:3.11-slim
node:20-slim           node     debian:bookworm-slim python:3.11-slim
node:22-slim           node     debian:bookworm-slim python:3.11-slim
golang:1.22            golang   debian:bookworm-slim python:3.11-slim
golang:1.22-bookworm   =golang:1.22
nginx:alpine           nginx    debian:bookworm-slim
redis:7                redis    debian:bookworm-slim
registry:2             registry debian:bookworm-slim
postgres:16            postgres debian:bookworm-slim
caddy:2                caddy    debian:bookworm-slim python:3.11-slim
END
}

# prepare_base_images NAME...
prepare_base_images() {
  local name missing=()
  for name in "$@"; do image_exists "$name" || missing+=("$name"); done
  if [ "${#missing[@]}" = 0 ]; then
    detail "all there already"
  elif registry_reachable; then
    detail "the engine reaches an image registry: builds pull what they name"
  else
    detail "the engine reaches no image registry: preparing images from packages"
    install_programs mmdebstrap=mmdebstrap zstd=zstd gpg=gpg # with gpg, mmdebstrap finds the keys of Debian on Ubuntu too
    for name in "${missing[@]}"; do prepare_image "$name"; done
  fi
}

# The smallest image tells: the engine answers at once where it resolves no registry, and pulls 2 MB where it does.
registry_reachable() {
  engine POST '/images/create?fromImage=busybox&tag=latest' --max-time 30 2>/dev/null | grep -q '"status":"Status: '
}

prepare_image() {
  local name=$1 recipe started=$EPOCHREALTIME
  ! image_exists "$name" || return 0
  recipe=$(recipe_of "$name")
  case $recipe in
    '') refuse "$name is not among the images that can be made from packages" "add a recipe to scripts/install/images" ;;
    =*) tag_image "${recipe#=}" "$name" ;;
    *) load_or_make "$name" "$recipe" "$image_archives/$(recipe_digest "$name").tar.zst" ;;
  esac
  detail "$name ready in $(seconds_since "$started") s"
}

tag_image() {
  prepare_image "$1"
  engine POST "/images/$1/tag?repo=${2%:*}&tag=${2#*:}"
}

# load_or_make NAME RECIPE ARCHIVE
load_or_make() {
  local parent
  ! load_image "$3" || return 0
  for parent in $(parents_of "$1"); do prepare_image "$parent"; done
  if [ "$2" = debian ]; then make_root_image; else build_image "$1" "$2"; fi
  save_image "$1" "$3"
}

# What decides what is in the image: its recipe and those it starts from, the two makers, the machine's architecture and
# certificates. Files beside a recipe carry its name.
recipe_digest() {
  local name
  {
    printf '%s\n' "$1" "$(dpkg --print-architecture)"
    declare -f make_root_image build_image
    for name in "$1" $(parents_of "$1"); do
      cat "$recipes/$(recipe_of "$name")"[.-]*
    done
    cat "$recipes/apt-clean.conf" "$(certificates)"
  } | sha256sum | cut -c 1-32
}

recipe_of() { known_base_images | awk -v name="$1" '$1 == name {print $2}'; }

parents_of() { known_base_images | awk -v name="$1" '$1 == name {for (i = 3; i <= NF; i++) print $i}'; }

certificates() { printf '%s' "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}"; }

# A minimal Debian in memory where there is memory: 16 s instead of 99 s.
make_root_image() {
  local place
  place=$(mktemp -d -p "$(fast_directory)")
  install_packages debian-archive-keyring
  quietly as_root env TMPDIR="$place" mmdebstrap --variant=minbase --include=ca-certificates \
    --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook="upload $(certificates) /etc/ssl/certs/ca-certificates.crt" \
    --customize-hook="upload $recipes/apt-clean.conf /etc/apt/apt.conf.d/99clean" \
    --customize-hook='rm -f "$1"/var/cache/apt/*.bin' bookworm "$place/root.tar"
  local changes='changes=CMD%20%5B%22bash%22%5D&changes=LABEL%20org.slipyard.prepared%3Ddebian-packages'
  engine POST "/images/create?fromSrc=-&repo=${root_image%:*}&tag=${root_image#*:}&$changes" -T "$place/root.tar" >>"$log"
  as_root rm -rf "$place"
}

fast_directory() {
  if [ "$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)" -gt 1500000 ] 2>/dev/null; then echo /dev/shm; else echo "${TMPDIR:-/tmp}"; fi
}

# The engine's classic builder takes a tar and answers with lines of JSON, a failure among them. Its RUN steps use the
# host's network, so that names and proxies of the machine count.
build_image() {
  local place options
  place=$(mktemp -d)
  cp "$recipes"/* "$place"
  cp "$(certificates)" "$place/ca-certificates.crt"
  options="t=$1&dockerfile=$2.Dockerfile&networkmode=host&rm=1&forcerm=1&buildargs=%7B%22NAME%22:%22$1%22%7D"
  options+='&labels=%7B%22org.slipyard.prepared%22:%22debian-packages%22%7D'
  tar -C "$place" -c . | engine POST "/build?$options" -H 'Content-Type: application/x-tar' -T - >>"$log" || true
  rm -rf "$place"
  engine POST '/images/prune?filters=%7B%22label%22:%5B%22org.slipyard.stage%22%5D%7D' >>"$log"
  image_exists "$1" || {
    tail -n 5 "$log" | cut -c 1-400 | sed 's/^/    | /' >&2
    refuse "the base image $1 could not be made" "read the end of $log; package registries must be reachable"
  }
}

save_image() {
  mkdir -p "$image_archives"
  engine GET "/images/$1/get" | zstd -q -3 -T0 -o "$2.$$" && mv "$2.$$" "$2"
}

# A broken archive is made anew.
load_image() {
  [ -e "$1" ] || return 1
  zstd -q -d -c "$1" 2>>"$log" | engine POST '/images/load?quiet=1' -H 'Content-Type: application/x-tar' -T - >>"$log" 2>&1 || { rm -f "$1" && return 1; }
}
