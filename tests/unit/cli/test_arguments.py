"""A wrong argument ends with 2 and one line that says what is right; nothing is stored."""

from __future__ import annotations

import argparse

import pytest

from include.ticklake.cli import arguments
from include.ticklake.cli.main import main
from include.ticklake.feed import loader
from include.ticklake.settings import Settings
from tests.support.rows_feed import HOUR
from tests.support.trades_api import feed_file

MONDAY = "symbol=BTCUSDT/date=2026-11-23/20261123T000000Z-20261124T000000Z"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        pytest.param(["extract", "trades", *HOUR[:2]], "--end is missing", id="half an interval"),
        pytest.param(["extract", "trades", "--manifests", "file:///lake/json/x.json", "--root",
                      "file:///lake"], "is not a window's manifest", id="no manifest"),
        pytest.param(["extract", "trades", "--manifests", "file:///lake/x.json", "--slice", "a=b"],
                     "--manifests names slices and windows already", id="manifests and a slice"),
        pytest.param(["compact", "trades", "--root", "file:///lake", "--manifests",
                      f"file:///lake/manifests/trades/{MONDAY}.json"],
                     "is the manifest of a window; name days", id="a window to compact"),
        pytest.param(["compact", "trades", "--root", "file:///lake", "--manifests",
                      f"file:///lake/manifests/rows/{MONDAY}.day.json"],
                     "belongs to feed rows, not to trades", id="another feed's day"),
        pytest.param(["compact", "trades", "--manifests", "file:///lake/x.day.json", "--slice",
                      "a=b"], "--manifests names slices and days already", id="days and a slice"),
        pytest.param(["compact", "trades", *HOUR[:2]], "--end is missing", id="half a range"),
        pytest.param(["convert", "--root", "file:///lake",
                      f"file:///lake/manifests/trades/{MONDAY}.day.json"],
                     "is the manifest of a day; to compact it, use `compact trades --manifests ",
                     id="a day to convert"),
        pytest.param(["extract", "trads", *HOUR], "unknown feed 'trads'; the command `feeds` "
                     "lists them; did you mean 'trades'?",
                     id="unknown feed"),
        pytest.param(["extract", "trades", "--start", "now", "--end", "2026-11-22"],
                     "--start: 'now' is not a time; write it as ", id="no time"),
        pytest.param(["extract", "trades", "--start", "2026-11-22", "--end", "2026-11-22"],
                     "is not after start", id="no interval"),
        pytest.param(["extract", "trades", *HOUR, "--slice", "symbol"],
                     "--slice symbol: write it as symbol=BTCUSDT", id="no value"),
        pytest.param(["extract", "trades", *HOUR, "--slice", "=x"],
                     "--slice =x: write it as symbol=BTCUSDT", id="no name"),
        pytest.param(["extract", "trades", *HOUR, "--slice", "pair=X"],
                     "trades: invalid slice 'pair=X'; expected symbol=VALUE", id="another name"),
        pytest.param(["extract", "trades", *HOUR, "--slice", "symbol=A", "--slice", "symbol=B"],
                     "'symbol=A,symbol=B'; expected symbol=VALUE", id="a name twice"),
        pytest.param(["extract", "trades", *HOUR, "--slice", "symbol=btcusdt"],
                     "symbol=btcusdt differs from symbol=BTCUSDT by case only", id="another case"),
        pytest.param(["extract", "trades", *HOUR, "--root", "/tmp/lake"],  # noqa: S108
                     "root '/tmp/lake': use file:///folder", id="no root"),
        pytest.param(["extract", "trades", *HOUR, "--root", "s3://k3y:s3cret@bucket"],
                     "root: a URI with credentials or options is refused", id="a key in the root"),
        pytest.param(["extract", "trades", *HOUR, "--base-url", "localhost:8900"],
                     "check the base URL", id="no base URL"),
        pytest.param(["convert", "x.json", "--cap", "lots"], "--cap: 'lots' is not a size; write",
                     id="no size"),
        pytest.param(["convert", "file:///elsewhere/x.json"], "name its root with --root",
                     id="another lake's manifest"),
    ],
)  # fmt: skip
def test_a_wrong_call_ends_with_two(tmp_path, capsys, monkeypatch, argv, message):
    """One line that says what would be right; no request is sent, nothing is written."""
    feed_file(tmp_path / "feeds")
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("TICKLAKE_ROOT", f"file://{tmp_path}/lake")
    assert main(argv) == 2
    output = capsys.readouterr()
    [line] = [line for line in output.err.splitlines() if line.startswith("ticklake: ")]
    assert message in line
    assert output.out == ""
    assert "s3cret" not in output.err
    assert not (tmp_path / "lake").exists()


def test_arguments_win_over_settings():
    """What is left out comes from the settings; an argument that a command lacks stays away."""
    settings = Settings(root_uri="s3://bucket/lake", base_url="http://127.0.0.1:1")
    args = argparse.Namespace(root="file:///lake", cap=None)
    arguments.apply_settings(args, settings)
    assert vars(args) == {
        "root": "file:///lake", "cap": settings.cap_bytes, "settings": settings,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("base_url", "hosts", "expected"),
    [
        pytest.param(None, None, "http://setting", id="the setting"),
        pytest.param("http://option", "", "http://option", id="the option"),
        pytest.param("http://option", "other.example", "http://option", id="whatever the hosts"),
        pytest.param(None, "other.example", None, id="another host"),
    ],
)
def test_the_base_url_of_a_feed_is_the_options_or_the_settings(base_url, hosts, expected):
    """The setting may be for some hosts only; an option is for the feed that it comes with."""
    settings = Settings(base_url="http://setting", base_url_hosts=hosts)
    args = argparse.Namespace(base_url=base_url, settings=settings)
    assert arguments.base_url_for(args, loader.load("binance_klines", {})) == expected


def test_a_slice_is_read_from_its_pairs():
    """In their order; a value may hold an equals sign."""
    assert arguments.parse_slice(["symbol=BTCUSDT", "filter=a=b"]).values == (
        ("symbol", "BTCUSDT"),
        ("filter", "a=b"),
    )


def test_units_are_those_of_the_range_and_the_slice(tmp_path):
    """Every window that the range touches."""
    feed = loader.read_feed(feed_file(tmp_path))
    args = argparse.Namespace(
        slice=["symbol=BTCUSDT"], start="2026-11-22T04:30", end="2026-11-22T06:00Z"
    )
    names = [unit.window.name[9:13] for unit in arguments.planned_units(args, feed)]
    assert names == ["0400", "0500"]
