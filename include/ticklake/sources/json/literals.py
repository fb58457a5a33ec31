"""``NaN``, ``Infinity`` and ``-Infinity`` as JSON: the texts of the same letters.

They are not JSON, but Python's servers and others write them. As texts they stay what they were:
a field of numbers refuses them as it refuses "NaN", unless ``null_values`` lists them, and a web
page can read the staged array.
"""

from __future__ import annotations

import re

_LITERALS = (b"NaN", b"Infinity", b"-Infinity")
_STRING_REST = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_OUTSIDE = re.compile(rb'[^"NI-]++')
_LITERAL = re.compile(rb"NaN|-?Infinity")


def quote_literals(text: bytes) -> bytes:
    """*text* with its literals quoted, inside no string; without any it is given back itself."""
    if b"NaN" not in text and b"Infinity" not in text:
        return text
    quoter = LiteralQuoter()
    quoted = quoter.feed(text) + quoter.close()
    return text if quoted == text else quoted


class LiteralQuoter:
    """Quotes the literals of a text that comes in pieces."""

    def __init__(self) -> None:
        self._is_in_string = False
        self._held = b""
        """The end of the last piece, which may be the beginning of a literal or an escape."""

    def feed(self, piece: bytes) -> bytes:
        """*piece* with literals quoted, as far as it is known what they are."""
        text, self._held = self._held + piece, b""
        done = bytearray()  # not a list: a million literals would be millions of parts
        at = 0
        while at < len(text):
            part, at = self._in_string(text, at) if self._is_in_string else self._outside(text, at)
            done += part
        return bytes(done)

    def close(self) -> bytes:
        """What was held back, as it is."""
        held, self._held = self._held, b""
        return held

    def _in_string(self, text: bytes, at: int) -> tuple[bytes, int]:
        match = _STRING_REST.match(text, at)
        end = match.end() if match else at
        if text[end : end + 1] == b'"':
            self._is_in_string = False
            end += 1
        elif end < len(text):  # a backslash alone at the end
            self._held = text[end:]
            return text[at:end], len(text)
        return text[at:end], end

    def _outside(self, text: bytes, at: int) -> tuple[bytes, int]:
        if match := _OUTSIDE.match(text, at):
            return match[0], match.end()
        if text[at : at + 1] == b'"':
            self._is_in_string = True
            return b'"', at + 1
        if match := _LITERAL.match(text, at):
            return b'"' + match[0] + b'"', match.end()
        if any(literal.startswith(text[at:]) for literal in _LITERALS):
            self._held = text[at:]
            return b"", len(text)
        return text[at : at + 1], at + 1
