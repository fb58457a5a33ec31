# For the Astro CLI (`astro dev start`, `astro deploy`): the image installs packages.txt and
# requirements.txt by itself and copies the rest of the repository.
FROM astrocrpublic.azurecr.io/runtime:3.3-2
# The kernel, compiled; the compiler is gone afterwards.
RUN pip install --no-cache-dir --target /tmp/zig \
      --requirement include/images/convert/build-requirements.txt \
 && PYTHONPATH=.:/tmp/zig python -m include.ticklake.kernel.build \
 && rm -rf /tmp/zig ~/.cache/zig
