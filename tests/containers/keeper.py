"""Runs inside the image, as text: loads the converter's libraries and keeps them in memory.

The tests import it, too: a name that the core no longer has is an error at once.
"""

from __future__ import annotations

import ctypes
import signal

import pyarrow.fs

from include.ticklake.convert import convert
from include.ticklake.kernel.library import kernel
from include.ticklake.lake.cloud_stores import s3_store
from include.ticklake.maintain import compact

LIBRARIES = (pyarrow.fs, convert, compact)
CURRENT_AND_FUTURE = 1 | 2  # sys/mman.h


def keep_libraries() -> None:
    """Load them, lock their pages, say so, and stay until killed."""
    kernel()
    # The first store sets up its client and what that loads.
    s3_store("bucket", "", {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"})
    if ctypes.CDLL(None, use_errno=True).mlockall(CURRENT_AND_FUTURE):
        raise OSError(ctypes.get_errno(), "mlockall")
    print("kept", flush=True)
    signal.pause()


if __name__ == "__main__":
    keep_libraries()
