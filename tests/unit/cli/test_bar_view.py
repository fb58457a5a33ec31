"""The viewer passes every line on, whole, whatever it knows of the progress."""

from __future__ import annotations

import os
import sys

import pytest

from include.ticklake.cli import bar_view


@pytest.fixture
def pipes():
    """Two pipes: progress and text."""
    return os.pipe(), os.pipe()


def write(pipe: tuple[int, int], data: bytes, *, is_last: bool = True) -> None:
    os.write(pipe[1], data)
    if is_last:
        os.close(pipe[1])


def test_lines_are_passed_on_until_all_pipes_are_closed(pipes, capfd):
    """Also the last one, which has no end, and one that is longer than the terminal."""
    progress, text = pipes
    long = "x" * 500
    write(progress, b'{"done": 0, "total": 2, "note": "a [b]"}\n')
    write(text, f"first\n{long}\nlast".encode())
    bar_view.show("rebuild rows", progress[0], [text[0]])
    shown = capfd.readouterr().err
    assert "first\n" in shown
    assert f"{long}\n" in shown
    assert shown.endswith("last")


def test_after_the_end_what_is_left_is_read_and_nothing_awaited(pipes, capfd):
    """Another process may still have the pipe: the one that watches a limit."""
    progress, text = pipes
    write(progress, b'{"done": 1, "total": 1}\n{"end": true}\n', is_last=False)
    write(text, b"result\n", is_last=False)
    bar_view.show("rebuild rows", progress[0], [text[0]])
    assert "result\n" in capfd.readouterr().err
    for pipe in pipes:
        os.close(pipe[1])


def test_a_bar_that_cannot_be_drawn_costs_no_line(pipes, capfd, monkeypatch):
    """Whatever is wrong with rich."""
    monkeypatch.setitem(sys.modules, "include.ticklake.cli.bar_drawing", None)
    progress, text = pipes
    write(progress, b'{"done": 0, "total": 2}\n')
    write(text, b"result\n")
    bar_view.show("rebuild rows", progress[0], [text[0]])
    assert capfd.readouterr().err == "result\n"
