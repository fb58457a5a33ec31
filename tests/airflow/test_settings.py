"""The Airflow side has settings of its own, beside those of the core."""

from __future__ import annotations

import pytest

from include.operators.access.settings import ContainerSettings, OperatorSettings
from include.ticklake.errors import UsageError

PREFIX = "TICKLAKE_KUBERNETES"


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


def test_containers_need_no_setting():
    """An empty variable, as compose files write it, is one that is not set."""
    empty = {"TICKLAKE_IMAGE": "", f"{PREFIX}_TOLERATIONS": "", f"{PREFIX}_NODE_SELECTOR": ""}
    assert ContainerSettings.from_env({}) == ContainerSettings.from_env(empty)
    settings = ContainerSettings.from_env({"PATH": "/bin"})
    assert (settings.image, settings.pull) == ("ticklake-convert:latest", "IfNotPresent")
    assert (settings.docker_network, settings.docker_user, settings.secret) == (None, None, None)
    assert (settings.node_selector, settings.tolerations) == ({}, ())


def test_every_variable_of_containers_is_read():
    """Lists as Kubernetes and its command line write them."""
    settings = ContainerSettings.from_env(
        {
            "TICKLAKE_IMAGE": "registry/convert:1",
            "TICKLAKE_IMAGE_PULL": "Never",
            "TICKLAKE_DOCKER_NETWORK": "lake",
            "TICKLAKE_DOCKER_USER": "1:2",
            f"{PREFIX}_NAMESPACE": "data",
            f"{PREFIX}_SERVICE_ACCOUNT": "writer",
            f"{PREFIX}_SECRET": "storage",
            f"{PREFIX}_NODE_SELECTOR": "disktype=ssd, zone=a",
            f"{PREFIX}_TOLERATIONS": '[{"key": "batch", "tolerationSeconds": 30}]',
            f"{PREFIX}_PRIORITY_CLASS": "low",
            f"{PREFIX}_POD_TEMPLATE": "/etc/pod.yaml",
            f"{PREFIX}_CPU": "500m",
            f"{PREFIX}_START_TIMEOUT_S": "60",
        }
    )
    assert settings.model_dump() == {
        "image": "registry/convert:1",
        "pull": "Never",
        "docker_network": "lake",
        "docker_user": "1:2",
        "namespace": "data",
        "service_account": "writer",
        "secret": "storage",
        "node_selector": {"disktype": "ssd", "zone": "a"},
        "tolerations": ({"key": "batch", "tolerationSeconds": 30},),
        "priority_class": "low",
        "pod_template": "/etc/pod.yaml",
        "cpu": "500m",
        "start_timeout_s": 60,
    }


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("TICKLAKE_IMAGE_PULL", "sometimes", "is not one of IfNotPresent, Always or Never"),
        (f"{PREFIX}_NODE_SELECTOR", "ssd", "is not a list of labels; write it as disktype=ssd,"),
        (f"{PREFIX}_NODE_SELECTOR", "=ssd", "is not a list of labels; write it as disktype=ssd,"),
        (f"{PREFIX}_TOLERATIONS", "batch", "is not a JSON array of objects; write it as [{"),
        (f"{PREFIX}_TOLERATIONS", '["batch"]', "is not a JSON array of objects; write it as [{"),
        (f"{PREFIX}_TOLERATIONS", '{"key": 1}', "is not a JSON array of objects; write it as [{"),
    ],
)
def test_a_wrong_value_of_containers_is_refused(name, value, message):
    """By the variable, not by a field that users never see."""
    with pytest.raises(UsageError) as error:
        ContainerSettings.from_env({name: value})
    assert str(error.value).startswith(f"{name}: {value!r} ")
    assert message in str(error.value)
