"""The C sources in, the path of their library out: compiled where that is not there yet.

The library lies in the Python environment, and its name has the digest of what it was made of, so
a library of other sources is never loaded. ``make install`` and the images compile it once:
``python -m include.ticklake.kernel.build``. It uses nothing of Python's, and no
instructions that only the machine that compiles it has.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shlex
import shutil
import site
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from include.ticklake.errors import KernelMissingError

SOURCE = Path(__file__).with_name("json_lines.c")
SOURCES = (SOURCE, SOURCE.with_name("column_facts.c"))
FLAGS = ("-std=c11", "-O3", "-fPIC", "-shared", "-Wall", "-Wextra")
BUILD = "python -m include.ticklake.kernel.build"

_COMPILERS = ("cc", "gcc", "clang")
_ZIG = (sys.executable, "-m", "ziglang", "cc", "-mcpu=baseline", "-fno-sanitize=undefined")


def library_name() -> str:
    """What the library of these sources is called."""
    texts = [source.read_bytes() for source in SOURCES]
    made_of = hashlib.sha256(b"".join(texts) + " ".join(FLAGS).encode()).hexdigest()[:16]
    return f"kernel-{platform.machine()}-{made_of}.so"


def default_folders() -> tuple[Path, ...]:
    """Where libraries lie: in the environment, or in the user's packages where that is root's."""
    places = (sysconfig.get_path("platlib"), site.getusersitepackages())
    return tuple(Path(place) / "ticklake_kernel" for place in places)


def ensure_library(folders: Sequence[Path] = ()) -> Path:
    """The path of the library; ``KernelMissingError`` where it is not there and cannot be made."""
    paths = [folder / library_name() for folder in folders or default_folders()]
    found = next((path for path in paths if path.exists()), None)
    return found or _compile(paths, [*compiler_commands(os.environ)])


def compiler_commands(env: Mapping[str, str]) -> Iterator[Sequence[str]]:
    """How C compilers are called here: ``CC``, or else the system's and that of ziglang."""
    if env.get("CC"):
        yield shlex.split(env["CC"])
        return
    for name in _COMPILERS:
        if path := shutil.which(name, path=env.get("PATH")):
            yield [path]
    if importlib.util.find_spec("ziglang"):
        yield _ZIG


def _compile(paths: Sequence[Path], compilers: Sequence[Sequence[str]]) -> Path:
    problem: OSError | None = None
    for path in paths:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Another process may do the same: whoever is last replaces the same bytes.
            with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                return _compiled(Path(folder) / path.name, compilers).replace(path)
        except OSError as error:
            problem = error
    raise KernelMissingError(
        f"the JSON kernel: it is not compiled, and cannot be here ({problem}); run `{BUILD}` as a "
        "user who may write there"
    )


def _compiled(path: Path, compilers: Sequence[Sequence[str]]) -> Path:
    """Write the library to *path* with the first compiler that can: one may lack its headers."""
    problems = []
    for compiler in compilers:
        argv = [*compiler, *FLAGS, "-o", str(path), *map(str, SOURCES)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if not done.returncode:
            return path
        problems.append(f"{shlex.join(compiler)} does not compile it: {done.stderr.strip()[-500:]}")
    if problems:
        raise KernelMissingError(
            f"the JSON kernel: {'; '.join(problems)}; install a C compiler with its headers "
            "(`apt-get install gcc libc6-dev`), or set CC to one that works"
        )
    raise KernelMissingError(
        "the JSON kernel: it is not compiled, and there is no C compiler; install one "
        f"(`apt-get install gcc libc6-dev`, or `pip install ziglang`), then run `{BUILD}`"
    )


if __name__ == "__main__":
    sys.stdout.write(f"{ensure_library()}\n")
