"""A body in another charset as UTF-8, while it streams: JSON is UTF-8, and so are its readers.

The bytes count before what ``Content-Type`` says, as RFC 8259 knows no charset: a mark at their
start (BOM) or zeros between them show UTF-16 and UTF-32, and the charsets that servers name without
being asked are believed only if the first letter beyond ASCII is not one of UTF-8.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from email.message import Message
from itertools import chain

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.redaction.masking import mask

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# JSON begins with a letter of ASCII, and holds no zero.
_ZEROS = (
    (re.compile(rb"\0\0\0[^\0]", re.DOTALL), "utf-32-be"),
    (re.compile(rb"[^\0]\0\0\0", re.DOTALL), "utf-32-le"),
    (re.compile(rb"\0[^\0]", re.DOTALL), "utf-16-be"),
    (re.compile(rb"[^\0]\0", re.DOTALL), "utf-16-le"),
)
_UTF = re.compile(r"utf-(?:8|16|32).*|ascii")
_DEFAULTS_OF_SERVERS = frozenset({"iso8859-1", "iso8859-15", "cp1252"})
_TEXT = re.compile(
    r"iso8859-\d+|cp\d+|koi8-\w|mac-\w+|gbk|gb2312|gb18030|big5\w*|shift_jis\w*|euc_\w+|"
    r"iso2022_\w+|johab|hz|tis-620"
)
_LABEL = re.compile(r"[\w.:()+-]{1,40}", re.ASCII)
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")


def to_utf8(chunks: Iterable[bytes], *, content_type: str) -> Iterator[bytes]:
    """The text of *chunks* in UTF-8, without a mark at its start.

    ``MalformedPageError`` for bytes that are not of their charset, ``SourceRefusedError`` for a
    charset that is not known, unless the text is UTF-8 after all.
    """
    rest, start = iter(chunks), b""
    while len(start) < 4 and (chunk := next(rest, None)) is not None:
        start += chunk
    mark, codec = next((mark for mark in _MARKS if start.startswith(mark[0])), (b"", ""))
    codec = codec or next((name for zeros, name in _ZEROS if zeros.match(start)), "")
    text = chain((start[len(mark) :],), rest)
    if codec in ("", "utf-8"):
        yield from text if codec else _by_label(text, _label(content_type))
    else:
        yield from _recode(text, codec)


def _label(content_type: str) -> str:
    """The charset that a ``Content-Type`` names; empty without one."""
    message = Message()
    message["Content-Type"] = content_type
    return message.get_content_charset("")


def _by_label(chunks: Iterator[bytes], label: str) -> Iterator[bytes]:
    codec = _codec(label)
    if not label or _UTF.fullmatch(codec):
        yield from chunks
    elif codec and codec not in _DEFAULTS_OF_SERVERS:
        yield from _recode(chunks, codec)
    else:
        yield from _utf8_or(chunks, codec, label=label)


def _codec(label: str) -> str:
    """Python's name of the charset *label*; empty where it is not known, or is not of a text."""
    try:
        name = codecs.lookup(label).name if _LABEL.fullmatch(label) else ""
    except LookupError:
        return ""
    return name if _UTF.fullmatch(name) or _TEXT.fullmatch(name) else ""


def _utf8_or(chunks: Iterator[bytes], codec: str, *, label: str) -> Iterator[bytes]:
    """*chunks* as they are if their first letter beyond ASCII is UTF-8, else from *codec*."""
    held = b""
    for chunk in chunks:
        held += chunk
        found = _BEYOND_ASCII.search(held)
        ascii_end = found.start() if found else len(held)
        yield held[:ascii_end]
        held = held[ascii_end:]
        if held and (is_utf8 := _begins_as_utf8(held)) is not None:
            break
    else:
        is_utf8 = not held
    text = chain((held,), chunks)
    if is_utf8:
        yield from text
    elif codec:
        yield from _recode(text, codec)
    else:
        raise SourceRefusedError(
            f"its Content-Type names the charset {mask(label)[:40]}, which is not known, and its "
            "text is not UTF-8"
        )


def _begins_as_utf8(text: bytes) -> bool | None:
    """Whether *text*, which is beyond ASCII, begins with a letter of UTF-8; None if cut in it."""
    for length in (2, 3, 4):
        try:
            return bool(text[:length].decode())
        except UnicodeDecodeError as error:
            if error.reason != "unexpected end of data":
                return False
    return None


def _recode(chunks: Iterable[bytes], codec: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(codec)()
    size = 0
    try:
        for chunk in chunks:
            yield decoder.decode(chunk).encode()
            size += len(chunk)
        yield decoder.decode(b"", True).encode()
    except UnicodeError as error:
        reason = getattr(error, "reason", "not of this charset")
        raise MalformedPageError(f"invalid {codec} after byte {size}: {reason}") from None
