"""No login shows anywhere: not in output, logs, files, addresses, errors, nor a process list.

Canaries stand in for logins. Extractions run well and badly, in this process and in ones of their
own, and everything that they leave or show is searched for every spelling of a canary.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.ticklake.redaction import masking
from include.ticklake.sources.auth import Credentials, RequestSecrets
from include.ticklake.sources.http.transport import HttpRequest
from tests.support.secret_watch import (
    CANARY,
    CONNECTION,
    FEED,
    RECORDS,
    USER,
    SecretWatch,
    spellings_of,
    text_of,
)
from tests.support.servers.http import HttpServer, ReceivedRequest, Reply
from tests.support.spellings import SPELLINGS

BY_QUERY = "{kind: query, name: k, connection: acme}"
AUTHS = [
    pytest.param("{kind: header, name: X-Api-Key, connection: acme}", id="header"),
    pytest.param("{kind: query, name: apikey, connection: acme}", id="query"),
    pytest.param(BY_QUERY, id="query, an innocent name"),
    pytest.param("{kind: basic, connection: acme}", id="basic"),
    pytest.param("{kind: bearer, connection: acme}", id="bearer"),
    pytest.param(
        "{kind: header, headers: {X-K: '{login}', X-S: '{password}'}, connection: acme}",
        id="two headers",
    ),
    pytest.param(
        "{kind: sign, signer: 'tests.contract.test_secrets:sign', connection: acme}", id="sign"
    ),
]


def sign(login: Credentials, path: str, params: object) -> RequestSecrets:  # noqa: ARG001
    """A signature that holds the secret, as a careless one would."""
    return RequestSecrets(params={"sig": login.secret}, headers={"X-Sign": login.secret})


def sign_with_user(login: Credentials, path: str, params: object) -> RequestSecrets:  # noqa: ARG001
    """The login is a key, and sent as it is; the secret never is."""
    return RequestSecrets(params={"apiKey": login.user, "sig": f"of {path}"})


def following_feed(url: str, auth: str) -> str:
    """A feed whose source names the next page's address, and a part for each page."""
    feed = FEED.format(url=url, auth=auth)
    feed = feed.replace("{kind: page, page_rows: 2}", "{kind: next_url, url: next}")
    feed = feed.replace("  path: /rows", "  path: /rows\n  records: data\n  capture: {next: next}")
    return f"{feed}part_bytes: 10\n"


def as_json(**values: object) -> bytes:
    return json.dumps(values).encode()


def printable(text: str) -> str:
    """*text* as a header can hold it."""
    return text.encode("ascii", "backslashreplace").decode()


ANSWERS: dict[str, Callable[[str], Reply]] = {
    "401": lambda said: Reply(status=401, body=as_json(message=said)),
    "403 in plain text": lambda said: Reply(status=403, body=said.encode()),
    "404 in HTML": lambda said: Reply(status=404, body=f"<p title='{said}'>{said}".encode()),
    "429": lambda said: Reply(
        status=429,
        headers={"Retry-After": "3600", "X-Echo": printable(said)},
        body=as_json(msg=f"slow down {said}"),
    ),
    "500": lambda said: Reply(status=500, body=as_json(error={"detail": [said]})),
    "an error in a 200": lambda said: Reply(body=as_json(code="10003", message=said, data=[])),
    "a code in a 200": lambda said: Reply(body=as_json(code=said)),
    "a code as a name": lambda said: Reply(body=as_json(code={said: said})),
    "no JSON": lambda said: Reply(body=f"<html>{said}".encode()),
    "half of JSON": lambda said: Reply(body=f'[{{"{said}'.encode()),
    "names of the body": lambda said: Reply(body=as_json(**{said: [1]})),
    "plain values": lambda said: Reply(body=json.dumps([said]).encode()),
    "a type of its own": lambda said: Reply(
        headers={"Content-Type": f"text/{printable(said)}"}, body=b"<"
    ),
    "a charset of its own": lambda said: Reply(
        headers={"Content-Type": f"application/json; charset={printable(said)}"}, body=b'["\xff"]'
    ),
    "an odd encoding": lambda said: Reply(headers={"Content-Encoding": printable(said)}),
    "another host": lambda said: Reply(
        status=302, headers={"Location": f"https://a.example/{quote(said)}?k={quote(said)}"}
    ),
    "another host's login": lambda said: Reply(
        status=302, headers={"Location": f"https://me:{printable(said)}@a.example/"}
    ),
    "a redirect here": lambda said: Reply(
        status=302, headers={"Location": f"/rows?token={quote(said)}"}
    ),
}


