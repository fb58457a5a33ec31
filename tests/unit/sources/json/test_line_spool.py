"""Texts wait on the disk, and come back as they were; a disk without room is said."""

from __future__ import annotations

import errno
import tempfile
from contextlib import closing

import pytest

from include.ticklake.errors import RetryableError
from include.ticklake.model.record import Record
from include.ticklake.sources.json.line_spool import LineSpool

TEXTS = [b'{"a":1}', b"[]", b'"' + b"x" * 50 + b'"', b"5"]


def test_texts_come_back_from_any_stretch_in_any_blocks():
    """A stretch is what was written between two sizes."""
    with closing(LineSpool()) as spool:
        spool.write([Record(b"0")])
        start = spool.size
        spool.write([Record(text) for text in TEXTS])
        end = spool.size
        spool.write([Record(b"9")])
        for read_bytes in (1, 7, 1 << 20):
            assert list(spool.read(start, end, read_bytes=read_bytes)) == TEXTS


def test_a_spool_that_was_cleared_begins_again():
    """And one to which nothing came has nothing."""
    with closing(LineSpool()) as spool:
        assert list(spool.read(0, spool.size, read_bytes=9)) == []
        spool.clear()
        spool.write([Record(b"1")])
        spool.clear()
        spool.write([Record(b"2")])
        assert list(spool.read(0, spool.size, read_bytes=9)) == [b"2"]


def test_a_disk_without_room_is_told_with_what_to_do(monkeypatch):
    """Another attempt may find room."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(RetryableError, match="No space left on device\\); set TMPDIR"):
        LineSpool().write([Record(b"1")])
