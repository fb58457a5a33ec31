"""A process ends soon after SIGTERM, closes what it holds, and says so."""

import os
import signal
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY

CLEAN = """
import signal
from include.ticklake.memory import sigterm
sigterm.exit_cleanly()
try:
    print("ready", flush=True)
    while True:
        signal.pause()
finally:
    print("closed", flush=True)
"""

BLOCKED = """
import ctypes, threading
from pathlib import Path
from include.ticklake.memory import sigterm
sigterm.exit_cleanly(cleanup_s=0.01)
mutex = ctypes.create_string_buffer(64)
lock = ctypes.CDLL(None).pthread_mutex_lock
waits_for = Path(f"/proc/self/task/{threading.get_native_id()}/syscall")
def say_when_blocked():
    while hex(ctypes.addressof(mutex)) not in waits_for.read_text():
        pass
    print("ready", flush=True)
lock(mutex)
threading.Thread(target=say_when_blocked, daemon=True).start()
lock(mutex)
"""

EARLY = """
import signal
from include.ticklake.memory import sigterm
sigterm.exit_at_once()
print("ready", flush=True)
while True:
    signal.pause()
"""


@pytest.mark.parametrize(
    ("program", "out", "err"),
    [
        pytest.param(
            CLEAN,
            "closed\n",
            "ticklake: ended by SIGTERM; what was committed stays\n",
            id="in Python",
        ),
        pytest.param(BLOCKED, "", "", id="in a call that does not return"),
        pytest.param(EARLY, "", "", id="before anything is open"),
    ],
)
def test_a_process_ends_at_sigterm(program, out, err):
    """Also where the main thread cannot run the handler."""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=60) == (out, err)
    assert process.returncode == 143
