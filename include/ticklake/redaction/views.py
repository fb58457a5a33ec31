"""A text as it reads once its escapes are resolved, with the place of each character in it.

Percent signs, entities of HTML, the escapes of JSON and Python, digits in base64, base32 and
hexadecimal, one inside another: each view is the text with one more of them resolved.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_MAX_DEPTH = 4
"""How often digits may stand for digits: the base64 of the base64 of a text."""
_MAX_ROUNDS = 8

_ESCAPE = re.compile(
    r"(?P<percent>(?:%[0-9A-Fa-f]{2})+)"
    r"|(?P<byte>(?:\\x[0-9A-Fa-f]{2})+)"
    r"|(?P<octal>(?:\\[0-3][0-7]{2})+)"
    r"|(?P<utf16>(?:[\\%]u[0-9A-Fa-f]{4})+)"
    r"|(?P<long>\\U[0-9A-Fa-f]{8})"
    r"|(?P<plain>\\[\"'\\/bfnrt])"
    r"|(?P<decimal>&#[0-9]{1,7};)"
    r"|(?P<hexadecimal>&#[xX][0-9A-Fa-f]{1,6};)"
    r"|(?P<entity>&[A-Za-z][A-Za-z0-9]{1,31};|&(?:amp|lt|gt|quot))"
)
_PLAIN = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{3,}(?:\r?\n[ \t]*[A-Za-z0-9+/_-]+)*")
_BASE32 = re.compile(r"[A-Z2-7]{5,}")
_HEX = re.compile(r"[0-9A-Fa-f]{6,}|(?:[0-9A-Fa-f]{2}[ :-]){2,}[0-9A-Fa-f]{2}")
_NOT_HEX = re.compile(r"[ :-]")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/_-]")
_LEGIBLE = re.compile(rb"[\t\r\n\x20-\x7e]{4,}")
_STANDARD = str.maketrans("-_", "+/")


class View(NamedTuple):
    """A reading of a text: character *i* of *text* is what ``starts[i]:ends[i]`` stands for."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]


def views(text: str) -> Iterator[View]:
    """Yield *text* as it is, and every other way to read it."""
    yield from _views(View(text, range(len(text)), range(1, len(text) + 1)), depth=0)


def resolved(text: str) -> str:
    """*text* with its escapes resolved, also those inside others; digits stay as they are."""
    view: View | None = View(text, range(len(text)), range(1, len(text) + 1))
    for _ in range(_MAX_ROUNDS):
        view = _unescape(view) if view else None
        text = view.text if view else text
    return text


def _views(view: View, *, depth: int) -> Iterator[View]:
    """Yield *view* as it is and unescaped, and what stands in digits in the first and the last."""
    rounds = [view]
    while len(rounds) < _MAX_ROUNDS and (unescaped := _unescape(rounds[-1])):
        rounds.append(unescaped)
    yield from rounds
    if depth < _MAX_DEPTH:
        for one in {id(one): one for one in (rounds[0], rounds[-1])}.values():
            legible, others = _from_digits(one)
            yield from _views(legible, depth=depth + 1) if legible.text else ()
            yield from _views(others, depth=_MAX_DEPTH) if others.text else ()


def _unescape(view: View) -> View | None:
    """*view* with each escape resolved once; None where there is none."""
    texts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    done = 0
    for found in _ESCAPE.finditer(view.text):
        texts.append(view.text[done : found.start()])
        starts += view.starts[done : found.start()]
        ends += view.ends[done : found.start()]
        position = found.start()
        for character, width in _characters(found):
            texts.append(character)
            starts.append(view.starts[position])
            position += width
            ends.append(view.ends[position - 1])
        done = found.end()
    if not done:
        return None
    texts.append(view.text[done:])
    return View("".join(texts), [*starts, *view.starts[done:]], [*ends, *view.ends[done:]])


