"""Feed files, connections, and hosts that are asked only on request."""

from __future__ import annotations

import pytest

from include.ticklake.doctor import source_checks
from include.ticklake.feed import loader
from tests.support.rows_feed import ROWS, rows_feed

WITH_LOGIN = ROWS.replace(
    "kind: http\n", "kind: http\n  auth: {kind: bearer, connection: my_api}\n"
)


@pytest.fixture
def env(tmp_path) -> dict[str, str]:
    return rows_feed(tmp_path) | {"TICKLAKE_SHIPPED_FEEDS": "none"}


def test_a_broken_feed_fails_and_the_others_are_counted(tmp_path, env):
    """With file, line and field."""
    (tmp_path / "feeds" / "broken.yaml").write_text("source: {kind: htpp}")
    feeds = []
    broken, total = source_checks.check_feeds(feeds, env)
    assert (broken.state, total.text) == ("fail", "1 of 2 are valid")
    assert "broken.yaml:1: source.kind" in broken.text
    assert [feed.name for feed in feeds] == ["rows"]


def test_a_wrong_setting_fails(env):
    """As every command says it."""
    [only] = source_checks.check_feeds([], env | {"TICKLAKE_FEEDS": "/no/such/folder"})
    assert only.state == "fail"
    assert "/no/such/folder is not a folder" in only.text


def test_a_connection_that_is_not_set_is_a_warning(tmp_path):
    """Airflow may have it; the command line needs the variable."""
    rows_feed(tmp_path, WITH_LOGIN)
    feed = loader.read_feed(tmp_path / "feeds" / "rows.yaml")
    [missing] = source_checks.check_connections([feed], {})
    assert missing.state == "warn"
    assert "set AIRFLOW_CONN_MY_API" in missing.text
    [present] = source_checks.check_connections(
        [feed], {"AIRFLOW_CONN_MY_API": '{"conn_type": "http", "password": "s3cret-t0ken"}'}
    )
    assert present.state == "ok"
    assert "s3cret" not in str(present)


@pytest.mark.parametrize(("status", "state"), [(200, "ok"), (404, "ok"), (451, "warn")])
def test_a_host_is_asked_once(tmp_path, http_server, status, state):
    """Any answer will do, but for one that refuses a country."""
    rows_feed(tmp_path)
    feed = loader.read_feed(tmp_path / "feeds" / "rows.yaml")
    http_server.answer("/", b"", status=status)
    [only] = source_checks.check_network([feed, feed], lambda _: http_server.url)
    assert only.state == state
    assert len(http_server.asked) == 1


def test_a_host_that_does_not_answer_fails(tmp_path):
    """Port 1 of the loopback is nobody's."""
    rows_feed(tmp_path)
    feed = loader.read_feed(tmp_path / "feeds" / "rows.yaml")
    [only] = source_checks.check_network([feed], lambda _: "http://127.0.0.1:1")
    assert only.state == "fail"
    assert "127.0.0.1:1 does not answer" in only.text
    assert "HTTPS_PROXY" in only.fix
