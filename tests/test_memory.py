"""A process's peak memory is its own."""

import subprocess
import sys

from include.ticklake.settings import MIB


def test_the_peak_does_not_contain_the_parents_memory():
    """A worker that holds much does not make the step that it starts look large."""
    ours = bytearray(300 * MIB)
    ours[::4096] = b"1" * len(ours[::4096])
    code = (
        "from include.ticklake.memory import peak_bytes\n"
        "before = peak_bytes(); x = b'1' * (60 << 20); print(before, peak_bytes() - before)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    before, grown = map(int, said.split())
    assert before < 60 * MIB
    assert 55 * MIB < grown < 65 * MIB
