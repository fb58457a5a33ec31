"""Feeds, coverage and a window, as different viewers get them, with hostile texts in everything."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.ui.pages_lake import MISSING, NONSENSE, SCRIPT, SLICES, STAGED, WINDOW

pytestmark = pytest.mark.dag


def unit_path(window=WINDOW, symbol: str = "BTC") -> str:
    return f"unit?feed=bars&slice={quote(f'symbol={symbol}')}&start={window.start:%Y-%m-%dT%H:%MZ}"


def coverage_path(symbol: str = "BTC", **more: int) -> str:
    numbers = "".join(f"&{name}={value}" for name, value in more.items())
    return f"coverage?feed=bars&slice={quote(f'symbol={symbol}')}{numbers}"


def text_of(answer) -> str:
    """What a reader sees of an answer."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.text)))


def test_a_feed_says_how_far_it_is(pages):
    """Its last window, what an hour of it holds, and a way to its DAG and its audit."""
    text = text_of(pages.get(""))
    assert "bars" in text
    assert "2026-11-22 05:00" in text
    assert "36,000" in text
    assert "5 MiB" in text
    assert "1 MiB" in text
    assert 'target="_top" href="../dags/ingest_bars"' in pages.get("").text


def test_a_broken_feed_file_is_shown_with_its_message(pages):
    """To those who may see Airflow's import errors; the message is text, whatever is in it."""
    text = text_of(pages.get("", "viewer"))
    assert "A feed file is not valid" in text
    assert f"broken.yaml:2: {SCRIPT}: unknown key" in text


def test_a_feed_without_data_leads_to_its_dag(pages):
    """Its name does, with whether the DAG is switched on."""
    assert '<a target="_top" href="../dags/ingest_okx_trades">okx_trades</a>' in pages.get("").text


def test_a_feed_that_fills_another_ones_table_is_not_one_without_data(pages):
    """It has no windows of its own: its tile names the feed that has them."""
    text = text_of(pages.get(""))
    before, tile = text.split("Fill the table of another feed")
    assert "Not fetched yet" in before
    assert "old_bars" not in before
    assert tile.split()[0] == "old_bars"
    assert "into bars The bars of the past, from files." in tile


@pytest.mark.parametrize("path", ["", *map(coverage_path, SLICES), unit_path(symbol=SLICES[2])])
def test_nothing_of_a_feed_or_of_the_lake_is_markup(pages, path):
    """Those who may write a feed file or to the lake put no script into the page."""
    answer = pages.get(path)
    assert answer.status_code == 200
    assert "<script>" not in answer.text
    assert "<img" not in answer.text


@pytest.mark.parametrize("feed", NONSENSE)
def test_nonsense_in_a_summary_takes_no_page_away(pages, feed):
    """The feed is shown as one of which nothing is known, beside the others."""
    assert ">bars</a>" in pages.get("").text
    answer = pages.get(f"coverage?feed={feed}")
    assert answer.status_code == 200
    assert "Nothing is known of this feed yet" in answer.text
    assert f"ticklake publish {feed}" in answer.text


@pytest.mark.parametrize("path", ["coverage?feed={}", "unit?feed={}&start=2026-11-22T04:00Z"])
def test_a_feed_of_others_is_as_unknown_as_one_that_does_not_exist(pages, path):
    """The two answers are the same, to the last character."""
    hidden, unknown = (pages.get(path.format(name), "apart") for name in ("kraken_trades", "none"))
    assert pages.get(path.format("kraken_trades"), "viewer").status_code != 403
    assert (hidden.status_code, unknown.status_code) == (404, 404)
    assert hidden.text == unknown.text


@pytest.mark.parametrize(
    "path",
    [
        "coverage?feed=../secret",
        "coverage?feed=bars&slice=../../secret/x",
        "coverage?feed=bars&slice=symbol%3D..%2F..%2Fsecret%2Fx",
        "coverage?feed=bars/../bars",
        "unit?feed=bars&slice=all&start=2026-11-22T04:00Z",
        "unit?feed=bars&start=../../secret/x",
        "unit?feed=bars&start=2026-11-22T04:30Z",
        "unit?feed=bars&start=0001-01-01T00:00Z",
        "unit?feed=bars&start=9999-12-31T23:00Z",
        "static/%2e%2e/app.py",
        "static/..%2fapp.py",
    ],
)
def test_no_key_is_made_of_an_address(pages, path):
    """Only of a feed, a slice and a window that there are."""
    answer = pages.get(path)
    assert answer.status_code == 404
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    "query", ["year=0", "year=99999", "month=13", "year=x", "day=-1", "month="]
)
def test_a_date_that_there_is_not_is_no_failure(pages, query):
    """The answer says that the address is not valid, without repeating it."""
    answer = pages.get(f"coverage?feed=bars&{query}")
    assert answer.status_code == 422
    assert "not valid" in answer.text


