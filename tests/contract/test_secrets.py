"""No login shows anywhere: not in output, logs, files, addresses, errors, nor a process list.

Canaries stand in for logins. Extractions run as processes of their own, well and badly, and
everything that they leave or show is searched for every form that a canary can take.
"""

from __future__ import annotations

import base64
import gzip
import json
import logging
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from include.ticklake.errors import TicklakeError
from include.ticklake.extract import extract
from include.ticklake.feed import loader, plan
from include.ticklake.lake.storage import Storage
from include.ticklake.model.window import parse_instant
from include.ticklake.sources import auth
from include.ticklake.sources.auth import Credentials, RequestSecrets
from include.ticklake.sources.http.transport import HttpRequest
from include.ticklake.sources.retries import SourceRetryPolicy
from include.ticklake.sources.sql import engines
from tests.conftest import REPOSITORY
from tests.support.servers.http import HttpServer, ReceivedRequest, Reply

USER, CANARY = "canary-user", "s3cr3t/Canary+42="
PAIR = f"{USER}:{CANARY}".encode()

START, END = "2026-11-22T05:00:00Z", "2026-11-22T06:00:00Z"

FORMS = {
    CANARY,
    quote(CANARY, safe=""),
    quote_plus(CANARY),
    json.dumps(CANARY)[1:-1],
    base64.b64encode(PAIR).decode(),
    base64.b64encode(CANARY.encode()).decode(),
}

RECORDS = [{"id": 1, "t": 1_795_323_600_000}, {"id": 2, "t": 1_795_323_600_001}]

FEED = """
source:
  kind: http
  base_url: "{url}"
  path: /rows
  paging: {{kind: page, page_rows: 2}}
  errors: {{code: code, message: message, ok: ["0"]}}
  auth: {auth}
limits: {{max_wait_s: 0.1, read_timeout_s: 5}}
fields:
  id: {{type: int64, key: true}}
  at: {{from: t, type: timestamp, unit: ms, event_time: true}}
"""

AUTHS = [
    pytest.param("{kind: header, name: X-Api-Key, connection: acme}", id="header"),
    pytest.param("{kind: query, name: apikey, connection: acme}", id="query"),
    pytest.param("{kind: query, name: k, connection: acme}", id="query, an innocent name"),
    pytest.param("{kind: basic, connection: acme}", id="basic"),
    pytest.param("{kind: bearer, connection: acme}", id="bearer"),
    pytest.param(
        "{kind: sign, signer: 'tests.contract.test_secrets:sign', connection: acme}", id="sign"
    ),
]


def sign(login: Credentials, path: str, params: object) -> RequestSecrets:  # noqa: ARG001
    """A signature that holds the secret, as a careless one would."""
    return RequestSecrets(params={"sig": login.secret}, headers={"X-Sign": login.secret})


def echo(asked: ReceivedRequest) -> str:
    """All that the server was told, as careless servers repeat it."""
    return f"{CANARY} {asked.params} {asked.headers}"


ANSWERS: dict[str, Callable[[ReceivedRequest], Reply]] = {
    "well": lambda asked: Reply(
        body=json.dumps(RECORDS[:1] if asked.params["page"] == "1" else []).encode()
    ),
    "401": lambda asked: Reply(status=401, body=json.dumps({"message": echo(asked)}).encode()),
    "403 in plain text": lambda asked: Reply(status=403, body=echo(asked).encode()),
    "429": lambda asked: Reply(
        status=429,
        headers={"Retry-After": "3600", "X-Echo": CANARY},
        body=json.dumps({"msg": echo(asked)}).encode(),
    ),
    "an error in a 200": lambda asked: Reply(
        body=json.dumps({"code": "10003", "message": echo(asked), "data": []}).encode()
    ),
    "a code in a 200": lambda asked: Reply(body=json.dumps({"code": echo(asked)}).encode()),
    "no JSON": lambda asked: Reply(body=f"<html>{echo(asked)}".encode()),
    "names of the body": lambda asked: Reply(body=json.dumps({echo(asked): 1}).encode()),
    "another host": lambda _: Reply(
        status=302, headers={"Location": f"https://a.example/?k={quote(CANARY)}"}
    ),
    "a redirect here": lambda _: Reply(
        status=302, headers={"Location": f"/rows?token={quote(CANARY)}"}
    ),
}


