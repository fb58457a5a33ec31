"""The paging of a draft is tried: what brings other records is kept, anything else is told."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from include.ticklake.scaffold import probe
from include.ticklake.scaffold.second_page import MAX_DRAFTS
from tests.support.servers.http import HttpServer, Reply

FIRST_S = 1_795_323_600
DEALS = [{"id": f"d{n}", "at": FIRST_S + n, "rate": f"{n}.50"} for n in range(40)]


class DealsApi:
    """Pages of ten deals by a cursor in the parameter that it is given as."""

    def __init__(self, server: HttpServer, *, param: str, status: int = 200) -> None:
        self._param, self._status = param, status
        self.url = f"{server.url}/v3/deals?pair=BTC-EUR"
        server.answer_by("/v3/deals", self.reply)

    def reply(self, asked) -> Reply:
        cursor = asked.params.get(self._param)
        if cursor and self._status != 200:
            return Reply(body=b'{"error": "no cursors today"}', status=self._status)
        begin = int(cursor or 0)
        following = str(begin + 10) if begin + 10 < len(DEALS) else None
        page = {"deals": DEALS[begin : begin + 10], "next_cursor": following}
        return Reply(body=json.dumps(page).encode())


def paging_of(draft: str) -> tuple[dict[str, object], str]:
    """The paging in the text of a draft, and the comment beside it."""
    line = next(line for line in draft.splitlines() if line.startswith("  paging: "))
    return yaml.safe_load(draft)["source"]["paging"], line.partition("  # ")[2]


@pytest.mark.parametrize("param", ["cursor", "page_token", "after"])
def test_the_name_of_a_cursor_is_found_by_asking(http_server: HttpServer, param):
    """The source sends its first page again for a name that it does not know."""
    paging, note = paging_of(probe.probe(DealsApi(http_server, param=param).url))
    assert paging == {"kind": "cursor", "param": param, "cursor": "next"}
    assert note == "seen working: a second page of 10 records came after one of 10"
    assert len(http_server.asked) <= 1 + 2 * MAX_DRAFTS


def test_a_paging_that_does_not_work_stays_a_guess(http_server: HttpServer):
    """Its comment says what came instead; only so many requests are sent."""
    paging, note = paging_of(probe.probe(DealsApi(http_server, param="unheard_of").url))
    assert paging["param"] == "cursor"
    assert note.startswith("guess: next_cursor in the body may be the next cursor; ")
    assert "repeats the previous page" in note
    assert len(http_server.asked) == 1 + 2 * MAX_DRAFTS


def test_a_second_page_that_is_refused_is_told(http_server: HttpServer):
    """With the source's own words, once."""
    _, note = paging_of(probe.probe(DealsApi(http_server, param="cursor", status=400).url))
    assert re.search(r"a second page did not come: .*HTTP 400.*no cursors today", note)


def test_only_the_url_is_asked_where_that_is_wished(http_server: HttpServer):
    """Or where its paging needs what a draft does not have: a login, a time to be chosen."""
    url = DealsApi(http_server, param="cursor").url
    paging, note = paging_of(probe.probe(url, asks_second_page=False))
    assert (paging["param"], note[:6]) == ("cursor", "guess:")
    assert len(http_server.asked) == 1
    probe.probe(f"{url}&api_key=canary")
    probe.probe(f"{url}&expires_on=01.02.2026&date=01.02.2026")
    assert len(http_server.asked) == 3


def test_records_by_time_are_asked_for_beyond_those_of_the_page(http_server: HttpServer):
    """The paging by time needs a window that has more than the page."""

    def reply(asked) -> Reply:
        start_s, end_s = int(asked.params["start"]), int(asked.params["end"])
        rows = [deal for deal in DEALS if start_s <= deal["at"] < end_s][:10]
        return Reply(body=json.dumps(rows).encode())

    http_server.answer_by("/v3/deals", reply)
    url = f"{http_server.url}/v3/deals?start={FIRST_S}&end={FIRST_S + 3600}&limit=10"
    paging, note = paging_of(probe.probe(url))
    assert paging["kind"] == "time_forward"
    assert note.startswith("seen working: a second page of 10 records")


def test_a_newest_page_that_moves_on_is_no_second_page(http_server: HttpServer):
    """A source that ignores the parameter has two new records by then, and eight old ones."""

    def reply(_) -> Reply:
        newest = 10 + 2 * len(http_server.asked)
        page = {"deals": DEALS[newest - 10 : newest][::-1], "next_cursor": str(newest)}
        return Reply(body=json.dumps(page).encode())

    http_server.answer_by("/v3/deals", reply)
    _, note = paging_of(probe.probe(f"{http_server.url}/v3/deals?cursor=7"))
    assert note.endswith("; but its second page has the first one's records")


def test_a_last_page_says_so(http_server: HttpServer):
    """It shows no paging; another page may."""
    page = {"deals": DEALS[:5], "next_cursor": None}
    http_server.answer("/v3/deals", json.dumps(page).encode())
    _, note = paging_of(probe.probe(f"{http_server.url}/v3/deals"))
    assert note.endswith("not seen working: the first page said that it is the last")
