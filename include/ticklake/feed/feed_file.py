"""The text of a feed file: of a regular file, of bounded size, in UTF-8.

Whatever has the name of a feed file is opened when DAGs are read: a pipe would block them all,
and a device or a database dump would fill the memory.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from include.ticklake.errors import FeedFileError

MAX_FILE_BYTES = 4 * 1024**2
"""Twenty thousand slices, each with its source's name, are one MiB."""


def read_bytes(path: Path) -> bytes:
    """The bytes of *path*; ``FeedFileError`` for what is not a file, or is too large."""
    try:
        # Without the flag, opening a pipe waits for somebody who writes into it.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise FeedFileError(
                    f"{path}:1: cannot be read: a pipe, a device or a socket; remove it, or write "
                    "a feed file"
                )
            content = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FeedFileError(f"{path}:1: cannot be read: {reason}") from None
    if len(content) > MAX_FILE_BYTES:
        raise FeedFileError(
            f"{path}:1: larger than {MAX_FILE_BYTES >> 20} MiB; a feed file describes data, "
            "and holds none: write a smaller one"
        )
    return content


def read_text(path: Path) -> str:
    """The text of *path*, without a byte order mark."""
    content = read_bytes(path)
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise FeedFileError(f"{path}:{line}: not UTF-8; save the file as UTF-8") from None
