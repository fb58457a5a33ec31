"""The code of docs/how-to/web-page.md, run in a browser by a page from another origin."""

from __future__ import annotations

import json
import re

import pytest

from include.ticklake.lake import layout
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.unit import Unit
from include.ticklake.publish import latest
from tests.conftest import REPOSITORY
from tests.support import staged_factory
from tests.support.servers.http import HttpServer
from tools.servers.s3 import Bucket

playwright = pytest.importorskip("playwright.sync_api")

pytestmark = [pytest.mark.s3, pytest.mark.usefixtures("made")]

PAGE = (REPOSITORY / "docs" / "how-to" / "web-page.md").read_text(encoding="utf-8")
ODD = staged_factory.Slice.of({"symbol": "BTC/USD 100%=ü"})
"""A slice whose key has percent signs in it."""

LONG_ID, LONG_PRICE = "9007199254740993", "0.10000000000000000001"


def block(kind: str, *, having: str) -> str:
    """The one block of the page of this *kind* that has this text in it."""
    found = re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (one,) = [text for text in found if having in text]
    return one


@pytest.fixture
def storage(s3: Bucket) -> Storage:
    return Storage.open(s3.root, s3.environment)


@pytest.fixture
def made(storage) -> Manifest:
    """A window with a record that a double cannot hold, and its ``latest.json``."""
    records = [staged_factory.record(number) for number in range(3)]
    records.append(
        f'{{"n":{LONG_ID},"p":{LONG_PRICE},"s":"№ 4","t":{staged_factory.WINDOW.end_ms - 1}}}'
    )
    work = Unit(slice=ODD, window=staged_factory.WINDOW)
    made = staged_factory.stage(staged_factory.feed(), [records], storage=storage, unit=work)
    assert latest.write(staged_factory.feed(), ODD, storage=storage, max_rows=2)
    return made


@pytest.fixture
def presigned(s3, monkeypatch):
    """What the page's Python makes of a key."""
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)

    def url_of(key: str) -> str:
        code = block("python", having="presigned")
        wanted = re.search(r'"Bucket": "(.*?)", "Key": "(.*?)"', code)
        code = code.replace(wanted[1], s3.name, 1).replace(wanted[2], f"lake/{key}", 1)
        names: dict[str, object] = {}
        exec(code, names)  # noqa: S102 - the documentation's own code
        return str(names["url"])

    return url_of


@pytest.fixture
def page(browser, http_server: HttpServer, presigned) -> playwright.Page:
    """The page of the documentation, on a server of its own: an origin that is not the lake's."""
    shown = block("html", having="lake.js")
    shown = re.sub(
        r'load\("https:[^"]*"\)', f'load("{presigned(layout.latest_key("made_up", ODD))}")', shown
    )
    http_server.answer("/", shown.encode(), headers={"Content-Type": "text/html; charset=utf-8"})
    http_server.answer(
        "/lake.js",
        block("js", having="export").encode(),
        headers={"Content-Type": "text/javascript"},
    )
    opened = browser.new_page()
    opened.set_default_timeout(15_000)
    opened.goto(http_server.url)
    return opened


def called(page: playwright.Page, function: str, *arguments: str) -> object:
    """What *function* of ``lake.js`` gives, with big integers as ``123n``."""
    return page.evaluate(
        """async ([name, given]) => JSON.stringify(
            await (await import("/lake.js"))[name](...given),
            (key, value) => typeof value === "bigint" ? `${value}n` : value)""",
        [function, arguments],
    )


def test_a_page_shows_the_last_price_of_the_lake(page):
    """``latest.json``, presigned, from another origin."""
    page.wait_for_function("document.querySelector('#price').value !== ''")
    assert page.locator("#price").text_content() == "0.1"  # a double has no more: see below


def test_a_page_reads_a_part_as_it_is(page, presigned, made):
    """Its gzip is undone by the browser; names and texts are the source's own."""
    records = json.loads(called(page, "load", presigned(made.json.parts[0].key)))
    assert [one["s"] for one in records] == ["№ 0", "№ 1", "№ 2", "№ 4"]
    assert records[1] == json.loads(staged_factory.record(1))


@pytest.mark.parametrize("name", ["latest.json", "a part"])
def test_no_digit_is_lost_in_a_page(page, presigned, made, name):
    """A long integer is a BigInt, a fraction that a double would change is text."""
    key = layout.latest_key("made_up", ODD) if name == "latest.json" else made.json.parts[0].key
    exact = json.loads(called(page, "loadExact", presigned(key)))
    rounded = json.loads(called(page, "load", presigned(key)))
    if name == "latest.json":
        exact, rounded = exact["records"], rounded["records"]
    assert (exact[-1]["n"], exact[-1]["p"]) == (f"{LONG_ID}n", LONG_PRICE)
    assert (rounded[-1]["n"], rounded[-1]["p"]) == (int(LONG_ID) - 1, 0.1)


def test_the_address_of_a_key_names_the_object(page, presigned, made):
    """``latest.json`` names parts by key; a percent sign in a key is one."""
    found = json.loads(called(page, "load", presigned(layout.latest_key("made_up", ODD))))
    (key,) = found["parts"]
    assert key == made.json.parts[0].key
    assert "%2F" in key
    signed = presigned(key).partition("?")[0]
    root = signed.partition("/lake/")[0] + "/lake"
    assert json.loads(called(page, "address", root, key)) == signed


def test_what_may_not_be_read_is_an_error_with_its_status(page, presigned, made):
    """With a signature that is another object's; the error does not show it."""
    url = presigned(made.json.parts[0].key)
    other = presigned(layout.latest_key("made_up", ODD))
    with pytest.raises(playwright.Error, match="HTTP 403") as refused:
        called(page, "load", url.partition("?")[0] + "?" + other.partition("?")[2])
    assert "Signature" not in str(refused.value)
