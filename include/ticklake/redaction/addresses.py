"""What in an address is secret by its place: the login, and parameters whose names say so."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_SECRET = re.compile(
    r"key|token|secret|sign|pass|pwd|auth|cred|session|cookie|^sig$", re.IGNORECASE
)
_ADDRESS = re.compile(r"(?P<scheme>\b[A-Za-z][A-Za-z0-9+.-]*:/*)(?P<rest>[^\s'\"<>`]+)")
_PARAMETER = re.compile(
    r"(?P<before>[?&#])(?P<name>[\w.\-\[\]]+)="
    r"(?P<value>[^&#\s'\"<>`)]*?)(?=[:;,.]*(?:[&#\s'\"<>`)]|$))"  # the sentence goes on after it
)


def is_secret(name: str) -> bool:
    """Whether the value of a parameter or header of that name may be a secret."""
    return _SECRET.search(name) is not None


def redact_url(url: str) -> str:
    """*url* without user, password and the values of parameters that may be secret."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(an invalid URL)"
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = [(name, "***" if is_secret(name) else value) for name, value in pairs]
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, urlencode(query, safe="*"), ""))


def mask_addresses(text: str) -> str:
    """*text* with the logins of its addresses masked, and what their parameters hold of secrets."""
    if ":" in text and "@" in text:
        text = _ADDRESS.sub(_without_login, text)
    return _PARAMETER.sub(_without_value, text) if "=" in text else text


def _without_login(address: re.Match[str]) -> str:
    scheme, rest = address["scheme"], address["rest"]
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if scheme.endswith(":"):  # mailto:a@b and a time are none; user:password@host is
        login = authority.rpartition("@")[0] if ":" in authority else ""
    elif "@" in authority:
        login = authority.rpartition("@")[0]
    else:
        # A password with a slash in it, as AWS makes them: no port looks like that.
        _, colon, port = authority.partition(":")
        is_port = not colon or authority.startswith("[") or port.isdigit()
        login = "" if is_port else rest.rpartition("@")[0]
    return f"{scheme}***{rest[len(login) :]}" if login else address[0]


def _without_value(parameter: re.Match[str]) -> str:
    if not parameter["value"] or not is_secret(parameter["name"]):
        return parameter[0]
    return f"{parameter['before']}{parameter['name']}=***"
