"""One replay server for all tests here, its clock stopped, and the market it answers from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
import requests

from include.replay.candles import HOUR_MS
from include.replay.market import Market
from include.replay.server import app, running

HOUR = 1_767_322_800_000  # 2026-01-02T03:00Z: the hour that the walks read
NOW = HOUR + 5 * HOUR_MS + 754_321  # twelve minutes into a later hour


@pytest.fixture(scope="session")
def market() -> Market:
    """The market behind ``replay``."""
    return Market(seed=11)


@pytest.fixture(scope="session")
def replay(market) -> Iterator[ReplayClient]:
    """A running server with *market* behind it, at the time ``NOW``."""
    application = app(market=market, coins=1_234, now_ms=lambda: NOW)
    with running(application) as url, requests.Session() as session:
        yield ReplayClient(url, session)


class ReplayClient:
    """Asks the running server; bodies come back with exact numbers."""

    def __init__(self, url: str, session: requests.Session) -> None:
        self.url = url
        self.session = session
        self.asked = 0

    def get(
        self, path: str, *, headers: dict[str, str] | None = None, **query
    ) -> requests.Response:
        """The answer, whatever it is."""
        self.asked += 1
        assert self.asked < 3_000, "a walk that should have ended goes on"
        return self.session.get(self.url + path, params=query, headers=headers, timeout=30)

    def rows(self, path: str, **query):
        """The body of a good answer."""
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.text
        return exact(answer.content)


def exact(body: bytes | str):
    """JSON with Decimals."""
    return json.loads(body, parse_float=Decimal)


@pytest.fixture(scope="session")
def recorded_body(recorded) -> Callable[[str], object]:
    """Reads a body that a real exchange sent, by its name; skips where there are none."""
    return lambda name: exact((recorded / name).read_bytes())


def shape(value) -> object:
    """Keys and JSON types of *value*; of a list of records, the shape of the first."""
    if isinstance(value, dict):
        return {key: shape(inside) for key, inside in value.items()}
    if isinstance(value, list):
        records = value and isinstance(value[0], dict | list)
        return [shape(inside) for inside in (value[:1] if records else value)]
    return kind(value)


def kind(value) -> str:
    """A JSON type, whole and broken numbers as one."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | Decimal):
        return "number"
    return {str: "string", type(None): "null"}[type(value)]
