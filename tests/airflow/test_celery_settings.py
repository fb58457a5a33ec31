"""What the guide to Celery says of Airflow's settings is so in the Airflow that is locked."""

from __future__ import annotations

import re

import pytest

from tests.conftest import REPOSITORY

pytestmark = pytest.mark.dag

GUIDE = REPOSITORY / "docs/how-to/run-with-celery.md"
SETTING = re.compile(r"^\| `\[(\w+)\] (\w+)` \| (`\w+`|\w+|\d+ s|a day) \|", re.MULTILINE)
ROWS = SETTING.findall(GUIDE.read_text())


def seconds_or_value(text: str) -> str:
    """``300 s`` as Airflow writes it."""
    return {"a day": "86400"}.get(text, text.strip("`").removesuffix(" s"))


def test_the_guide_has_its_table():
    """As many rows as the table has."""
    assert len(ROWS) == GUIDE.read_text().count("\n| `[") == 5


def test_the_executor_starts_with_the_locked_celery():
    """Its provider takes Celery 5.7 by its own word, and cannot be imported with it."""
    from airflow.providers.celery.executors.celery_executor import CeleryExecutor

    assert CeleryExecutor.supports_callbacks


@pytest.mark.parametrize(("section", "name", "default"), ROWS)
def test_a_default_is_airflows(section, name, default):
    """As its own configuration has it, and for Celery what its provider makes of that."""
    from airflow.configuration import conf

    found = celery_config().get(name) or conf.get(section, name, fallback=None)
    assert float(found) == float(number(seconds_or_value(default)))


def number(text: str) -> float:
    return {"True": 1.0}[text] if text == "True" else float(text)


def celery_config() -> dict[str, object]:
    """What a worker is started with, over Redis, by the names of the guide."""
    from airflow.configuration import conf
    from airflow.providers.celery.executors.default_celery import get_default_celery_config

    config = get_default_celery_config(conf)
    return {**config, **config["broker_transport_options"]}
