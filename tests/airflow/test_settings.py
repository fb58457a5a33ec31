"""The Airflow side has settings of its own, beside those of the core."""

from __future__ import annotations

import pytest

from include.operators.settings import OperatorSettings
from include.ticklake.errors import UsageError


def test_nothing_set_is_a_working_set():
    """Steps run as processes, pages are fetched in the worker."""
    settings = OperatorSettings.from_env({})
    assert settings == OperatorSettings()
    assert (settings.runner, settings.extract, settings.batches_max) == ("process", "worker", 200)


def test_every_variable_is_read():
    """Those of the core as well."""
    env = {
        "TICKLAKE_ROOT": "s3://bucket/lake",
        "TICKLAKE_RUNNER": "kubernetes",
        "TICKLAKE_EXTRACT": "capped",
        "TICKLAKE_BATCHES_MAX": "40",
        "TICKLAKE_AWS_CONN_ID": "lake",
    }
    assert OperatorSettings.from_env(env) == OperatorSettings(
        root_uri="s3://bucket/lake",
        runner="kubernetes",
        extract="capped",
        batches_max=40,
        aws_conn_id="lake",
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("RUNNER", "podman", "'podman' is not one of process, docker or kubernetes"),
        ("RUNNER", "dockr", "or kubernetes; did you mean 'docker'?"),
        ("EXTRACT", "here", "'here' is not one of worker or capped"),
        ("BATCHES_MAX", "0", "'0' is not a whole number from 1 to 1,024"),
        ("BATCHES_MAX", "1025", "'1025' is not a whole number from 1 to 1,024"),
        ("BATCHES_MAX", "many", "'many' is not a whole number from 1 to 1,024"),
    ],
)
def test_a_wrong_value_is_refused(name, value, message):
    """With what it may be."""
    with pytest.raises(UsageError) as error:
        OperatorSettings.from_env({f"TICKLAKE_{name}": value})
    assert str(error.value).startswith(f"TICKLAKE_{name}: {value!r} ")
    assert message in str(error.value)


@pytest.mark.parametrize("doc", OperatorSettings.documentation(), ids=lambda doc: doc.variable)
def test_every_documented_default_reads_back_to_itself(doc):
    """An empty variable is one that is not set."""
    assert OperatorSettings.from_env({doc.variable: doc.default}) == OperatorSettings()
    assert OperatorSettings.from_env({doc.variable: ""}) == OperatorSettings()
