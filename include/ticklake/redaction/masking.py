"""Mask secrets in a text: those that this process knows, and what an address says is one.

What reads a credential calls ``remember``. From then on every error, every line of the
log and every message of the process is written without it, however it is spelled: a source may
send back what it was sent, and a library may repeat what it was given.

How much of a secret must be there depends on what it could be mistaken for:

* from 8 characters on it is masked wherever it stands, and so is the first half of 16 or more,
  as a text may be cut;
* shorter ones, and words of letters only, where no letter or digit is beside them:
  the password ``key`` leaves ``monkey`` alone;
* a single character only in an address, as a login or the value of a parameter with a name
  that says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from include.ticklake import errors
from include.ticklake.redaction.addresses import mask_addresses
from include.ticklake.redaction.views import resolved, views

MASK = "***"

_LEAST_CHARACTERS = 2
_WORD_CHARACTERS = 8
_LETTERS_ONLY_CHARACTERS = 16
_CUT_CHARACTERS = 16
_LINE_CHARACTERS = 200
_READ_CHARACTERS = 16 * 1024
"""Much more than is shown of a text that a source sent, so that no secret is cut in two."""

_known: dict[str, None] = {}


class _Needle(NamedTuple):
    """What to look for, as ``_folded`` has it."""

    text: str
    is_word: bool
    least: int
    """How many of its first characters are enough."""


def remember(*secrets: str | None) -> None:
    """From now on, mask *secrets* in all that this process writes."""
    _known.update(dict.fromkeys(secret for secret in secrets if secret and secret.strip()))


def forget_all() -> None:
    """Know no secret: for tests, which are many programs in one process."""
    _known.clear()


def mask(text: str, *, secrets: Iterable[str] = ()) -> str:
    """*text* without the known secrets and these *secrets*, and without logins in addresses."""
    return mask_addresses(mask_secrets(text, secrets=(*_known, *secrets)))


def holds_secret(text: str, *, secrets: Iterable[str] = ()) -> bool:
    """Whether *text* has a known secret, or one of *secrets*, in any spelling."""
    return next(_spans(text, _needles_of((*_known, *secrets))), None) is not None


def sanitize(text: str, *, secrets: Iterable[str] = ()) -> str:
    """*text* on one line of at most 200 characters, masked."""
    masked = mask(text[:_READ_CHARACTERS], secrets=secrets)
    printable = "".join(character if character.isprintable() else " " for character in masked)
    return " ".join(printable.split())[:_LINE_CHARACTERS]


def mask_secrets(text: str, *, secrets: Iterable[str]) -> str:
    """*text* with each of *secrets* masked, in whatever spelling it stands there."""
    spans = sorted(_spans(text, _needles_of(secrets)))
    pieces: list[str] = []
    done = 0
    for start, end in spans:
        if start > done or not pieces:
            pieces += [text[done:start], MASK]
        done = max(done, end)
    return "".join([*pieces, text[done:]])


def _needles_of(secrets: Iterable[str]) -> list[_Needle]:
    return [needle for secret in dict.fromkeys(secrets) for needle in _needles(secret)]


@lru_cache(maxsize=256)
def _needles(secret: str) -> tuple[_Needle, ...]:
    """What to look for, for *secret*: itself, and what others may make of it."""
    words = secret.split()
    # Bearer abc: a source may repeat the second half alone.
    texts = [secret, secret.strip(), *words[-1:]]
    texts += [word for word in words if len(word) >= _CUT_CHARACTERS]  # lines of a private key
    texts += [resolved(text) for text in texts]
    # Bytes of a header are read as Latin-1, whatever they were.
    texts += [text.encode(errors="replace").decode("latin-1") for text in texts]
    found = dict.fromkeys(_folded(text) for text in texts)
    return tuple(_needle(text) for text in found if len(text.strip()) >= _LEAST_CHARACTERS)


def _needle(text: str) -> _Needle:
    is_word = len(text) < _WORD_CHARACTERS
    is_word = is_word or (text.isalpha() and len(text) < _LETTERS_ONLY_CHARACTERS)
    may_be_cut = len(text) >= _CUT_CHARACTERS
    return _Needle(text, is_word, (len(text) + 1) // 2 if may_be_cut else len(text))


def _spans(text: str, needles: list[_Needle]) -> Iterator[tuple[int, int]]:
    """Yield where in *text* a needle stands."""
    if not needles:
        return
    for view in views(text):
        folded = _folded(view.text)
        for needle in needles:
            for start, end in _places(folded, needle):
                yield view.starts[start], max(view.ends[start:end])


def _places(text: str, needle: _Needle) -> Iterator[tuple[int, int]]:
    start = text.find(needle.text[: needle.least])
    while start >= 0:
        end = start + needle.least
        while end < min(len(text), start + len(needle.text)) and (
            text[end] == needle.text[end - start]
        ):
            end += 1
        if not needle.is_word or not (_goes_on(text, start) or _goes_on(text, end)):
            yield start, end
        start = text.find(needle.text[: needle.least], start + 1)


def _goes_on(text: str, at: int) -> bool:
    """Whether a word goes on at that place, rather than beginning or ending there."""
    return 0 < at < len(text) and text[at - 1].isalnum() and text[at].isalnum()


def _folded(text: str) -> str:
    """*text* in small letters, as many as before, and with the spaces that a query has as ``+``."""
    small = text.lower()
    if len(small) != len(text):
        small = "".join(letter.lower()[:1] for letter in text)
    return small.replace("+", " ")


errors.mask_messages(mask)
