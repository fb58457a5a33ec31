"""Renamed keys are known by their path, so that other keys of that name are not."""

from __future__ import annotations

import pytest

from include.ticklake.feed import loader
from include.ticklake.feed.renamed_keys import RENAMED_KEYS, new_key, new_value
from tests.conftest import REPOSITORY
from tests.support.feed_files import VALID, mistakes


@pytest.mark.parametrize(
    ("path", "new"),
    [
        ("fields.price.was", "renamed_from"),
        ("source.errors.slow_down", "rate_limited"),
        ("source.bans", "ban_statuses"),
        ("source.params.rate", None),
        ("fields.was", None),
        ("was", None),
    ],
)
def test_an_old_key_is_known_at_its_place_only(path, new):
    """A column called `was` is not an old key."""
    assert new_key(path) == new


def test_an_old_paging_kind_is_known_at_its_place_only():
    """`header` is a kind of auth, too."""
    assert new_value("source.paging.kind", "header") == "header_cursor"
    assert new_value("source.auth.kind", "header") is None
    assert new_value("source.paging.kind", "cursor") is None


def test_every_new_key_is_one_of_the_format_and_in_the_upgrade_note():
    """The error leads to a key that is valid, and the note lists all of them."""
    schema = (REPOSITORY / "include" / "feeds" / "feed.schema.json").read_text(encoding="utf-8")
    note = (REPOSITORY / "docs" / "how-to" / "upgrade.md").read_text(encoding="utf-8")
    for path, new in RENAMED_KEYS.items():
        assert f'"{new}": {{' in schema
        old = path.rpartition(".")[2]
        assert f"`{old}`" in note
        assert f"`{new}`" in note


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param("bans: {403: 1m}", "5: source.bans: was renamed; write 'ban_statuses'",
                     id="bans"),
        pytest.param("errors: {code: c, slow_down: {1: 5s}}",
                     "5: source.errors.slow_down: was renamed; write 'rate_limited'",
                     id="slow_down"),
        pytest.param("rate: {requests_per_s: 1}", "5: source.rate: was renamed; write 'rate_limit'",
                     id="rate"),
        pytest.param("rate_limit:\n    budget: 10\n    per: 1m",
                     "6: source.rate_limit.budget: was renamed; write 'quota'", id="budget"),
        pytest.param("rate_limit:\n    budget: 10\n    per: 1m",
                     "7: source.rate_limit.per: was renamed; write 'quota_period'", id="per"),
        pytest.param("paging: {kind: recent, page_rows: 5}",
                     "5: source.paging.kind: 'recent' was renamed; write 'newest_only'",
                     id="recent"),
        pytest.param("paging: {kind: header, param: a, header: b}",
                     "5: source.paging.kind: 'header' was renamed; write 'header_cursor'",
                     id="header"),
        pytest.param("paging: {kind: link}",
                     "5: source.paging.kind: 'link' was renamed; write 'link_header'", id="link"),
        pytest.param("paging: {kind: id_forward, param: a, field: b, first_params: {},\n"
                     "    from: exclusive}",
                     "6: source.paging.from: was renamed; write 'start'", id="from"),
        pytest.param("paging: {kind: id_backward, param: a, field: b, first_params: {},\n"
                     "    page_params: {}}",
                     "6: source.paging.page_params: was renamed; write 'next_params'",
                     id="page_params"),
    ],
)  # fmt: skip
def test_an_old_key_of_a_source_names_the_new_one(tmp_path, source, message):
    """With file, line and field: nobody has to look it up."""
    lines = mistakes(tmp_path, VALID.replace("  path: /rows", f"  path: /rows\n  {source}"))
    assert f"small.yaml:{message}" in lines


def test_an_old_key_of_a_column_names_the_new_one(tmp_path):
    """Whatever the column is called; a column of that name is none of these."""
    lines = mistakes(tmp_path, f"{VALID}  price: {{type: int64, was: [px]}}\n")
    assert lines == ["small.yaml:8: fields.price.was: was renamed; write 'renamed_from'"]
    (tmp_path / "small.yaml").write_text(f"{VALID}  was: {{type: int64}}\n")
    assert loader.read_feed(tmp_path / "small.yaml").fields["was"].source == "was"
