"""Numbers from a seed and names: the only randomness of the simulation.

The same seed and names give the same numbers in every process, on every platform and Python
version (BLAKE2b and SHAKE-256 are standards; ``random`` and ``hash`` promise no such thing).
"""

from __future__ import annotations

import sys
from array import array
from hashlib import blake2b, shake_256


def number(seed: int, *names: object) -> int:
    """An integer in ``[0, 2**64)`` that belongs to *names*."""
    return int.from_bytes(blake2b(_key(seed, names), digest_size=8).digest(), "little")


def numbers(seed: int, *names: object, count: int) -> array[int]:
    """*count* integers in ``[0, 2**64)`` that belong to *names*."""
    values = array("Q")
    values.frombytes(shake_256(_key(seed, names)).digest(8 * count))
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _key(seed: int, names: tuple[object, ...]) -> bytes:
    return "\x1f".join(map(str, (seed, *names))).encode()
