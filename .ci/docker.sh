#!/bin/bash
# A Docker engine and the converter's image, on a bare Debian 12 as root, without an image registry:
# install docker.io where it is missing, start dockerd where none answers, build base and image.
# Every wait is bounded. A second run does only what is still missing.
set -euo pipefail
cd "$(dirname "$0")/.."

base=ticklake-base:bookworm
log=${DOCKERD_LOG:-/var/log/dockerd.log}

if ! command -v dockerd >/dev/null; then
  apt-get update --quiet
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends docker.io
fi

if ! docker info >/dev/null 2>&1; then
  setsid nohup dockerd >>"$log" 2>&1 &
  for _ in $(seq 60); do
    docker info >/dev/null 2>&1 && break
    sleep 1
  done
  docker info >/dev/null || { tail -n 40 "$log" >&2; echo "docker.sh: dockerd did not start" >&2; exit 1; }
fi

docker image inspect "$base" >/dev/null 2>&1 || tools/images/base.sh "$base"
tools/images/wheels.sh "$base"
timeout 900 make image BASE_IMAGE="$base"
docker image inspect --format 'ticklake-convert:latest {{.Size}} bytes' ticklake-convert:latest
