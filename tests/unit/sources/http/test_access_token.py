"""A token is asked for once, kept for its time, and shown to nobody."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from include.ticklake.errors import SourceRefusedError
from include.ticklake.feed.auth import Auth
from include.ticklake.redaction.masking import mask
from include.ticklake.sources.auth import Credentials
from include.ticklake.sources.http import access_token
from include.ticklake.sources.http.access_token import AccessToken, AccessTokens
from include.ticklake.sources.http.request import HttpRequest
from include.ticklake.sources.http.transport import HttpResponse

LOGIN = Credentials(user="me", secret="s3cret/of+me")


class Server:
    """Answers in turn, and keeps what it was sent."""

    def __init__(self, *answers: bytes) -> None:
        self.answers, self.asked = [*answers], []
        self.now_s = 0.0

    @contextmanager
    def send(self, request: HttpRequest) -> Iterator[HttpResponse]:
        self.asked.append(request)
        body = self.answers.pop(0)
        yield HttpResponse(
            status=200, headers={}, chunks=iter([body[:5], body[5:]]), describe=lambda: ""
        )

    def tokens(self, login: Credentials = LOGIN, **auth: object) -> AccessTokens:
        access_token.forget_all()
        rules = {"kind": "oauth2", "connection": "acme", "token_url": "https://a.example/t"}
        return self.more_tokens(login, Auth.model_validate(rules | auth))

    def more_tokens(self, login: Credentials, auth: Auth) -> AccessTokens:
        return AccessTokens(
            auth, login, url="https://a.example/t", send=self.send, clock=lambda: self.now_s
        )


def answer(token: str, **values: object) -> bytes:
    """A token as a server gives it."""
    rest = "".join(f',"{name}":{value}' for name, value in values.items())
    return f'{{"access_token":"{token}","token_type":"Bearer"{rest}}}'.encode()


@pytest.mark.parametrize(
    ("lifetime", "kept_until_s"),
    [
        pytest.param({"expires_in": 3600}, 3540, id="an hour: renewed a minute before"),
        pytest.param({"expires_in": 100}, 90, id="short: in its last tenth"),
        pytest.param({"expires_in": 0}, 10**9, id="zero, which says nothing"),
        pytest.param({"expires_in": '"3600"'}, 3540, id="as text"),
        pytest.param({}, 10**9, id="nobody says"),
    ],
)
def test_a_token_is_kept_until_shortly_before_its_end(lifetime, kept_until_s):
    """By a clock that runs while the process does."""
    server = Server(answer("one-token", **lifetime), answer("two-token"))
    tokens = server.tokens()
    assert tokens.token() == "one-token"
    server.now_s = kept_until_s - 0.001
    assert tokens.token() == "one-token"
    server.now_s = kept_until_s
    assert tokens.token() == ("two-token" if kept_until_s < 10**9 else "one-token")


@pytest.mark.parametrize(
    ("auth", "form", "headers"),
    [
        ({}, {"grant_type": "client_credentials"},
         {"Authorization": f"Basic {base64.b64encode(b'me:s3cret/of+me').decode()}"}),
        ({"secret_in": "body", "token_params": {"audience": "x y", "scope": "a b"}},
         {"grant_type": "client_credentials", "audience": "x y", "scope": "a b",
          "client_id": "me", "client_secret": "s3cret/of+me"}, {}),
    ],
    ids=["header", "body"],
)  # fmt: skip
def test_the_secret_is_where_the_server_reads_it(
    auth: Mapping[str, object], form: Mapping[str, str], headers: Mapping[str, str]
):
    """In one of two places; it shows in neither."""
    server = Server(answer("one-token"))
    server.tokens(**auth).token()
    [asked] = server.asked
    assert (asked.form, asked.secret_headers) == (form, headers)
    assert "s3cret" not in str(asked) + repr(asked)
    assert asked.mask_secrets("s3cret/of+me") == "***"


def test_a_token_is_kept_for_one_login_at_one_place():
    """Another secret gets another token; one that was refused is used no more."""
    server = Server(answer("one-token"), answer("two-token"), answer("three-token"))
    tokens = server.tokens()
    auth = Auth.model_validate({"kind": "oauth2", "connection": "b", "token_url": "/t"})
    other = server.more_tokens(Credentials(user="me", secret="0ther"), auth)
    assert (tokens.token(), other.token(), tokens.token()) == (
        "one-token", "two-token", "one-token",
    )  # fmt: skip
    tokens.refused("two-token")
    assert tokens.token() == "one-token"
    tokens.refused("one-token")
    assert (tokens.token(), other.token()) == ("three-token", "two-token")


def test_a_token_is_a_secret_from_its_first_second():
    """In messages of any kind, and in a debugger."""
    assert Server(answer("t0ken-of-somebody")).tokens().token()
    assert mask("is t0ken-of-somebody") == "is ***"
    assert "t0ken" not in repr(AccessToken(text="t0ken", renew_at_s=1))


@pytest.mark.parametrize(
    "body",
    [b'{"error":"invalid_scope","error_description":"no s3cret/of+me"}', b"[]", b"7", b"null",
     b'{"access_token":"x","expires_in":"soon"}', b"a" * 70_000],
    ids=lambda body: str(body[:20]),
)  # fmt: skip
def test_what_is_no_token_is_refused(body):
    """With where to look; what the server says is masked."""
    with pytest.raises(SourceRefusedError, match=r"check source\.auth\.token_url") as wrong:
        Server(body).tokens().token()
    assert "s3cret" not in str(wrong.value)
