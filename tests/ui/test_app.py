"""What holds for every page: who sees it, and what a browser is allowed to do with it."""

from __future__ import annotations

import pytest
import requests

pytestmark = pytest.mark.dag

ADDRESSES = ["", "no-such-page", "static/page.css", "static/page.js", "static/../app.py"]
CSP = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'self'",
}


@pytest.mark.parametrize("path", ADDRESSES)
def test_every_answer_forbids_what_is_not_ours(pages, path):
    """Inline scripts and styles, other hosts, being framed elsewhere, and guessing of types."""
    answer = pages.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert dict(part.strip().split(" ", 1) for part in policy.split(";")) == CSP
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_page_has_nothing_inline(pages):
    """The policy would refuse it, and the page would look broken."""
    text = pages.get("").text
    assert "<style" not in text
    assert " style=" not in text
    assert "<script>" not in text
    assert " onclick" not in text


def test_nobody_sees_a_page_without_logging_in(pages):
    """Airflow does not ask who is there on a plugin's behalf: the page does."""
    answer = requests.get(f"{pages.url}/ticklake/", timeout=60)
    assert answer.status_code == 401
    assert "kraken_trades" not in answer.text


def test_a_feed_is_shown_to_those_who_may_see_its_dag(pages):
    """And the others see the rest of them."""
    seen = {user: pages.get("", user).text for user in ("admin", "viewer", "apart")}
    shown = {user: ("kraken_trades" in text, "kraken_ohlc" in text) for user, text in seen.items()}
    assert shown == {"admin": (True, True), "viewer": (True, True), "apart": (False, True)}


def test_files_are_checked_again_and_pages_are_never_stored(pages):
    """A changed style is seen at once, and nothing of a page is left in a shared browser."""
    file = pages.get("static/page.css")
    assert file.headers["Cache-Control"] == "no-cache"
    with pages.session("admin") as session:
        again = session.get(file.url, headers={"If-None-Match": file.headers["ETag"]}, timeout=60)
    assert again.status_code == 304
    assert pages.get("").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_no_page_changes_anything(pages, method):
    """Whatever another site makes a browser send to them."""
    with pages.session("admin") as session:
        answer = session.request(method, f"{pages.url}/ticklake/", timeout=60)
    assert answer.status_code == 405