@pytest.fixture
def watch(tmp_path, caplog: pytest.LogCaptureFixture) -> Iterator[SecretWatch]:
    """A folder with feeds and lake, and all that is seen of the commands in it."""
    caplog.set_level(logging.DEBUG)
    one = SecretWatch(tmp_path)
    yield one
    one.shown += caplog.text
    assert one.found() == []


@pytest.mark.parametrize("auth", AUTHS)
def test_no_login_of_an_api_shows_however_it_answers(
    http_server: HttpServer, watch: SecretWatch, auth: str
):
    """Also where the source repeats in its error what it was sent."""
    watch.add_feed(FEED.format(url=http_server.url, auth=auth))
    received = []

    def refused(asked: ReceivedRequest) -> Reply:
        watch.look()
        received.append(f"{asked.params} {asked.headers}")
        return ANSWERS["401"](f"{CANARY} {received[-1]}")

    def answered(asked: ReceivedRequest) -> Reply:
        return Reply(body=json.dumps(RECORDS[:1] if asked.params["page"] == "1" else []).encode())

    http_server.answer_by("/rows", refused)
    assert not watch.attempt()
    assert watch.extract(AIRFLOW_CONN_ACME=CONNECTION) != 0
    http_server.answer_by("/rows", answered)
    assert watch.attempt()
    assert watch.extract(AIRFLOW_CONN_ACME=CONNECTION) == 0
    spellings = spellings_of(CANARY).values()
    assert any(spelled in sent for spelled in spellings for sent in received), "it was never sent"
    assert any("acme" in arguments for arguments in watch.listed), "no process was seen"


@pytest.mark.parametrize("spelling", spellings_of(CANARY))
def test_no_spelling_of_a_login_shows_however_a_source_repeats_it(
    http_server: HttpServer, watch: SecretWatch, spelling: str
):
    """In bodies of every kind, in headers, in addresses."""
    said = spellings_of(CANARY)[spelling]
    watch.add_feed(FEED.format(url=http_server.url, auth=BY_QUERY))
    for name, answer in ANSWERS.items():
        http_server.answer_in_turn("/rows", answer(f"no {said}!"))
        assert not watch.attempt(), name


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=0x24F), min_size=8, max_size=40),
    spelling=st.sampled_from(sorted(SPELLINGS)),
    answer=st.sampled_from(["401", "403 in plain text", "an error in a 200", "names of the body"]),
)
def test_no_login_of_any_characters_shows(
    http_server: HttpServer, watch: SecretWatch, secret: str, spelling: str, answer: str
):
    """Secrets, spellings and answers that nobody thought of together."""
    masking.forget_all()
    watch.shown = ""
    watch.add_feed(FEED.format(url=http_server.url, auth=BY_QUERY))
    said = SPELLINGS[spelling](secret)
    http_server.answer_in_turn("/rows", ANSWERS[answer](f"<{said}>"))
    env = {"AIRFLOW_CONN_ACME": json.dumps({"conn_type": "http", "password": secret})}
    assert not watch.attempt(env=env)
    assert said not in watch.shown
    assert secret not in watch.shown


@pytest.mark.parametrize("spelling", spellings_of(CANARY))
def test_no_spelling_of_a_login_is_stored(
    http_server: HttpServer, watch: SecretWatch, spelling: str
):
    """In the address of the next page: its query, its path; nor with the place to resume at."""
    said = quote(spellings_of(CANARY)[spelling], safe="/%")
    watch.add_feed(following_feed(http_server.url, BY_QUERY))
    for number, following in enumerate((f"/rows/{said}/2", f"/rows?at=2&q={said}", "/rows?at=2")):
        bodies = [as_json(data=[record], next=following) for record in RECORDS]
        for path in ("/rows", f"/rows/{said}/2"):
            http_server.answer(path, bodies[1])
        http_server.answer_in_turn("/rows", Reply(body=bodies[0]), Reply(status=500))
        if number == 0:  # an address with the login in its path is asked for all the same
            http_server.answer(f"/rows/{said}/2", b"no", status=500)
        assert not watch.attempt()
        assert watch.found() == []
    assert [*watch.folder.rglob("progress.json")], "nothing was kept"


