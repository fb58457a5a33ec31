"""A feed's kind of source decides who reads it, by a table of import paths."""

from __future__ import annotations

from importlib import import_module

import pytest

from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from include.ticklake.sources import source
from include.ticklake.sources.source import SOURCES, SourceContext
from tests.support import canned_pages
from tests.support.feed_texts import feed

UNIT = Unit(Slice(), Window.parse("20261122T050000Z-20261122T060000Z"))


def unreachable(connection: str) -> None:
    raise AssertionError(connection)


CONTEXT = SourceContext(get_credentials=unreachable, connect=unreachable)


@pytest.mark.parametrize("kind", SOURCES)
def test_every_kind_can_be_imported(kind):
    """The table holds names, so that one kind does not load what another needs."""
    module, _, name = SOURCES[kind].partition(":")
    assert callable(getattr(import_module(module), name))


def test_a_feed_is_read_by_its_kind(monkeypatch):
    """With the feed's own part of the source, its unit, and the context."""
    monkeypatch.setitem(SOURCES, "http", canned_pages.NAME)
    monkeypatch.setattr(canned_pages, "bodies", [[b'[{"id":1}', b",{}]"], [b"[]"]])
    read = []
    for cursor, page in source.pages(feed(), UNIT, context=CONTEXT):
        records = [bytes(record) for record in page]
        read.append((cursor, records, page.rows, page.info().rows))
    assert read == [(None, [b'{"id":1}', b"{}"], 2, 2), (None, [], 0, 0)]


def test_a_context_has_a_retry_policy_of_its_own():
    """The feed's limits decide on the attempts."""
    assert CONTEXT.retry_policy.max_attempts is None
    assert CONTEXT.base_url is None
