"""A connection is read from its variable as Airflow reads it, and its text is shown nowhere."""

from __future__ import annotations

import json

import pytest

from include.ticklake.errors import UsageError
from include.ticklake.sources.connection import connection_text, parse_connection

FULL = {
    "conn_type": "postgres", "login": "ann", "password": "p@ss", "host": "db", "port": 5433,
    "schema": "shop", "extra": {"sslmode": "require", "deep": {}},
}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(json.dumps(FULL), id="JSON"),
        pytest.param(json.dumps(FULL | {"port": "5433", "extra": '{"sslmode": "require"}'}),
                     id="JSON in JSON"),
        pytest.param("postgres://ann:p%40ss@db:5433/shop?sslmode=require", id="URI"),
        pytest.param("postgres://ann:p%40ss@db:5433/shop?__extra__=%7B%22sslmode%22%3A%22require%22%7D",
                     id="URI with JSON"),
    ],
)  # fmt: skip
def test_a_connection_is_the_same_in_json_and_as_a_uri(text):
    """Plain values of the extra are options; others are not."""
    connection = parse_connection(text)
    assert (connection.conn_type, connection.login, connection.password) == (
        "postgres", "ann", "p@ss",
    )  # fmt: skip
    assert (connection.host, connection.port, connection.schema) == ("db", 5433, "shop")
    assert connection.options == {"sslmode": "require"}


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        pytest.param("sqlite://%2FData%2FShop.db", "/Data/Shop.db", id="a file, in its own case"),
        pytest.param("postgres://a:b@%2Ftmp%2FS:5432/x", "/tmp/S", id="a socket with a port"),  # noqa: S108
        pytest.param("http://[::1]:8080/x", "::1", id="IPv6"),
        pytest.param("http://", "", id="none"),
    ],
)
def test_a_host_may_be_a_path(uri, host):
    """As Airflow writes files and sockets."""
    assert parse_connection(uri).host == host


def test_what_is_left_out_is_empty():
    """Text in any case."""
    assert parse_connection('{"login": null, "password": 12345}').password == "12345"
    assert parse_connection("http://host").login == ""


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"password": "s3cret"', id="half of JSON"),
        pytest.param('{"extra": "s3cret"}', id="an extra that is not JSON"),
        pytest.param('{"extra": [1]}', id="an extra that is a list"),
        pytest.param('{"port": "s3cret"}', id="a port that is not a number"),
        pytest.param("http://h:port/", id="a URI's port that is not a number"),
        pytest.param("http://me:s3cret@[", id="half of an address"),
    ],
)
def test_other_texts_are_a_value_error(text):
    """The caller names the variable, never the text."""
    with pytest.raises(ValueError):  # noqa: PT011 - the kind is all that is promised
        parse_connection(text)


def test_a_variable_is_named_by_the_connection():
    """In capitals, without white space around its text."""
    env = {"AIRFLOW_CONN_SHOP_1": " http://host "}
    assert connection_text("shop_1", env) == ("AIRFLOW_CONN_SHOP_1", "http://host")
    with pytest.raises(UsageError, match="'acme' is not defined; set AIRFLOW_CONN_ACME"):
        connection_text("acme", env)


def test_a_connection_shows_its_type_only():
    """Not in a debugger, not in a log that somebody adds."""
    shown = repr(parse_connection(json.dumps(FULL)))
    assert shown == "Connection(conn_type='postgres')"
