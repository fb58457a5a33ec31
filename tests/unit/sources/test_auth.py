"""A login comes from a connection, goes into the request, and is shown nowhere."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import UsageError
from include.ticklake.feed.auth import Auth
from include.ticklake.sources.auth import (
    Credentials,
    RequestSecrets,
    credentials_from_env,
    sign_request,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\t"), min_size=1)
LOGIN = Credentials(user="me", secret="s3cret")


@given(user=TEXT, secret=TEXT)
def test_a_connection_may_be_json_or_a_uri(user, secret):
    """As Airflow reads it, whatever characters a secret has."""
    login = Credentials(user=user, secret=secret)
    uri = f"http://{quote(user, safe='')}:{quote(secret, safe='')}@host"
    written = json.dumps({"conn_type": "http", "login": user, "password": secret})
    for text in (uri, written, f" {written}"):
        assert credentials_from_env("acme", {"AIRFLOW_CONN_ACME": text}) == login


@pytest.mark.parametrize(
    ("text", "login"),
    [
        pytest.param('{"password": 12345}', Credentials(secret="12345"), id="a number"),
        pytest.param('{"login": null}', Credentials(), id="nothing"),
        pytest.param("http://host", Credentials(), id="no login"),
        pytest.param("http://:s3cret@host", Credentials(secret="s3cret"), id="no user"),
    ],
)
def test_what_a_connection_leaves_away_is_empty(text, login):
    """Text in any case."""
    assert credentials_from_env("acme", {"AIRFLOW_CONN_ACME": text}) == login


@pytest.mark.parametrize(
    ("env", "message"),
    [
        pytest.param({}, "connection 'acme' is not defined; set AIRFLOW_CONN_ACME", id="not set"),
        pytest.param({"AIRFLOW_CONN_ACME": ""}, "set AIRFLOW_CONN_ACME", id="empty"),
        pytest.param({"AIRFLOW_CONN_ACME": '{"password": "s3cret"'}, "neither JSON nor a URI",
                     id="broken JSON"),
        pytest.param({"AIRFLOW_CONN_ACME": "http://me:s3cret@["}, "neither JSON nor a URI",
                     id="broken URI"),
    ],
)  # fmt: skip
def test_a_connection_that_is_none_is_told_by_its_name(env, message):
    """And not by what is in it."""
    with pytest.raises(UsageError, match=message) as wrong:
        credentials_from_env("acme", env)
    assert "s3cret" not in str(wrong.value)


def test_the_extra_of_a_connection_comes_with_it():
    """Plain values of JSON, and of a URI's query; those whose names say so are secrets."""
    extra = {"passphrase": "p4ss", "sub_account": 7, "nested": {"a": 1}}
    for text in (
        json.dumps({"login": "k", "password": "s3cret", "extra": extra}),
        json.dumps({"login": "k", "password": "s3cret", "extra": json.dumps(extra)}),
        "http://k:s3cret@host?passphrase=p4ss&sub_account=7",
    ):
        login = credentials_from_env("acme", {"AIRFLOW_CONN_ACME": text})
        assert login.options == {"passphrase": "p4ss", "sub_account": "7"}
        assert login.secrets == ["s3cret", "p4ss"]
        assert "p4ss" not in repr(login)
    assert Credentials(user="key").secrets == ["key"]


def test_several_headers_come_from_one_connection():
    """Its login, its password and its extra, each in its own words."""
    headers = {"X-Key": "{login}", "X-Secret": "{password}", "Authorization": "Pass {passphrase}"}
    rules = Auth.model_validate({"connection": "acme", "kind": "header", "headers": headers})
    login = Credentials(user="k", secret="s", options={"passphrase": "p", "login": "other"})
    assert sign_request(rules, login, path="/", params={}) == RequestSecrets(
        headers={"X-Key": "k", "X-Secret": "s", "Authorization": "Pass p"}
    )
    with pytest.raises(UsageError, match=r"connection 'acme' has no 'passphrase' in its extra"):
        sign_request(rules, LOGIN, path="/", params={})


def sign_body(
    login: Credentials, path: str, params: Mapping[str, str], body: bytes
) -> RequestSecrets:
    """A signer of POST requests."""
    signed = f"{login.options['passphrase']}:{path}:{sorted(params)}:{body.decode()}"
    return RequestSecrets(headers={"X-Sign": signed})


def test_a_signer_of_a_post_sees_its_body():
    """As it is sent, since it is what most of them sign."""
    signer = "tests.unit.sources.test_auth:sign_body"
    rules = Auth.model_validate({"connection": "acme", "kind": "sign", "signer": signer})
    login = Credentials(options={"passphrase": "p"})
    added = sign_request(rules, login, path="/x", params={"a": "1"}, body=b'{"b":1}')
    assert added == RequestSecrets(headers={"X-Sign": "p:/x:['a']:{\"b\":1}"})


def sign(login: Credentials, path: str, params: Mapping[str, str]) -> RequestSecrets:
    """A signer as somebody's own module might have it."""
    return RequestSecrets(params={"signature": f"{login.secret}:{path}:{sorted(params)}"})


@pytest.mark.parametrize(
    ("auth", "added"),
    [
        pytest.param({"kind": "header", "name": "X-Key"},
                     RequestSecrets(headers={"X-Key": "s3cret"}), id="header"),
        pytest.param({"kind": "query", "name": "appid"}, RequestSecrets(params={"appid": "s3cret"}),
                     id="query"),
        pytest.param({"kind": "bearer"}, RequestSecrets(headers={"Authorization": "Bearer s3cret"}),
                     id="bearer"),
        pytest.param({"kind": "basic"}, RequestSecrets(headers={
            "Authorization": f"Basic {base64.b64encode(b'me:s3cret').decode()}"}), id="basic"),
        pytest.param({"kind": "sign", "signer": "tests.unit.sources.test_auth:sign"},
                     RequestSecrets(params={"signature": "s3cret:/x:['a', 'b']"}), id="sign"),
    ],
)  # fmt: skip
def test_a_login_is_added_as_the_source_wants_it(auth, added):
    """In a header, in the query, as a signature of one's own making."""
    rules = Auth.model_validate({"connection": "acme"} | auth)
    assert sign_request(rules, LOGIN, path="/x", params={"b": "1", "a": "2"}) == added


@pytest.mark.parametrize("signer", ["no.such.module:sign", "tests.unit.sources.test_auth:nothing"])
def test_a_signer_that_is_not_there_is_told(signer):
    """With how one is written."""
    rules = Auth.model_validate({"connection": "acme", "kind": "sign", "signer": signer})
    with pytest.raises(UsageError, match="cannot be imported; write it as module:function"):
        sign_request(rules, LOGIN, path="/x", params={})


def test_neither_a_login_nor_what_it_becomes_is_shown():
    """Not in a debugger, not in a log that somebody adds."""
    rules = Auth.model_validate({"connection": "acme", "kind": "bearer"})
    shown = repr(LOGIN) + repr(sign_request(rules, LOGIN, path="/", params={}))
    assert "s3cret" not in shown
    assert "me" not in repr(LOGIN)
