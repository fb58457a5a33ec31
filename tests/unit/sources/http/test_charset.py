"""A body in another charset is read as UTF-8, or an error names the charset."""

from __future__ import annotations

import codecs
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.sources.http.charset import to_utf8

TEXT = '[{"name": "Zoë Ångström"}]'
MIB = 1024 * 1024


def read(body: bytes, content_type: str = "application/json", *, chunk_bytes: int = 65_536) -> str:
    chunks = [body[at : at + chunk_bytes] for at in range(0, len(body), chunk_bytes)]
    return b"".join(to_utf8(chunks, content_type=content_type)).decode()


def says(charset: str) -> str:
    return f"application/json; charset={charset}"


@pytest.mark.parametrize("chunk_bytes", [1, 3, 65_536])
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param(TEXT.encode(), "", id="no content type"),
        pytest.param(TEXT.encode(), "text/plain", id="no charset"),
        pytest.param(codecs.BOM_UTF8 + TEXT.encode(), says("utf-8"), id="a BOM"),
        pytest.param(TEXT.encode("utf-16"), "application/json", id="utf-16 with a BOM"),
        pytest.param(codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "", id="the other utf-16"),
        pytest.param(TEXT.encode("utf-16-le"), says("utf-16"), id="utf-16 without a BOM"),
        pytest.param(TEXT.encode("utf-16-be"), says("utf-8"), id="utf-16, and another one said"),
        pytest.param(TEXT.encode("utf-32"), "", id="utf-32 with a BOM"),
        pytest.param(TEXT.encode("utf-32-be"), "", id="utf-32 without a BOM"),
        pytest.param(TEXT.encode("utf-32-le"), "", id="the other utf-32"),
        pytest.param(TEXT.encode(), says("utf-16"), id="utf-8, and utf-16 said"),
        pytest.param(TEXT.encode("latin-1"), says("ISO-8859-1"), id="latin-1"),
        pytest.param(TEXT.encode("cp1252"), says('"windows-1252"'), id="windows-1252, quoted"),
        pytest.param(TEXT.encode(), says("iso-8859-1"), id="utf-8, and latin-1 said"),
        pytest.param(TEXT.encode(), says("utf8mb4"), id="utf-8, and what nobody knows said"),
        pytest.param(TEXT.encode(), says("us-ascii"), id="utf-8, and ascii said"),
        pytest.param(TEXT.encode(), says("rot13"), id="utf-8, and no charset of a text said"),
        pytest.param(TEXT.encode("mac-roman"), says("macintosh"), id="of a Macintosh"),
    ],
)
def test_a_body_is_read_whatever_its_charset(body, content_type, chunk_bytes):
    """However it is cut, and whatever is said of it."""
    assert read(body, content_type, chunk_bytes=chunk_bytes) == TEXT


LANGUAGES = {
    "windows-1251": "Биржа", "koi8-r": "Биржа", "iso-8859-5": "Биржа",
    "windows-1253": "αγορά", "iso-8859-7": "αγορά", "iso-8859-2": "giełda", "iso-8859-15": "5 €",
    "gbk": "联通", "gb18030": "交易€", "big5": "交易", "shift_jis": "取引",
    "euc-jp": "取引", "euc-kr": "거래",
}  # fmt: skip


@pytest.mark.parametrize("chunk_bytes", [1, 65_536])
@pytest.mark.parametrize("charset", LANGUAGES)
def test_a_charset_that_is_named_is_believed(charset, chunk_bytes):
    """Where nobody names it without being asked: 联通 in GBK might be UTF-8."""
    text = json.dumps([LANGUAGES[charset]], ensure_ascii=False)
    body = text.encode(charset)
    assert read(body, says(charset), chunk_bytes=chunk_bytes) == text


@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    charset=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32",
                             "utf-32-le", "utf-32-be"]),
    said=st.sampled_from(["", "utf-8", "iso-8859-1", "unknown"]),
    chunk_bytes=st.integers(1, 50),
)  # fmt: skip
def test_unicode_is_recognized_by_its_bytes(text, charset, said, chunk_bytes):
    """Every text of JSON, in every form."""
    document = json.dumps([text], ensure_ascii=False)
    assert read(document.encode(charset), says(said), chunk_bytes=chunk_bytes) == document


@given(text=st.text(st.characters(codec="latin-1"), max_size=40), chunk_bytes=st.integers(1, 50))
def test_latin_1_is_read_as_it_is_named(text, chunk_bytes):
    """If its first letter beyond ASCII is not one of UTF-8."""
    document = json.dumps(["é " + text], ensure_ascii=False)
    body = document.encode("latin-1")
    assert read(body, says("iso-8859-1"), chunk_bytes=chunk_bytes) == document


@pytest.mark.parametrize(
    ("body", "content_type", "kind", "what"),
    [
        pytest.param(TEXT.encode("latin-1"), says("x-unknown"), SourceRefusedError,
                     "names the charset x-unknown, which is not known, and its text", id="unknown"),
        pytest.param(b'["\xe9', says("x-unknown"), SourceRefusedError,
                     "which is not known", id="unknown, cut in a letter"),
        pytest.param(TEXT.encode("utf-16")[:-1], "", MalformedPageError,
                     r"invalid utf-16-le after byte \d+: truncated data", id="cut utf-16"),
        pytest.param("[1]".encode("utf-16") + b"\x00\xdc", "", MalformedPageError,
                     "invalid utf-16-le after byte 0: ", id="half a letter"),
        pytest.param(b'["\x81"]', says("windows-1250"), MalformedPageError,
                     "invalid cp1250 after byte 0: character maps to <undefined>", id="not of it"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_names_the_charset(body, content_type, kind, what):
    """In one sentence."""
    with pytest.raises(kind, match=what):
        read(body, content_type)


@pytest.mark.parametrize("label", ["zlib", "hex", "idna", "x" * 99, "..", "os", "unicode_escape"])
def test_a_label_is_never_more_than_the_name_of_a_charset(label):
    """Python has codecs of other kinds."""
    assert read(rb'["\u00e9"]', says(label)) == r'["\u00e9"]'


def test_an_empty_body_stays_empty():
    """In every charset."""
    for charset in ("", "utf-8", "utf-16", "iso-8859-1", "x-unknown"):
        assert read(b"", says(charset)) == ""
        assert read(codecs.BOM_UTF16_LE, says(charset)) == ""


def test_a_body_of_any_size_takes_the_memory_of_a_chunk():
    """In another charset, too."""
    chunk = ("é" * 30_000).encode("latin-1")
    tracemalloc.start()
    try:
        chunks = (chunk for _ in range(1_000))
        size = sum(map(len, to_utf8(chunks, content_type=says("iso-8859-1"))))
        assert tracemalloc.get_traced_memory()[1] < MIB
    finally:
        tracemalloc.stop()
    assert size == 60_000_000