def _characters(found: re.Match[str]) -> Iterator[tuple[str, int]]:
    """Yield each character that an escape stands for, and how much of the escape that is."""
    kind, escape = found.lastgroup, found[0]
    if kind == "plain":
        yield _PLAIN.get(escape[1], escape[1]), 2
    elif kind == "entity":
        text = html.unescape(escape)
        is_unknown = text == escape
        for number, character in enumerate(text):
            # A few entities are two characters: the first stands for all of it.
            yield character, 1 if is_unknown else len(escape) if number == 0 else 0
    elif kind in ("decimal", "hexadecimal", "long"):
        base = 10 if kind == "decimal" else 16
        code = int(escape.strip("&#xXU\\;"), base)
        yield chr(code) if code < 0x110000 else "\ufffd", len(escape)
    elif kind == "utf16":
        units = bytes.fromhex(escape.replace("\\u", "").replace("%u", ""))
        for character in units.decode("utf-16-be", "surrogatepass"):
            yield character, 12 if ord(character) > 0xFFFF else 6
    else:
        width = 3 if kind == "percent" else 4
        base, digits = (8, 3) if kind == "octal" else (16, 2)
        octets = bytes(
            int(escape[at + width - digits : at + width], base)
            for at in range(0, len(escape), width)
        )
        for character, size in _utf8(octets):
            yield character, width * size


def _utf8(octets: bytes) -> Iterator[tuple[str, int]]:
    """Yield each character and its size in bytes; a byte that is not UTF-8 is Latin-1."""
    for character in octets.decode("utf-8", "surrogateescape"):
        code = ord(character)
        if 0xDC80 <= code <= 0xDCFF:
            yield chr(code - 0xDC00), 1
        else:
            yield character, len(character.encode("utf-8", "surrogatepass"))


def _from_digits(view: View) -> tuple[View, View]:
    """What stands in base64, base32 or hexadecimal digits, wherever in them it begins.

    The legible, in which more may stand; and the rest, most of which nobody meant to write.
    """
    legible, others = _Lines(), _Lines()
    for octets, at, bits in _octets(view.text):
        places = [
            (view.starts[at[octet * 8 // bits]], view.ends[at[(octet * 8 + 7) // bits]])
            for octet in range(len(octets))
        ]
        # What is in front of the digits, and looks like some, is not legible in them.
        for stretch in _LEGIBLE.finditer(octets):
            legible.add(stretch[0], places[stretch.start() : stretch.end()])
        others.add(octets, places)
    return legible.view(), others.view()


def _octets(text: str) -> Iterator[tuple[bytes, Sequence[int], int]]:
    """Yield octets, the places of the digits that they stand in, and the bits of each digit."""
    for found in _BASE64.finditer(text):
        at = [n for n in range(*found.span()) if not _NOT_BASE64.match(text[n])]
        digits = "".join(text[n] for n in at).translate(_STANDARD)
        for shift in range(min(4, len(digits) - 1)):
            left = digits[shift:]
            left = left[: len(left) - (len(left) % 4 == 1)]
            yield base64.b64decode(left + "=" * (-len(left) % 4)), at[shift:], 6
    for found in _BASE32.finditer(text):
        for shift in range(8):
            left = found[0][shift:]
            left = left[: len(left) - (len(left) % 8 in (1, 3, 6))]
            octets = base64.b32decode(left + "=" * (-len(left) % 8))
            if octets:
                yield octets, range(found.start() + shift, found.end()), 5
    for found in _HEX.finditer(text):
        at = [n for n in range(*found.span()) if not _NOT_HEX.match(text[n])]
        digits = _NOT_HEX.sub("", found[0])
        for shift in range(2):
            left = digits[shift:]
            yield bytes.fromhex(left[: len(left) // 2 * 2]), at[shift:], 4


class _Lines:
    """Collects the characters of a view, and their places."""

    def __init__(self) -> None:
        self.characters: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []

    def add(self, octets: bytes, places: Sequence[tuple[int, int]]) -> None:
        """Add a line: what *octets* say, each of which stands at one of the *places*."""
        octet = 0
        for character, size in _utf8(octets):
            self.characters.append(character)
            self.starts.append(places[octet][0])
            self.ends.append(places[octet + size - 1][1])
            octet += size
        self.characters.append("\n")  # lest two lines read as one
        self.starts.append(places[-1][0])
        self.ends.append(places[-1][1])

    def view(self) -> View:
        return View("".join(self.characters), self.starts, self.ends)
