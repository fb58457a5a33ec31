"""How others may write a secret: each spelling is a function of the text."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import quote, quote_plus


def _small(text: str) -> str:
    """*text* with its percent escapes in small letters."""
    return re.sub(r"%[0-9A-F]{2}", lambda escape: escape[0].lower(), text)


def _utf16_units(text: str) -> str:
    units = text.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


SPELLINGS: Mapping[str, Callable[[str], str]] = {
    "as it is": str,
    "quote": lambda text: quote(text, safe=""),
    "quote in small letters": lambda text: _small(quote(text, safe="")),
    "quote that keeps /": quote,
    "quote_plus": quote_plus,
    "quote_plus in small letters": lambda text: _small(quote_plus(text)),
    "each byte quoted": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "quoted twice": lambda text: quote(quote(text, safe=""), safe=""),
    "HTML": html.escape,
    "HTML without quotes": lambda text: html.escape(text, quote=False),
    "HTML by numbers": lambda text: "".join(f"&#{ord(sign)};" for sign in text),
    "HTML by hexadecimal numbers": lambda text: "".join(f"&#x{ord(sign):X};" for sign in text),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in UTF-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON with \\/": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON by numbers": _utf16_units,
    "JSON in JSON": lambda text: json.dumps(json.dumps(text))[1:-1],
    "repr": lambda text: repr(text)[1:-1],
    "repr of bytes": lambda text: repr(text.encode())[2:-1],
    "a URL in JSON": lambda text: json.dumps(f"/x?k={quote_plus(text)}")[1:-1],
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 without padding": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "base64 of a login": lambda text: base64.b64encode(f"me:{text}".encode()).decode(),
    "base64 of a longer login": lambda text: base64.b64encode(f"user:{text}".encode()).decode(),
    "base64 in a URL": lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
    "base64 of JSON": lambda text: base64.b64encode(json.dumps({"k": text}).encode()).decode(),
    "base64 of base64": lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(),
    "base32": lambda text: base64.b32encode(text.encode()).decode(),
    "JavaScript's escape": lambda text: _utf16_units(text).replace("\\", "%"),
    "HTML without semicolons": lambda text: re.sub(r"(&[a-z]+);", r"\1", html.escape(text)),
    "hexadecimal with colons": lambda text: text.encode().hex(":"),
    "hexadecimal": lambda text: text.encode().hex(),
    "UTF-8 read as Latin-1": lambda text: text.encode().decode("latin-1"),
}
