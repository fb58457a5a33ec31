"""Colours are for terminals, and for those who want them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TextIO

import pytest

from include.ticklake.cli.terminal import has_colour, paint


@pytest.fixture
def terminal() -> Iterator[TextIO]:
    """A real pseudo-terminal."""
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as stream:
        yield stream
    os.close(ours)


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        pytest.param({}, True, id="a terminal"),
        pytest.param({"NO_COLOR": "1"}, False, id="NO_COLOR"),
        pytest.param({"NO_COLOR": ""}, True, id="NO_COLOR is empty"),
        pytest.param({"TERM": "dumb"}, False, id="a terminal without colours"),
    ],
)
def test_a_terminal_has_colours_unless_it_is_said_otherwise(terminal, env, expected):
    """https://no-color.org: the variable counts if it is not empty."""
    assert has_colour(terminal, env) is expected


def test_a_file_has_no_colours(tmp_path):
    """Nor has a pipe."""
    with (tmp_path / "out").open("w") as stream:
        assert not has_colour(stream, {"TERM": "xterm"})
        assert paint("failed", "red", stream) == "failed"
