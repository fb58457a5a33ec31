"""Each slice is told apart from the others: in requests, and in the lake."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import UsageError
from include.ticklake.extract import extract
from include.ticklake.feed.plan import normalize_slice
from include.ticklake.lake import layout
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from tests.support.feed_checks import check, refused
from tests.support.feed_files import VALID
from tests.support.feed_texts import feed
from tests.support.paging import WINDOW
from tests.support.servers.http import HttpServer, ReceivedRequest, Reply

ODD = [
    "..",
    ".",
    "...",
    "a/b",
    "/",
    "../x",
    "%2e%2e",
    "%2E",
    "%2F",
    "?x=1",
    "#",
    ";",
    "a;b",
    "\\",
    "..\\",
    "ä",
    "€",
    "😀",
    "+",
    "&",
    "=",
    ":",
    "@",
    "~",
    "*",
]
VALUES = st.one_of(
    st.sampled_from([*ODD, " ", "a b", "\u2028", "x" * 60]),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8),
)


class EveryPath(HttpServer):
    """Answers every path with no records."""

    def _reply_to(self, request: ReceivedRequest) -> Reply:
        self.asked.append(request)
        return Reply()


def is_blank_or_control(value: str) -> bool:
    """Whether *value* is nothing that a folder can be named after."""
    return not value.strip() or any(unicodedata.category(text) == "Cc" for text in value)


@pytest.fixture(scope="module")
def server() -> Iterator[EveryPath]:
    """One for all requests of this file."""
    with closing(EveryPath()) as server:
        yield server


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("path: /rows", id="nowhere"),
        pytest.param("path: /rows\n  headers: {X-Symbol: '{symbol}'}", id="in a header"),
        pytest.param("path: /rows\n  params: {'{symbol}': 1}", id="in a parameter's name"),
    ],
)
def test_a_feed_whose_request_uses_a_slice_nowhere_is_refused(tmp_path, source):
    """As a query is: every slice would hold the same records."""
    text = VALID.replace("path: /rows", source) + "slices: {symbol: [BTC, ETH]}\n"
    assert "{symbol} is not" in refused(tmp_path, text)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("path: '/rows/{symbol}'", id="in the path"),
        pytest.param("path: /rows\n  params: {s: '{symbol}'}", id="in a parameter"),
        pytest.param("path: /rows\n  capture: {n: next}\n  paging: {kind: cursor, param: c, "
                     "cursor: n, first_params: {s: '{symbol}'}}", id="in a parameter of paging"),
    ],
)  # fmt: skip
def test_a_feed_whose_request_uses_each_slice_passes(tmp_path, source):
    """Wherever a placeholder is filled in."""
    text = VALID.replace("path: /rows", source) + "slices: {symbol: [BTC, ETH]}\n"
    assert check(tmp_path, text) == (0, [])


@pytest.mark.parametrize("values", ["[A, '..']", "['.']", "{up: '..'}"])
def test_a_listed_slice_that_would_change_the_path_is_refused(tmp_path, values):
    """Dots cannot be escaped: ``%2e%2e`` leads to the same place."""
    text = (
        VALID.replace("path: /rows", "path: '/rows/{symbol}'") + f"slices: {{symbol: {values}}}\n"
    )
    assert "would change source.path '/rows/{symbol}'" in refused(tmp_path, text)


@given(first=VALUES, second=VALUES)
def test_the_requested_path_always_has_the_templates_segments(
    server, tmp_path_factory, first, second
):
    """A value is escaped or refused; as sent, it stays in its segment, and in its folder."""
    described = feed(
        slices={"a": ["x"], "b": ["y"]},
        source={"path": "/v1/{a}/rows-{b}/{b}", "params": {"a": "{a}", "b": "{b}"}},
    )
    storage = Storage.open(f"file://{tmp_path_factory.mktemp('lake')}/lake", {})
    server.asked.clear()
    try:
        slice_ = normalize_slice(described, Slice.of({"a": first, "b": second}))
        extract.extract(described, Unit(slice_, WINDOW), storage=storage, base_url=server.url)
    except UsageError:
        assert server.asked == []
        assert {first, second} & {".", ".."} or any(map(is_blank_or_control, (first, second)))
        return
    [asked] = server.asked
    assert [unquote(segment) for segment in asked.path.split("/")] == [
        "", "v1", first, f"rows-{second}", second,
    ]  # fmt: skip
    assert asked.params == {"a": first, "b": second}
    [key] = [key for key in storage.list("") if key.startswith("manifests/")]
    assert layout.parse(key).slice.as_dict() == {"a": first, "b": second}
    assert len(key.split("/")) == 6


@pytest.mark.parametrize(
    ("value", "message"),
    [("a\nb", "holds a control character; remove it"), ("\x00", "control"), (" ", "is blank"),
     ("\udcff", "control")],
)  # fmt: skip
def test_a_slice_that_names_no_folder_is_refused(value, message):
    """Also one that came with a byte that is no UTF-8."""
    described = feed(slices={"symbol": ["A"]})
    with pytest.raises(UsageError, match=message):
        normalize_slice(described, Slice.of({"symbol": value}))
