"""Addresses: what they may be, and which files a window has."""

from __future__ import annotations

import pytest

from include.ticklake.errors import UsageError
from include.ticklake.feed.file_address import (
    addresses,
    check_address,
    check_value,
    render_address,
)
from include.ticklake.model.window import Window

DAY = Window.parse("20241231T000000Z-20250101T000000Z")
WEEK = Window.parse("20241226T000000Z-20250102T000000Z")


@pytest.mark.parametrize("address", [
    "https://data.example.com/{symbol}/{symbol}-{date}.zip", "http://localhost:8080/a.csv",
    "s3://bucket/{year}/{month}/{day}.csv.gz", "file:///data/{date}.csv",
    "file:///old data/100%/{date}.csv", "s3://bucket/all trades/{date}.csv",
])  # fmt: skip
def test_an_address_may_be_of_the_web_a_bucket_or_a_disk(address):
    """As it is written."""
    assert check_address(address) == address


@pytest.mark.parametrize("address", [
    "data/{date}.csv", "ftp://host/a.csv", "https://{symbol}.example.com/a.csv",
    "https://user:pass@host/a.csv", "https://host/a.csv?key=1", "https://host/a.csv#x",
    "https://host", "https://host/../a.csv", "s3:///key", "s3://key@bucket/a.csv",
    "file://host/a.csv", "file:///data/../etc/passwd", "https://[host/a.csv", "s3://bucket/",
    "https://host/all trades.csv",
])  # fmt: skip
def test_other_addresses_are_refused(address):
    """None with a login, a host that a slice chooses, or dots."""
    with pytest.raises(ValueError, match=r".+"):
        check_address(address)


def of(address: str, window: Window, **values: str) -> list[str]:
    return [found for [found] in addresses([address], values, window)]


def test_a_window_has_the_files_of_its_time():
    """Each once."""
    assert of("https://h/{year}-{month}-{day}.csv", DAY) == ["https://h/2024-12-31.csv"]
    assert len(of("https://h/{date}/{hour}.csv", DAY)) == 24
    assert of("https://h/{year}{month}.csv", WEEK) == [
        "https://h/202412.csv",
        "https://h/202501.csv",
    ]
    assert of("s3://b/{start_ms}.csv", DAY) == [f"s3://b/{DAY.start_ms}.csv"]
    assert of("s3://b/all.csv", WEEK) == ["s3://b/all.csv"]


def test_what_is_beside_a_file_has_the_same_values():
    """Its checksum is for the same slice and time."""
    templates = ["s3://b/{symbol}/{date}.zip", "s3://b/{symbol}/{date}.zip.md5"]
    assert list(addresses(templates, {"symbol": "X"}, DAY)) == [
        ["s3://b/X/2024-12-31.zip", "s3://b/X/2024-12-31.zip.md5"]
    ]


@pytest.mark.parametrize("scheme", ["https://h", "s3://b", "file://"])
@pytest.mark.parametrize("value", ["..", ".", "", "%2e%2e"])
def test_no_value_leads_to_another_folder(scheme, value):
    """By dots, or by being nothing."""
    address = f"{scheme}/{{symbol}}/a.csv"
    if value == "%2e%2e":
        assert "%252e%252e" in render_address(address, {"symbol": value}) or scheme != "https://h"
        return
    with pytest.raises(UsageError, match="another folder"):
        render_address(address, {"symbol": value})


def test_a_slash_in_a_value_is_escaped_or_refused():
    """Where it can be."""
    assert render_address("https://h/{s}.csv", {"s": "A/B"}) == "https://h/A%2FB.csv"
    for address in ("s3://b/{s}.csv", "file:///{s}.csv"):
        for value in ("A/B", "..\\B"):
            with pytest.raises(UsageError, match="another folder"):
                render_address(address, {"s": value})


@pytest.mark.parametrize("address", [
    "https://h/{symbol}/{date}.csv", "https://h/{symbol}/{start:%Y/%m}.csv",
    "https://h/{start@Asia/Seoul:%Y%m%d%H}/{symbol}/{last_date}.csv",
])  # fmt: skip
def test_a_value_is_checked_in_its_place(address):
    """Beside times of any form."""
    check_value(address, "symbol", "BTC/USDT")
    with pytest.raises(UsageError, match="another folder"):
        check_value(address, "symbol", "..")


def test_a_window_is_written_as_in_requests():
    """Its edges in any format, with folders if the format has slashes; one file a window."""
    month = Window.parse("20240201T000000Z-20240301T000000Z")
    assert of("https://h/{start:%Y/%m}/a_{end_s}.zip", month) == [
        "https://h/2024/02/a_1709251200.zip"
    ]
    assert of("s3://b/{start:%b-%y}/{last:%d%H%M}.csv", month) == ["s3://b/Feb-24/292359.csv"]
    assert of("file:///d/{start_date}_{start_min}.csv", month) == [
        "file:///d/2024-02-01_28445760.csv"
    ]
    assert len(of("https://h/{start:%Y%m}/{date}.csv", month)) == 29