def test_an_address_that_repeats_the_login_is_followed_without_it(
    http_server: HttpServer, watch: SecretWatch
):
    """Nor is it kept for a retry: the login is added to every request as it is sent."""
    watch.add_feed(following_feed(http_server.url, BY_QUERY))
    following = [f"/rows?at={n}&k={quote(CANARY, safe='')}" for n in (1, 2)]
    replies = [
        Reply(body=as_json(data=[record], next=after))
        for record, after in zip(RECORDS, following, strict=True)
    ]
    http_server.answer_in_turn("/rows", *replies, Reply(status=500))
    assert not watch.attempt()
    assert [*watch.folder.rglob("progress.json")], "nothing was kept"
    http_server.answer("/rows", b'{"data": []}')
    assert watch.attempt()
    assert http_server.asked[-1].params == {"at": "2", "k": CANARY}


def test_a_retry_starts_over_where_the_next_address_has_the_login_in_its_path(
    http_server: HttpServer, watch: SecretWatch
):
    """Every record is there once; the address was followed, and never stored."""
    watch.add_feed(following_feed(http_server.url, BY_QUERY))
    following = f"/rows/{quote(CANARY, safe='')}/2"
    http_server.answer("/rows", as_json(data=RECORDS[:1], next=following))
    http_server.answer(following, b"no", status=500)
    assert not watch.attempt()
    http_server.answer(following, as_json(data=RECORDS[1:]))
    assert watch.attempt()
    assert [asked.path for asked in http_server.asked][-2:] == ["/rows", following]
    parts = [text_of(path) for path in (watch.folder / "lake" / "json").rglob("*.gz")]
    assert sorted(record["id"] for part in parts for record in json.loads(part)) == [1, 2]


def test_a_key_without_a_secret_is_one_and_so_is_what_a_signer_adds(
    http_server: HttpServer, watch: SecretWatch
):
    """Neither is stored with the address of the next page, which repeats them."""
    for auth in (
        "{kind: basic, connection: acme}",
        "{kind: sign, signer: 'tests.contract.test_secrets:sign_with_user', connection: acme}",
    ):
        watch.add_feed(following_feed(http_server.url, auth))
        said = quote(CANARY, safe="")
        page = as_json(data=RECORDS[:1], next=f"/rows?at=1&apiKey={said}&q={said}")
        again = as_json(data=RECORDS[1:], next=f"/rows?at=2&apiKey={said}")
        http_server.answer_in_turn(
            "/rows", Reply(body=page), Reply(body=again), ANSWERS["500"](CANARY)
        )
        password = "other" if "sign" in auth else ""
        assert not watch.attempt(env={"AIRFLOW_CONN_ACME": f"https://{said}:{password}@acme"})
        assert [*watch.folder.rglob("progress.json")], "nothing was kept"


@pytest.mark.parametrize(
    "connection",
    [
        pytest.param(f"{{'password': '{CANARY}'", id="half of JSON"),
        pytest.param(f"https://{USER}:{CANARY}@[acme", id="half of an address"),
        pytest.param("", id="none"),
    ],
)
def test_no_login_shows_that_cannot_be_read(watch: SecretWatch, connection: str):
    """What is wrong with it is said without it."""
    watch.add_feed(FEED.format(url="http://127.0.0.1:1", auth="{kind: bearer, connection: acme}"))
    assert not watch.attempt(env={"AIRFLOW_CONN_ACME": connection})
    assert watch.extract(AIRFLOW_CONN_ACME=connection) in (2, 3)


def test_a_request_and_a_login_show_nothing_of_themselves():
    """In a debugger's view of an exception, or in a log of everything."""
    login = Credentials(user=USER, secret=CANARY)
    request = HttpRequest(
        url=f"https://acme.example/rows/{quote(CANARY)}", params={"page": CANARY}, headers={},
        secret_params={"k": CANARY}, secret_headers={"X": CANARY},
    )  # fmt: skip
    for shown in (repr(login), str(login), repr(request), str(request)):
        assert not [spelled for spelled in spellings_of(CANARY).values() if spelled in shown]
