"""No command shows a login or keeps one: not of a URI that it refuses, nor of its environment.

Canaries are searched for in every spelling: in outputs, objects of the lake, process lists and the
environment of memory-limited children.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from functools import partial
from urllib.parse import quote

import pytest

from include.ticklake.memory.capped_process import run_capped
from include.ticklake.model.sizes import MIB
from tests.support.secret_watch import (
    CANARY,
    CONNECTION,
    FEED,
    RECORDS,
    USER,
    SecretWatch,
    spellings_of,
)
from tests.support.servers.http import HttpServer, ReceivedRequest, Reply

AWS_KEY = "wJalr/XUtnFEMI+K7MDENG/bPxRfiCYCANARY"
DAY = ["acme", "--start", "2026-11-22", "--end", "2026-11-23"]
BY_QUERY = "{kind: query, name: k, connection: acme}"


@pytest.fixture
def watch(tmp_path) -> Iterator[SecretWatch]:
    """A folder with feeds and lake, and all that is seen of the commands in it."""
    one = SecretWatch(tmp_path)
    yield one
    assert one.found() == []
    assert one.found(AWS_KEY) == []


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["audit", *DAY, "--root", "s3://AKIA:{}@bucket/lake"], id="a root"),
        pytest.param(["audit", *DAY, "--root", "s3:/AKIA:{}@bucket/lake"], id="a slash missing"),
        pytest.param(["audit", *DAY, "--root", "s3://bucket/lake?aws_secret_access_key={}"],
                     id="an option of a root"),
        pytest.param(["convert", "s3://AKIA:{}@bucket/manifests/acme/x.json"], id="a manifest"),
        pytest.param(["convert", "https://a.b/manifests/x.json?X-Amz-Signature={}"],
                     id="a signed manifest"),
        pytest.param(["extract", "acme", "--manifests", "s3://AKIA:{}@bucket/manifests/acme/x"],
                     id="a manifest to extract"),
        pytest.param(["extract", "https://me:{}@a.b/feed", *DAY[1:]], id="a feed"),
        pytest.param(["extract", "acme", "--start", "https://me:{}@a.b", "--end", "now"],
                     id="a time"),
        pytest.param(["preview", "acme", "--start", "2026-11-22", "--base-url", "https://me:{}@127.0.0.1:1"],
                     id="a base URL"),
        pytest.param(["probe", "https://me:{}@a.b/rows"], id="a login in a page's address"),
        pytest.param(["probe", "ftp://me:{}@a.b/rows"], id="another scheme"),
        pytest.param(["probe", "http://127.0.0.1:1/rows?api_key={}"], id="a page nobody serves"),
        pytest.param(["https://me:{}@a.b/rows"], id="no command"),
        pytest.param(["audit", *DAY, "s3://AKIA:{}@bucket", "--nothing=https://me:{}@a.b"],
                     id="an argument too many"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("canary", [CANARY, quote(CANARY, safe="")], ids=["as it is", "quoted"])
def test_a_uri_that_is_refused_is_repeated_without_its_login(
    watch: SecretWatch, arguments: list[str], canary: str
):
    """The error names the rest of it."""
    watch.add_feed(FEED.format(url="http://127.0.0.1:1", auth=BY_QUERY))
    named = [argument.replace("{}", canary) for argument in arguments]
    env = {} if "--root" in named else {"TICKLAKE_ROOT": watch.root}
    assert watch.run(*named, **env, AIRFLOW_CONN_ACME="https://me:other@acme") != 0


def test_a_root_or_base_url_of_the_environment_is_refused_without_its_login(watch: SecretWatch):
    """Before anything is started with it on a command line."""
    watch.add_feed(FEED.format(url="http://127.0.0.1:1", auth=BY_QUERY))
    assert watch.run("audit", *DAY, TICKLAKE_ROOT=f"s3://AKIA:{CANARY}@bucket") == 2
    assert "TICKLAKE_ROOT: a URI with credentials or options is refused" in watch.shown
    base_url = f"http://me:{quote(CANARY, safe='')}@127.0.0.1:1"
    env = {"TICKLAKE_BASE_URL": base_url, "AIRFLOW_CONN_ACME": "https://me:other@acme"}
    assert watch.extract(**env) == 3


def test_no_key_of_the_storage_shows_where_the_storage_repeats_it(
    http_server: HttpServer, watch: SecretWatch
):
    """A server, or a proxy before it, may put into its error whatever it was sent."""
    said = " ".join(spellings_of(AWS_KEY).values())
    error = f"<Error><Code>SignatureDoesNotMatch</Code><Message>{said}</Message></Error>"
    for path in ("/lake", "/lake/"):
        http_server.answer(path, error.encode(), status=403)
    env = {
        "AWS_ACCESS_KEY_ID": "AKIACANARY", "AWS_SECRET_ACCESS_KEY": AWS_KEY,
        "AWS_ENDPOINT_URL": http_server.url, "AWS_REGION": "us-east-1",
    }  # fmt: skip
    watch.add_feed(FEED.format(url="http://127.0.0.1:1", auth=BY_QUERY))
    assert watch.run("audit", *DAY, "--root", "s3://lake", **env) == 1
    assert "ticklake: storage: s3://lake" in watch.shown


def test_no_password_of_a_database_shows_however_it_answers(
    postgresql, mariadb, watch: SecretWatch
):
    """Well, with a wrong password, without a server, with a wrong query, as no URL."""
    watch.add_feed(
        "source:\n  kind: sql\n  connection: shop\n  query: >-\n"
        "    SELECT 1 AS id, :start AS at WHERE :start < :end ORDER BY 1\n"
        "  timezone: UTC\n"
        "fields:\n  id: {type: int64, key: true}\n"
        "  at: {type: timestamp, unit: iso, event_time: true}\n",
        name="shop",
    )
    canary = quote(CANARY, safe="")
    as_option = json.dumps(
        {"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "extra": {"sslpassword": CANARY}}
    )
    attempt = partial(watch.attempt, "shop")
    for url, well in [
        (postgresql.url("psycopg"), True),
        (postgresql.url("psycopg2"), True),
        (postgresql.url("psycopg").replace(postgresql.password, canary), False),
        (postgresql.url("psycopg2").replace(postgresql.password, canary), False),
        (mariadb.url("pymysql").replace(mariadb.password, canary), False),
        (f"postgresql+psycopg://{USER}:{canary}@127.0.0.1:1/shop", False),
        (f"postgresql+psycopg://{USER}:{CANARY}@127.0.0.1:1/{canary}", False),
        (f"postgres://{USER}:{CANARY}@127.0.0.1:1/shop", False),
        (f"postgres://{USER}:{canary}@127.0.0.1:port/shop", False),
        (f"nodialect+nodriver://{USER}:{canary}@127.0.0.1/shop", False),
        (as_option, False),
        (canary, False),
    ]:
        assert attempt(env={"AIRFLOW_CONN_SHOP": url}) == well, url
    assert watch.extract("shop", AIRFLOW_CONN_SHOP=postgresql.url("psycopg")) == 0
    own = {postgresql.password, mariadb.password}
    assert not [where for where, text in watch.everything() for one in own if one in text]


def test_no_password_of_a_proxy_shows(watch: SecretWatch):
    """The error says which proxy, and not how to get in."""
    watch.add_feed(FEED.format(url="http://a.example", auth=BY_QUERY))
    proxy = f"http://me:{quote(CANARY, safe='')}@127.0.0.1:1"
    env = {"HTTP_PROXY": proxy, "http_proxy": proxy, "NO_PROXY": "", "no_proxy": ""}
    assert watch.extract(**env, AIRFLOW_CONN_ACME="https://me:other@acme") == 3
    assert "the proxy 127.0.0.1:1" in watch.shown


def test_a_login_that_a_source_repeats_in_its_records_gets_no_further(
    http_server: HttpServer, watch: SecretWatch
):
    """Not into the JSON, the Parquet, quarantined records, manifests, an audit or a draft.

    Extracted, converted, audited, previewed and probed, in processes of their own.
    """
    usual = {
        name: said
        for name, said in spellings_of(CANARY).items()
        if name.startswith(("as it is", "quote", "HTML", "JSON", "repr", "base64"))
        and "number" not in name
        and "in JSON" not in name
        and "twice" not in name
        and name != "base64 of base64"
    }

    def answered(asked: ReceivedRequest) -> Reply:
        watch.look()
        echoes = {"echo": " ".join(usual.values()), f"x-{CANARY}": 1}
        well = [{**record, **echoes, "more": {CANARY: 2}} for record in RECORDS]
        refused = {"id": CANARY, "t": RECORDS[0]["t"]}
        rows = [*well, refused] if asked.params.get("page", "1") == "1" else []
        return Reply(body=json.dumps(rows).encode())

    feed = FEED.format(url=http_server.url, auth=BY_QUERY)
    watch.add_feed(
        feed.replace("page_rows: 2", "page_rows: 9").replace(
            "read_timeout_s: 5", "read_timeout_s: 5, max_bad_share: 50%"
        )
        + "  echo: {type: string}\n"
    )
    http_server.answer_by("/rows", answered)
    env = {"AIRFLOW_CONN_ACME": CONNECTION, "TICKLAKE_ROOT": watch.root}
    assert watch.extract(**env) == 0
    lake = watch.folder / "lake"
    manifests = [f"file://{path}" for path in (lake / "manifests").rglob("*.json")]
    assert watch.run("convert", *manifests, **env) == 0
    watch.run("audit", *DAY, **env)
    assert watch.run("preview", "acme", "--start", "2026-11-22T05:00:00Z", **env) == 0
    assert watch.run("compact", *DAY, **env) == 0
    kinds = {path.relative_to(lake).parts[0] for path in lake.rglob("*.*") if path.is_file()}
    assert {"json", "parquet", "manifests", "quarantine"} <= kinds


def test_a_memory_limited_child_knows_what_it_was_given_and_no_more(monkeypatch):
    """Its environment and command line, as every process of the same user may read them."""
    from include.operators.access.settings import OperatorSettings
    from include.operators.runners.child_env import child_env

    for name in ("AIRFLOW_CONN_X", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "DATABASE_URL"):
        monkeypatch.setenv(name, CANARY)
    env = child_env(os.environ, settings=OperatorSettings(), step="convert")
    code = "print(open('/proc/self/environ').read(), open('/proc/self/cmdline').read())"
    lines: list[str] = []
    end = run_capped(
        [sys.executable, "-c", code], cap_bytes=96 * MIB, env=env, on_line=lines.append
    )
    assert end.exit_code == 0
    shown = "".join(lines)
    assert "PATH=" in shown
    assert not [said for said in spellings_of(CANARY).values() if said in shown]
    names = {pair.partition("=")[0] for pair in shown.split("\0") if "=" in pair}
    assert {name for name in names if name in os.environ} <= {*env}
