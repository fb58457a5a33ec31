"""OAuth 2 client credentials end to end: a token server, an API behind its tokens, a lake."""

from __future__ import annotations

import json
import subprocess
import sys
from urllib.parse import parse_qs, quote

import pytest

from include.ticklake.errors import MalformedPageError, SourceRefusedError, SourceUnavailableError
from include.ticklake.extract import extract
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.redaction.masking import mask
from include.ticklake.sources.auth import Credentials
from tests.support.api_pages import START, WINDOW, Waits, pages, read
from tests.support.feed_texts import feed
from tests.support.secret_watch import FEED, RECORDS, SecretWatch
from tests.support.servers.http import ReceivedRequest, Reply
from tests.support.token_server import CLIENT, SECRET, TokenServer

ROWS = [{"id": n, "t": START + n} for n in range(6)]
LOGIN = Credentials(user=CLIENT, secret=SECRET)
AUTH = {"kind": "oauth2", "connection": "acme", "token_url": "/oauth/token"}


def paged(asked: ReceivedRequest) -> Reply:
    """Two rows a page."""
    at = (int(asked.params["page"]) - 1) * 2
    return Reply(body=json.dumps(ROWS[at : at + 2]).encode())


def oauth_feed(**auth: object):
    """A feed of an API behind a token."""
    return feed(source={"auth": AUTH | auth, "paging": {"kind": "page", "page_rows": 2}})


class Clock:
    """Seconds that pass when a test says so."""

    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def rows(server, **options) -> list[dict]:
    """All rows of the feed, page by page."""
    found = read(options.pop("described", oauth_feed()), server, Waits(),
                 get_credentials=lambda _: LOGIN, **options)  # fmt: skip
    return [row for page in found for row in page]


@pytest.mark.parametrize("secret_in", ["header", "body"])
def test_a_token_is_fetched_once_and_sent_with_every_page(http_server, secret_in):
    """Of all units of a process; the secret itself is sent to the token server only."""
    tokens = TokenServer(http_server)
    tokens.guard("/rows", paged)
    described = oauth_feed(secret_in=secret_in, token_params={"scope": "read trades"})
    assert rows(http_server, described=described) == ROWS
    assert rows(http_server, described=described) == ROWS
    [asked] = tokens.requests()
    sent = parse_qs(asked.body.decode())
    assert sent["grant_type"] == ["client_credentials"]
    assert sent["scope"] == ["read trades"]
    places = {"body": "client_secret" in sent, "header": "authorization" in asked.headers}
    assert [place for place, is_there in places.items() if is_there] == [secret_in]
    api = [asked for asked in http_server.asked if asked.path == "/rows"]
    assert {asked.headers["authorization"] for asked in api} == {f"Bearer {tokens.tokens[0]}"}
    assert not any(SECRET in str(asked) for asked in api)


def test_a_token_is_renewed_before_it_ends(http_server):
    """A minute before, so that no page is refused for it; until then it is kept."""
    tokens, clock = TokenServer(http_server, lifetime_s=600), Clock()
    tokens.guard("/rows", paged)
    for at_s, fetched in ((0, 1), (539, 1), (540, 2), (1_079, 2), (1_080, 3)):
        clock.now_s = 1_000.0 + at_s
        assert rows(http_server, clock=clock) == ROWS
        assert len(tokens.tokens) == fetched


@pytest.mark.parametrize("lifetime_s", [3600, None])
def test_a_token_that_is_refused_is_renewed_in_the_middle_of_the_pages(http_server, lifetime_s):
    """Once for each 401, also where the server does not say how long it is valid."""
    tokens = TokenServer(http_server, lifetime_s=lifetime_s)

    def answer(asked: ReceivedRequest) -> Reply:
        reply = paged(asked)
        if asked.params["page"] == "2":
            tokens.revoke()
        return reply

    tokens.guard("/rows", answer)
    assert rows(http_server) == ROWS
    assert len(tokens.tokens) == 2
    statuses = [asked.params["page"] for asked in http_server.asked if asked.path == "/rows"]
    assert statuses == ["1", "2", "3", "3", "4"]


