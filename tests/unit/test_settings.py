"""The environment is read once, and refused where it makes no sense."""

from __future__ import annotations

import pytest
from pydantic import Field

from include.ticklake.errors import UsageError
from include.ticklake.feed import loader
from include.ticklake.model.sizes import GIB, MIB
from include.ticklake.settings import EnvironmentSettings, Extraction, SettingDoc, Settings


class ExampleSettings(EnvironmentSettings):
    """One setting of a choice, with no default that a text could show."""

    extract: Extraction | None = Field(
        None, validation_alias="EXAMPLE_EXTRACT", description="Where."
    )


def test_nothing_set_is_a_working_set():
    """A local folder, a memory limit of 128 MiB, every shipped feed, each API itself."""
    settings = Settings.from_env({})
    assert settings == Settings()
    assert settings.root_uri == "file:///tmp/ticklake"
    assert settings.cap_bytes == 128 * MIB
    assert settings.shipped_feeds == "all"
    assert settings.base_url is None


def test_every_variable_is_read():
    """Variables of other programs are not."""
    env = {
        "TICKLAKE_ROOT": "s3://bucket/lake",
        "TICKLAKE_CAP": "1GiB",
        "TICKLAKE_FEEDS": "/opt/feeds",
        "TICKLAKE_SHIPPED_FEEDS": "none",
        "TICKLAKE_FILES": "/opt/history",
        "TICKLAKE_BASE_URL": "http://127.0.0.1:8900",
        "TICKLAKE_BASE_URL_HOSTS": "api.example.com",
        "TICKLAKE_RATE_LIMIT_URL": "redis://:password@redis:6379/1",
        "TICKLAKE_LATEST_ROWS": "0",
        "TICKLAKE_ICEBERG": "glue",
        "TICKLAKE_STORAGE_TIMEOUT_S": "30",
        "TICKLAKE_UNITS_AT_ONCE": "4",
    }
    assert {doc.variable for doc in Settings.documentation()} == env.keys()
    assert Settings.from_env(env | {"AIRFLOW_HOME": "/elsewhere"}) == Settings(
        root_uri="s3://bucket/lake",
        cap_bytes=GIB,
        feeds="/opt/feeds",
        shipped_feeds="none",
        files="/opt/history",
        base_url="http://127.0.0.1:8900",
        base_url_hosts="api.example.com",
        rate_limit_url="redis://:password@redis:6379/1",
        latest_rows=0,
        iceberg="glue",
        storage_timeout_s=30,
        units_at_once=4,
    )


@pytest.mark.parametrize(
    ("own_url", "is_redirected"),
    [
        ("https://api.example.com", True),
        ("https://API.example.com/v1", True),
        ("http://127.0.0.1:8900", True),
        ("http://127.0.0.1:7077", False),
        ("https://example.com", False),
        (None, False),
    ],
)
def test_only_the_named_hosts_are_redirected(own_url, is_redirected):
    """A port belongs to the host; without names, all are."""
    hosts = "api.example.com, 127.0.0.1:8900,"
    some = Settings(base_url="http://replay", base_url_hosts=hosts)
    assert some.base_url_for(own_url) == ("http://replay" if is_redirected else None)
    assert Settings(base_url="http://replay").base_url_for(own_url) == "http://replay"
    assert Settings(base_url_hosts=hosts).base_url_for(own_url) is None


def test_the_folders_of_feeds_are_found_by_the_documented_variable():
    """The loader reads it without the other settings: a wrong size must not hide the feeds."""
    [variable] = [
        str(field.validation_alias)
        for name, field in Settings.model_fields.items()
        if name == "feeds"
    ]
    assert [str(path) for path in loader.folders({variable: "/opt/feeds"})][1:] == ["/opt/feeds"]


@pytest.mark.parametrize(
    ("env", "message"),
    [
        (
            {"TICKLAKE_CAP": "12x"},
            "TICKLAKE_CAP: '12x' is not a size; write it as 128MiB, 512KiB or 1048576",
        ),
        (
            {"TICKLAKE_LATEST_ROWS": "all"},
            "TICKLAKE_LATEST_ROWS: 'all' is not a whole number from 0 to 10,000",
        ),
        (
            {"TICKLAKE_LATEST_ROWS": "10001"},
            "TICKLAKE_LATEST_ROWS: '10001' is not a whole number from 0 to 10,000",
        ),
        (
            {"TICKLAKE_LATEST_ROWS": "1.5"},
            "TICKLAKE_LATEST_ROWS: '1.5' is not a whole number from 0 to 10,000",
        ),
    ],
)
def test_a_wrong_value_is_refused_in_one_line(env, message):
    """With the variable, the value and what would be right."""
    with pytest.raises(UsageError) as error:
        Settings.from_env(env)
    assert str(error.value) == message


def test_a_wrong_choice_is_answered_with_the_choices():
    """And with the one that was probably meant."""
    with pytest.raises(UsageError) as error:
        ExampleSettings.from_env({"EXAMPLE_EXTRACT": "caped"})
    assert str(error.value) == (
        "EXAMPLE_EXTRACT: 'caped' is not one of worker or capped; did you mean 'capped'?"
    )


@pytest.mark.parametrize("variable", [doc.variable for doc in Settings.documentation()])
def test_an_empty_variable_is_one_that_is_not_set(variable):
    """As .env files and compose files write it."""
    assert Settings.from_env({variable: ""}) == Settings()


def test_each_setting_documents_itself():
    """Its default as an environment variable would hold it, and empty where nothing is set."""
    docs = {doc.variable: doc for doc in Settings.documentation()}
    assert docs["TICKLAKE_CAP"].default == "128MiB"
    assert docs["TICKLAKE_ICEBERG"].default == ""
    assert all(doc.description.endswith(".") for doc in docs.values())
    assert list(ExampleSettings.documentation()) == [
        SettingDoc(variable="EXAMPLE_EXTRACT", description="Where.", default="")
    ]


@pytest.mark.parametrize("doc", Settings.documentation(), ids=lambda doc: doc.variable)
def test_every_documented_default_reads_back_to_itself(doc):
    """So a copied line of .env.example changes nothing."""
    assert Settings.from_env({doc.variable: doc.default}) == Settings()
