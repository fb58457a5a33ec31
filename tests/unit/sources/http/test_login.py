"""A login is added to a request as it is sent, and kept out of what is stored."""

from __future__ import annotations

import msgspec
import pytest

from include.ticklake.feed.http_source import HttpSource
from include.ticklake.redaction.masking import mask
from include.ticklake.sources.auth import Credentials, RequestSecrets
from include.ticklake.sources.http.access_token import forget_all
from include.ticklake.sources.http.login import Login
from include.ticklake.sources.http.request import HttpRequest
from tests.unit.sources.http.test_access_token import Server, answer

LOGIN = Credentials(user="me", secret="s3cret-of-me", options={"passphrase": "p4ss-of-me"})
REQUEST = HttpRequest(url="https://a.example/rows", params={"b": "1"})


def login(auth: dict | None, credentials: Credentials | None = LOGIN, **options) -> Login:
    """The login of a source with *auth*."""
    plain = {"kind": "http", "base_url": "https://a.example", "path": "/rows"}
    added = {"auth": auth | {"connection": "acme"}} if auth else {}
    server = options.pop("server", Server())
    return Login(
        HttpSource.model_validate(plain | added),
        credentials if auth else None,
        base_url=options.pop("base_url", "https://a.example"),
        send=server.send,
        clock=lambda: server.now_s,
    )


def test_without_a_login_nothing_changes():
    """Neither a request nor an address nor a record."""
    none = login(None)
    assert none.sign(REQUEST) is REQUEST
    assert (none.is_used, none.secret, none.renew()) == (False, "", False)
    assert (
        none.without_credentials("https://a.example/rows?key=1") == "https://a.example/rows?key=1"
    )
    record = msgspec.Raw(b'{"a":"s3cret-of-me"}')
    assert list(none.without_secrets([[record]])) == [[record]]


calls: list[tuple[object, ...]] = []


def sign(_: Credentials, *seen: object) -> RequestSecrets:
    """A signer with a counter, as a time would be."""
    calls.append(seen)
    return RequestSecrets(params={"sig": f"signature-{len(calls)}"})


def test_a_request_is_signed_each_time_that_it_is_sent():
    """A signature holds a time: one of the first attempt is too old for the second."""
    signer = login({"kind": "sign", "signer": "tests.unit.sources.http.test_login:sign"})
    calls.clear()
    first, second = signer.sign(REQUEST), signer.sign(REQUEST)
    assert (first.secret_params, second.secret_params) == (
        {"sig": "signature-1"}, {"sig": "signature-2"},
    )  # fmt: skip
    assert calls == [("/rows", {"b": "1"})] * 2
    assert signer.renew() is False
    assert signer.without_credentials("https://a.example/rows?sig=x&at=2") == (
        "https://a.example/rows?at=2"
    )


def test_secrets_of_the_extra_are_secrets():
    """Of messages and of records."""
    headers = {"X-Key": "{login}", "X-Pass": "{passphrase}"}
    two = login({"kind": "header", "headers": headers})
    assert two.sign(REQUEST).secret_headers == {"X-Key": "me", "X-Pass": "p4ss-of-me"}
    assert mask("a p4ss-of-me b") == "a *** b"
    [[record]] = two.without_secrets([[msgspec.Raw(b'{"a":"p4ss-of-me"}')]])
    assert bytes(record) == b'{"a":"***"}'
    assert two.is_in("x=p4ss-of-me")


@pytest.mark.parametrize(
    ("token_url", "base_url", "asked"),
    [
        ("/token", "https://a.example", "https://a.example/token"),
        ("/token", "http://127.0.0.1:9", "http://127.0.0.1:9/token"),
        ("https://a.example/token", "http://127.0.0.1:9", "http://127.0.0.1:9/token"),
        ("https://a.example.com/token", "http://127.0.0.1:9", "https://a.example.com/token"),
        ("https://auth.example/token", "http://127.0.0.1:9", "https://auth.example/token"),
    ],
)
def test_tokens_come_from_their_own_address(token_url, base_url, asked):
    """Where another server takes the place of the source, it does so for its tokens."""
    forget_all()
    server = Server(answer("one-token"))
    auth = {"kind": "oauth2", "token_url": token_url}
    signed = login(auth, server=server, base_url=base_url).sign(REQUEST)
    assert signed.secret_headers == {"Authorization": "Bearer one-token"}
    assert [request.url for request in server.asked] == [asked]


def test_a_renewed_token_takes_the_place_of_the_other_one():
    """In requests and in what is masked of records."""
    forget_all()
    server = Server(answer("one-token"), answer("two-token"))
    tokens = login({"kind": "oauth2", "token_url": "/token"}, server=server)
    assert tokens.sign(REQUEST).secret_headers == {"Authorization": "Bearer one-token"}
    assert tokens.renew()
    assert tokens.sign(REQUEST).secret_headers == {"Authorization": "Bearer two-token"}
    records = [msgspec.Raw(b'{"a":"two-token","b":"s3cret-of-me"}')]
    [[found]] = tokens.without_secrets([records])
    assert bytes(found) == b'{"a":"***","b":"***"}'
    assert tokens.secret == "s3cret-of-me"
