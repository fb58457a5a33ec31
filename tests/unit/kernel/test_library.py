"""Python and the kernel mean the same bytes by a structure."""

from __future__ import annotations

import ctypes
import subprocess

import pytest

from include.ticklake.kernel import library
from include.ticklake.kernel.build import SOURCES, compiler_commands

NAMES = {
    library.Bytes: "Bytes",
    library.NullDecimal: "Decimal",
    library.ColumnPlan: "Column",
    library.Node: "Node",
    library.Plan: "Plan",
    library.Output: "Output",
    library.Facts: "Facts",
    library.ColumnPiece: "Piece",
    library.Keys: "Keys",
}


def test_structures_have_the_same_fields_in_the_same_places(tmp_path, monkeypatch):
    """The compiler says so."""
    checks = [
        f'_Static_assert(offsetof({name}, {field}) == {getattr(structure, field).offset}, "");'
        for structure, name in NAMES.items()
        for field, _ in structure._fields_
    ] + [
        f'_Static_assert(sizeof({name}) == {ctypes.sizeof(structure)}, "");'
        for structure, name in NAMES.items()
    ]
    source = tmp_path / "places.c"
    included = [f'#include "{path}"' for path in SOURCES]
    source.write_text("\n".join([*included, *checks]) + "\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    compiler = next(compiler_commands({"PATH": "/usr/bin:/usr/local/bin"}))
    argv = [*compiler, "-std=c11", "-fsyntax-only"]
    done = subprocess.run([*argv, str(source)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("text", "start", "length"), [(b"a\nbcd\nef\n", 2, 3), (b"\n", 0, 0), (b"ab\ncd\n", 0, 2)]
)
def test_its_functions_take_bytes_as_they_are(text, start, length):
    """Without a copy."""
    found = ctypes.c_int64()
    assert library.kernel().ticklake_longest(text, len(text), found) == length
    assert found.value == start
