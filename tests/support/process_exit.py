"""What tests ask about processes other than their own."""

import os
import select


def has_exited(pid: int) -> bool:
    """Whether *pid* is dead, now or within ten seconds."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 10)[0])
    finally:
        os.close(descriptor)
