"""``feeds --check`` for one feed file, and what it must never say."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from include.ticklake.cli.main import main

FOREIGN_WORDS = (
    "Input should", "input_value", "input_type", "validation error", "Value error", "pydantic",
    "Extra inputs", "Field required", "valid string", "valid integer", "valid dictionary",
    "valid list", "valid boolean", "valid number", "valid URL", "model_type", "discriminator",
    "expected tags", "union_tag", "does not match any", "Traceback", "NoneType", "<class",
    "object at 0x", "unhashable", "Feed(", "HttpSource", "FieldSpec", "StrictModel",
)  # fmt: skip
"""Words of pydantic, of Python and of our own code: none of them is in a feed file."""


def check(folder: Path, text: str | bytes) -> tuple[int, list[str]]:
    """The exit code of ``feeds --check`` for a feed file of that text, and what it says."""
    path = folder / "mine.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    err = io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stderr(err),
        redirect_stdout(io.StringIO()),
    ):
        patch.setenv("TICKLAKE_FEEDS", str(folder))
        patch.setenv("TICKLAKE_SHIPPED_FEEDS", "none")
        exit_code = main(["feeds", "--check"])
    return exit_code, err.getvalue().replace(f"{folder}/", "").splitlines()


def refused(folder: Path, text: str | bytes) -> str:
    """The mistakes of a feed file that is refused, every one with file, line and problem."""
    exit_code, lines = check(folder, text)
    assert exit_code == 2, lines
    for line in lines:
        assert re.match(r"mine\.yaml:[1-9]\d*: \S.*", line), line
        assert not [word for word in FOREIGN_WORDS if word in line], line
    return "\n".join(lines)