def test_a_month_shows_every_window_with_its_state(pages):
    """As a link that says so in words, and with the letter of the state."""
    answer = pages.get(coverage_path())
    titles = re.findall(r"<title>(22 Nov [^<]*)</title>", answer.text)
    for title in ("22 Nov 02:00 complete", "22 Nov 03:00 missing", "22 Nov 04:00 quarantined",
                  "22 Nov 05:00 staged"):  # fmt: skip
        assert title in titles
    assert re.search(r'<text class="letter"[^>]*>M</text>', answer.text)
    link = unescape(re.search(r'<a href="(unit[^"]*)"><title>22 Nov 04:00', answer.text)[1])
    assert pages.get(link).status_code == 200


def test_what_is_not_complete_is_a_table_as_well(pages):
    """For those to whom a picture says nothing."""
    text = text_of(pages.get(coverage_path()))
    assert "2026-11-22 03:00 missing" in text
    assert "2026-11-22 04:00 quarantined" in text


def test_a_year_without_windows_is_shown_all_the_same(pages):
    """Before the feed began, and long after."""
    assert pages.get(coverage_path(year=1990)).status_code == 200
    assert pages.get(coverage_path(year=9998, month=12)).status_code == 200


def test_a_window_says_what_is_in_it(pages):
    """Its manifest in words, and every file with its size and hash."""
    text = text_of(pages.get(unit_path()))
    assert "quarantined : some of its records did not fit the feed" in text
    assert "10 records came in" in text
    assert "In Parquet 9" in text
    assert "In quarantine 1" in text
    assert re.search(r"json/bars/symbol=BTC/\S+part-00000\S+ [0-9a-f]{64} 10", text)
    assert re.search(r"parquet/bars/symbol=BTC/\S+parquet [0-9a-f]{64} 9", text)
    assert "staged" in text_of(pages.get(unit_path(STAGED)))
    missing = text_of(pages.get(unit_path(MISSING)))
    assert "missing : never fetched" in missing
    assert "nothing of this window was committed" in missing
    assert "No run has fetched this window yet" in missing


def test_a_damaged_manifest_is_shown_as_such(pages, pages_env):
    """With the message that says what to do."""
    lake = Path(pages_env["TICKLAKE_ROOT"].removeprefix("file://"))
    damaged = lake / f"manifests/bars/symbol=ETH/date=2026-11-22/{WINDOW.name}.json"
    damaged.parent.mkdir(parents=True, exist_ok=True)
    damaged.write_text("<script>")
    text = text_of(pages.get(unit_path(symbol="ETH")))
    damaged.unlink()
    assert "The manifest cannot be read" in text


@pytest.mark.parametrize(
    ("user", "window", "dags"),
    [
        ("admin", WINDOW, ["ingest_bars", "rebuild"]),
        ("user", WINDOW, ["ingest_bars", "rebuild"]),
        ("user", MISSING, ["ingest_bars"]),
        ("viewer", WINDOW, []),
    ],
)
def test_only_those_who_may_start_a_run_get_its_button(pages, user, window, dags):
    """With the form of the DAG filled in: this window of this slice."""
    answer = pages.get(unit_path(window), user)
    buttons = re.findall(r'data-trigger-dag="([^"]*)" data-conf="([^"]*)"', answer.text)
    assert [dag for dag, _ in buttons] == dags
    for dag, conf in buttons:
        feeds = {"feeds": ["bars"]} if dag == "rebuild" else {}
        assert json.loads(unescape(conf)) == feeds | {
            "start": f"{window.start:%Y-%m-%dT%H:%M:%SZ}",
            "end": f"{window.end:%Y-%m-%dT%H:%M:%SZ}",
            "slices": ["symbol=BTC"],
        }
