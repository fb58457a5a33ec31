#!/bin/bash
# wheels.sh BASE_IMAGE: download what the converter's image installs, outside of its build.
#
# For machines whose proxies, certificates or indexes a build does not know. The wheels go to
# include/images/convert/wheels, where the Dockerfile finds them; they fit the base's Python.
# PYTHON names an interpreter that can make virtual environments (python3).
set -euo pipefail
cd "$(dirname "$0")/../.."

base=${1:?usage: tools/images/wheels.sh BASE_IMAGE}
wheels=include/images/convert/wheels
python=${PYTHON:-python3}
tool=$(mktemp --directory)
trap 'rm -rf "$tool"' EXIT

if command -v uv >/dev/null; then
  uv venv --quiet --seed --python "$python" "$tool/pip"
else
  "$python" -m venv "$tool/pip"
fi
version=$(docker run --rm --network none --entrypoint python3 "$base" \
  -c 'import sys; print("%d.%d" % sys.version_info[:2])')
platforms=()
for libc in 2_28 2_17 2_12 2_5; do
  platforms+=(--platform "manylinux_${libc}_$(uname -m)")
done
rm -rf "$wheels"
timeout 600 "$tool/pip/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps \
  --only-binary :all: --implementation cp --python-version "$version" "${platforms[@]}" \
  --dest "$wheels" --requirement include/images/convert/requirements.txt \
  --requirement include/images/convert/build-requirements.txt
echo "$wheels: $(find "$wheels" -name '*.whl' | wc -l) wheels for Python $version"