class WatchedCommand:
    """Runs commands, keeps what they showed, and looks at the process list while they run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shown = ""
        self.listed: set[str] = set()

    @property
    def root(self) -> str:
        return (self.folder / "lake").as_uri()

    def look(self) -> None:
        """Remember every argument of every process of now."""
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                self.listed.add(path.read_bytes().decode(errors="replace"))
            except OSError:  # it has ended
                continue

    def run(self, feed: str, **env: str) -> int:
        """Extract in a process of its own; its exit code."""
        done = subprocess.run(
            [sys.executable, "-m", "include.ticklake", "--verbose", "extract", feed,
             "--root", self.root, "--start", START, "--end", END],
            cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False,
            env=os.environ | {"TICKLAKE_FEEDS": str(self.folder / "feeds")} | env,
        )  # fmt: skip
        self.shown += done.stdout + done.stderr
        return done.returncode

    def attempt(self, feed: str, env: dict[str, str]) -> bool:
        """Extract in this process, without waits; whether that went well."""
        works = plan.plan_units(
            found := loader.read_feed(self.folder / "feeds" / f"{feed}.yaml"),
            start=parse_instant(START), end=parse_instant(END),
        )  # fmt: skip
        try:
            done = extract.extract(
                found,
                next(iter(works)),
                storage=Storage.open(self.root, {}),
                lookup=partial(auth.credentials_from_env, env=env),
                connect=partial(engines.engine_from_env, env=env),
                patience=SourceRetryPolicy(max_attempts=2, sleep=lambda _: None),
            )
        except TicklakeError as wrong:
            self.shown += f"{traceback.format_exc()}{wrong!r}{wrong.__cause__!r}"
            return False
        self.shown += f"{done!r}{done.summary()}"
        return True

    def everything(self) -> Iterator[tuple[str, str]]:
        """Where and what: outputs, arguments, names and contents of files."""
        yield "output", self.shown
        yield "process list", "\n".join(self.listed)
        for path in self.folder.rglob("*"):
            yield "a file's name", str(path)
            if path.is_file():
                body = path.read_bytes()
                body = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
                yield str(path), body.decode(errors="replace")


@pytest.fixture
def watched(tmp_path, caplog: pytest.LogCaptureFixture) -> Iterator[WatchedCommand]:
    """A folder with feeds and lake, and all that is seen of the commands in it."""
    (tmp_path / "feeds").mkdir()
    caplog.set_level(logging.DEBUG)
    one = WatchedCommand(tmp_path)
    yield one
    one.shown += caplog.text
    assert found(one) == []


def found(watched: WatchedCommand) -> list[str]:
    """Where a canary shows, and in which form."""
    return [
        f"{form} in {where}: {text[max(0, text.index(form) - 80) :][:200]}"
        for where, text in watched.everything()
        for form in FORMS
        if form in text
    ]


@pytest.mark.parametrize("auth", AUTHS)
def test_no_login_of_an_api_shows_however_it_answers(
    http_server: HttpServer, watched: WatchedCommand, auth: str
):
    """Also where the source repeats in its error what it was sent."""
    (watched.folder / "feeds" / "acme.yaml").write_text(FEED.format(url=http_server.url, auth=auth))
    uri = f"https://{USER}:{quote(CANARY, safe='')}@acme.example"
    for name, answer in ANSWERS.items():

        def answered(
            asked: ReceivedRequest, answer: Callable[[ReceivedRequest], Reply] = answer
        ) -> Reply:
            watched.look()
            return answer(asked)

        http_server.answer_by("/rows", answered)
        assert watched.attempt("acme", {"AIRFLOW_CONN_ACME": uri}) == (name == "well"), name
        if name in ("well", "401"):
            assert (watched.run("acme", AIRFLOW_CONN_ACME=uri) == 0) == (name == "well")
    sent = [f"{asked.params} {asked.headers}" for asked in http_server.asked]
    assert any(form in told for form in FORMS for told in sent), "the login was never sent"
    assert any("acme" in arguments for arguments in watched.listed), "no process was seen"


def test_an_address_that_repeats_the_login_is_followed_without_it(
    http_server: HttpServer, watched: WatchedCommand
):
    """Nor is it kept for a retry: the login is added anew to every request."""
    key = quote_plus(CANARY)
    feed = FEED.format(url=http_server.url, auth="{kind: query, name: k, connection: acme}")
    feed = feed.replace("{kind: page, page_rows: 2}", "{kind: next_url, url: next}")
    feed = feed.replace("  path: /rows", "  path: /rows\n  records: data\n  capture: {next: next}")
    (watched.folder / "feeds" / "acme.yaml").write_text(f"{feed}part_bytes: 10\n")
    pages = [{"data": [RECORDS[n - 1]], "next": f"/rows?at={n}&k={key}"} for n in (1, 2)]
    replies = [Reply(body=json.dumps(page).encode()) for page in pages]
    http_server.answer_in_turn("/rows", *replies, Reply(status=500))
    env = {"AIRFLOW_CONN_ACME": f"https://{USER}:{quote(CANARY, safe='')}@acme.example"}
    assert not watched.attempt("acme", env)
    assert list(watched.folder.rglob("progress.json")), "nothing was kept"
    http_server.answer("/rows", b'{"data": []}')
    assert watched.attempt("acme", env)
    assert http_server.asked[-1].params == {"at": "2", "k": CANARY}


@pytest.mark.parametrize(
    "connection",
    [
        pytest.param(f"{{'password': '{CANARY}'", id="half of JSON"),
        pytest.param(f"https://{USER}:{CANARY}@[acme", id="half of an address"),
        pytest.param("", id="none"),
    ],
)
def test_no_login_shows_that_cannot_be_read(watched: WatchedCommand, connection: str):
    """What is wrong with it is said without it."""
    (watched.folder / "feeds" / "acme.yaml").write_text(
        FEED.format(url="http://127.0.0.1:1", auth="{kind: bearer, connection: acme}")
    )
    assert not watched.attempt("acme", {"AIRFLOW_CONN_ACME": connection})
    assert watched.run("acme", AIRFLOW_CONN_ACME=connection) in (2, 3)


def test_no_password_of_a_database_shows_however_it_answers(
    postgresql, mariadb, watched: WatchedCommand, tmp_path
):
    """Well, with a wrong password, without a server, with a wrong query, as no URL."""
    (tmp_path / "feeds" / "shop.yaml").write_text(
        "source:\n  kind: sql\n  connection: shop\n  query: >-\n"
        "    SELECT 1 AS id, :start AS at WHERE :start < :end ORDER BY 1\n"
        "  timezone: UTC\n"
        "fields:\n  id: {type: int64, key: true}\n"
        "  at: {type: timestamp, unit: iso, event_time: true}\n"
    )
    canary = quote(CANARY, safe="")
    for url, well in [
        (postgresql.url("psycopg"), True),
        (postgresql.url("psycopg2"), True),
        (postgresql.url("psycopg").replace(postgresql.password, canary), False),
        (postgresql.url("psycopg2").replace(postgresql.password, canary), False),
        (mariadb.url("pymysql").replace(mariadb.password, canary), False),
        (f"postgresql+psycopg://{USER}:{canary}@127.0.0.1:1/shop", False),
        (f"postgres://{USER}:{canary}@127.0.0.1:port/shop", False),
        (f"nodialect+nodriver://{USER}:{canary}@127.0.0.1/shop", False),
        (canary, False),
    ]:
        assert watched.attempt("shop", {"AIRFLOW_CONN_SHOP": url}) == well, url
    assert watched.run("shop", AIRFLOW_CONN_SHOP=postgresql.url("psycopg")) == 0
    own = {postgresql.password, mariadb.password}
    assert not [where for where, text in watched.everything() for one in own if one in text]


def test_a_request_and_a_login_show_nothing_of_themselves():
    """In a debugger's view of an exception, or in a log of everything."""
    login = Credentials(user=USER, secret=CANARY)
    request = HttpRequest(
        url="https://acme.example/rows", params={"page": "1"}, headers={},
        secret_params={"k": CANARY}, secret_headers={"X": CANARY},
    )  # fmt: skip
    for shown in (repr(login), str(login), repr(request), str(request)):
        assert not [form for form in FORMS if form in shown]