def test_a_source_that_refuses_every_token_is_asked_twice_a_page(http_server):
    """And then it has refused: no token is fetched without end."""
    tokens = TokenServer(http_server)
    http_server.answer("/rows", b'{"message":"no"}', status=401)
    with pytest.raises(SourceRefusedError, match=r"/rows.*HTTP 401 \(no\)"):
        rows(http_server)
    assert [asked.path for asked in http_server.asked] == ["/oauth/token", "/rows"] * 2
    assert len(tokens.tokens) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_of_the_token_server_is_none_of_the_page(http_server, storage, status):
    """A 404 for a page may mean that there are no more; for a token it never does."""
    http_server.answer("/oauth/token", b'{"error":"invalid_client"}', status=status)
    paging = {"kind": "page", "page_rows": 2, "after_last_page": "refused"}
    described = feed(source={"auth": AUTH, "paging": paging})
    with pytest.raises(SourceRefusedError, match=r"invalid_client.*for a token, with connection"):
        extract.extract(
            described, Unit(Slice(), WINDOW), storage=storage, base_url=http_server.url,
            lookup=lambda _: Credentials(user="other", secret="wr0ng/S3cret"),
        )  # fmt: skip
    assert list(storage.list("manifests")) == []


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"null", b'{"token":"x"}', b'{"access_token":"x","expires_in":"soon"}',
     b"x" * 100_000],
    ids=lambda body: str(body[:20]),
)  # fmt: skip
def test_an_answer_without_a_token_is_an_error(http_server, body):
    """That says where to look, and not what was in it."""
    TokenServer(http_server)
    http_server.answer("/oauth/token", body)
    with pytest.raises((SourceRefusedError, MalformedPageError), match="token_url"):
        rows(http_server)


def test_a_token_server_that_is_down_is_tried_again(http_server):
    """As any page is."""
    TokenServer(http_server)
    http_server.answer("/oauth/token", b"", status=503)
    with pytest.raises(SourceUnavailableError, match="/oauth/token"):
        rows(http_server)
    assert len(http_server.asked) > 1


def test_a_token_follows_no_redirect(http_server):
    """The secret would be sent to another place."""
    http_server.answer("/oauth/token", b"", status=307, headers={"Location": "/elsewhere"})
    with pytest.raises(SourceRefusedError, match="a body is sent to no other place"):
        rows(http_server)
    assert [asked.path for asked in http_server.asked] == ["/oauth/token"]


def test_another_process_resumes_with_a_token_of_its_own(http_server):
    """No token is in a cursor."""
    tokens = TokenServer(http_server)
    tokens.guard("/rows", paged)
    found = [
        (cursor, list(page))
        for cursor, page in pages(
            oauth_feed(), http_server, Waits(), get_credentials=lambda _: LOGIN
        )
    ]
    TokenServer(http_server).guard("/rows", paged)
    assert rows(http_server, cursor=found[1][0]) == ROWS[2:]
    assert not any(tokens.tokens[0] in str(cursor) for cursor, _ in found)


CONNECTION = f"https://{CLIENT}:{quote(SECRET, safe='')}@acme.example"


@pytest.mark.parametrize("secret_in", ["header", "body"])
@pytest.mark.parametrize(
    "said",
    [
        pytest.param(lambda s: Reply(status=403, body=s.encode()), id="403"),
        pytest.param(lambda s: Reply(body=json.dumps({"error": {"is": s}}).encode()), id="200"),
        pytest.param(lambda s: Reply(status=500, body=json.dumps([s]).encode()), id="500"),
        pytest.param(lambda s: Reply(body=f'[{{"{s}'.encode()), id="half of JSON"),
        pytest.param(
            lambda s: Reply(body=json.dumps([RECORDS[0] | {"you": s, s: 1}]).encode()), id="records"
        ),
    ],
)
def test_neither_token_nor_client_secret_shows_anywhere(
    watch: SecretWatch, http_server, said, secret_in
):
    """Whatever the source repeats of them, in errors, records and files, in any spelling."""
    tokens = TokenServer(http_server)

    def answer(asked: ReceivedRequest) -> Reply:
        return said(f"{SECRET} {asked.headers['authorization']} {quote(SECRET)}")

    tokens.guard("/rows", answer)
    text = FEED.format(
        url=http_server.url,
        auth=f"{{kind: oauth2, connection: acme, token_url: /oauth/token, secret_in: {secret_in}}}",
    ).replace("kind: page, page_rows: 2", "kind: single")
    watch.add_feed(text)
    watch.attempt(env={"AIRFLOW_CONN_ACME": CONNECTION})
    assert len(tokens.tokens) == 1
    assert watch.found(SECRET) == []
    assert watch.found(tokens.tokens[0]) == []
    assert tokens.tokens[0] not in mask(f"x {tokens.tokens[0]} x")


def test_a_feed_without_oauth_does_not_import_its_library():
    """Which costs a plain feed neither memory nor time."""
    code = "import sys, include.ticklake.sources.http.api; print('oauthlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.fixture
def watch(tmp_path) -> SecretWatch:
    """A folder with feeds and lake, and all that is seen of the commands in it."""
    return SecretWatch(tmp_path)


@pytest.fixture
def storage(tmp_path) -> Storage:
    """An empty lake."""
    return Storage.open(f"file://{tmp_path}/lake", {})
