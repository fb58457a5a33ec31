"""What a conditional write compares: the version of the object that is at a key."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import NamedTuple

SMALL_BYTES = 16 * 1024 * 1024
"""The longest object that is read as one: of a longer one a byte more than that is read."""


class StoredObject(NamedTuple):
    """An object's bytes, and the version that has them."""

    body: bytes
    version: str


class ObjectInfo(NamedTuple):
    """What a listing says of an object."""

    bytes: int
    modified_at: datetime


class LostRaceError(Exception):
    """The object at the key is another one than was expected: read it again and decide again."""


def version_of(body: bytes, e_tag: str | None) -> str:
    """The *e_tag* of the store, or a hash where it has none."""
    return e_tag or f"sha256:{hashlib.sha256(body).hexdigest()}"
