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
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(10_000))
    finally:
        os.close(descriptor)
