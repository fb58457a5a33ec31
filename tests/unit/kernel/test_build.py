"""The kernel is compiled once, by whatever compiler there is; where there is none, that is said."""

from __future__ import annotations

import ctypes
import os
import sys

import pytest

from include.ticklake.errors import KernelMissingError
from include.ticklake.kernel import build


@pytest.fixture
def unoptimized(monkeypatch) -> None:
    """Compiles in a sixth of the time."""
    monkeypatch.setattr(build, "FLAGS", ("-std=c11", "-O0", "-fPIC", "-shared"))


@pytest.mark.usefixtures("unoptimized")
def test_a_library_is_compiled_where_it_is_missing(tmp_path):
    """In the first folder that can be written; the second time it is there."""
    unwritable = tmp_path / "file" / "folder"
    unwritable.parent.write_text("no folder can be in here")
    library = build.ensure_library([unwritable, tmp_path / "kernel"])
    assert library.parent == tmp_path / "kernel"
    assert ctypes.CDLL(str(library)).ticklake_parse
    assert list(library.parent.iterdir()) == [library]
    before = library.stat().st_mtime_ns
    assert build.ensure_library([unwritable, tmp_path / "kernel"]) == library
    assert library.stat().st_mtime_ns == before


def test_another_source_is_another_library(tmp_path, monkeypatch):
    """One that was compiled of an earlier source is never loaded."""
    name = build.library_name()
    *others, last = build.SOURCES
    changed = tmp_path / last.name
    changed.write_bytes(last.read_bytes() + b"\n")
    monkeypatch.setattr(build, "SOURCES", (*others, changed))
    assert build.library_name() != name


def test_the_callers_compiler_is_the_only_one(tmp_path):
    """Without it the system's, then that of the package."""
    (tmp_path / "gcc").touch(mode=0o755)
    assert [*build.compiler_commands({"CC": "ccache clang", "PATH": str(tmp_path)})] == [
        ["ccache", "clang"]
    ]
    gcc, zig = build.compiler_commands({"PATH": str(tmp_path)})
    assert gcc == [str(tmp_path / "gcc")]
    assert zig[:4] == (sys.executable, "-m", "ziglang", "cc")


@pytest.mark.usefixtures("unoptimized")
def test_a_compiler_that_fails_gives_way_to_the_next(tmp_path, monkeypatch):
    """A system's may lack its headers."""
    broken = tmp_path / "cc"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("CC", raising=False)
    library = build.ensure_library([tmp_path / "kernel"])
    assert ctypes.CDLL(str(library)).ticklake_parse


def test_without_a_compiler_the_error_says_what_to_install(tmp_path, monkeypatch):
    """Nothing slower takes its place."""
    monkeypatch.setattr(build.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(KernelMissingError, match=r"install one \(`apt-get install gcc"):
        build.ensure_library([tmp_path / "kernel"])


def test_what_a_compiler_says_is_in_the_error(tmp_path, monkeypatch):
    """As where it has no headers."""
    monkeypatch.setenv("CC", f"{sys.executable} -c 'raise SystemExit(\"string.h: not found\")'")
    with pytest.raises(KernelMissingError, match=r"string.h: not found.*set CC to one that works"):
        build.ensure_library([tmp_path / "kernel"])


def test_no_folder_to_write_to_is_an_error(tmp_path):
    """An image is compiled for as whoever may write there."""
    (tmp_path / "file").touch()
    with pytest.raises(KernelMissingError, match="as a user who may write there"):
        build.ensure_library([tmp_path / "file" / "folder"])
