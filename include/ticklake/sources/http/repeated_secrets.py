"""Records in, the same records out, but for texts in which a source repeats the login it was sent.

What is stored is exactly what the source sent, with this exception: a credential must not get
into a lake, where everybody reads it. Numbers are never touched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import partial

from include.ticklake.model.record import Record
from include.ticklake.model.record_blocks import Block
from include.ticklake.redaction.masking import MASK
from include.ticklake.redaction.spellings import usual_spellings

_LEAST_CHARACTERS = 8
"""What is shorter may well be data."""

_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def without_secrets(blocks: Iterable[Block], secrets: Iterable[str]) -> Iterator[Block]:
    """Yield *blocks* with the *secrets* masked in names and texts, in their usual spellings."""
    long = [secret for secret in secrets if len(secret) >= _LEAST_CHARACTERS]
    if not long:
        yield from blocks
        return
    spellings = {form.encode() for secret in long for form in usual_spellings(secret)}
    forms = sorted(spellings, key=len, reverse=True)
    masked = partial(_masked, forms=forms)

    def clean(record: Record) -> Record:
        octets = bytes(record)
        found = any(form in octets for form in forms)
        return Record(_TEXT.sub(masked, octets)) if found else record

    for block in blocks:
        yield [clean(record) for record in block]


def _masked(text: re.Match[bytes], *, forms: list[bytes]) -> bytes:
    """A text of JSON without the *forms*; all of it is masked where it would be JSON no longer."""
    cleaned = text[0][1:-1]
    for form in forms:
        cleaned = cleaned.replace(form, MASK.encode())
    if cleaned == text[0][1:-1]:
        return text[0]
    try:
        json.loads(b'"%b"' % cleaned)
    except ValueError:
        cleaned = MASK.encode()
    return b'"%b"' % cleaned
