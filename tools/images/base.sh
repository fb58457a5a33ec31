#!/bin/bash
# base.sh [IMAGE]: a base image from Debian packages, for where no image registry can be reached.
#
#   tools/images/base.sh ticklake-base:bookworm
#   make image BASE_IMAGE=ticklake-base:bookworm
#
# Needs root, a Docker engine and a Debian mirror (DEBIAN_MIRROR=https://... for another one).
# Takes about a minute. What comes out is minimal Debian 12 with Python 3.11: under 110 MB.
set -euo pipefail

image=${1:-ticklake-base:bookworm}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
packages=python3,python3-venv,ca-certificates,tzdata

if ! command -v debootstrap >/dev/null; then
  apt-get update --quiet
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends debootstrap
fi

root=$(mktemp --directory)
trap 'rm -rf "$root"' EXIT
if ! timeout 600 debootstrap --variant=minbase --include="$packages" bookworm "$root/debian" "$mirror" \
  >"$root/log" 2>&1; then
  tail -n 20 "$root/log" "$root/debian/debootstrap/debootstrap.log" >&2 || true
  echo "base.sh: debootstrap failed; is the mirror $mirror reachable?" >&2
  exit 1
fi

# What a container never reads: package archives and lists, manuals, translations.
cd "$root/debian"
rm -rf var/cache/apt/* var/lib/apt/lists/* var/log/* usr/share/{doc,man,info,locale,lintian}/* tmp/*
tar --create --numeric-owner . | docker import --change 'ENV LANG=C.UTF-8' - "$image" >/dev/null
docker image inspect --format "$image {{.Size}} bytes" "$image"
