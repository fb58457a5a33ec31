"""The stand-in refuses what a real API server would, so that a passing pod means something."""

import copy

import pytest
from kubernetes.client.models import V1Pod

from tests.kubernetes.pod_check import RefusedByClusterError, check, quantity

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "convert", "labels": {"a": "b"}},
    "spec": {
        "restartPolicy": "Never",
        "containers": [
            {"name": "base", "image": "x", "resources": {"limits": {"memory": "128Mi"}}}
        ],
    },
}


def changed(path: str, value) -> dict:
    """The pod with *value* at the dotted *path*; None removes what is there."""
    pod = copy.deepcopy(POD)
    *way, last = path.split(".")
    place = pod
    for step in way:
        place = place[int(step) if step.isdigit() else step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return pod


def test_a_right_pod_is_taken():
    """The client library's own models read it."""
    assert check(POD, V1Pod).spec.containers[0].resources.limits == {"memory": "128Mi"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("spec.containers", None, id="no containers"),
        pytest.param("spec.containers.0.name", None, id="a container without a name"),
        pytest.param("spec.memory", "128Mi", id="an unknown field"),
        pytest.param("spec.containers.0.memLimit", "1", id="an unknown field, deep"),
        pytest.param(
            "spec.containers.0.envFrom",
            [{"secret": {"name": "x"}}],
            id="an unknown field, in a list",
        ),
    ],
)
def test_a_wrong_pod_is_refused(path, value):
    """What a field is called, and which there must be, the models know."""
    with pytest.raises(RefusedByClusterError) as refused:
        check(changed(path, value), V1Pod)
    assert refused.value.status == 422


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        pytest.param("134217728", 134_217_728, id="bytes"),
        pytest.param("128Mi", 134_217_728, id="mebibytes"),
        pytest.param("1Gi", 1_073_741_824, id="gibibytes"),
    ],
)
def test_quantities_are_read_as_kubernetes_reads_them(text, size_bytes):
    """Only those that the tests use."""
    assert quantity(text) == size_bytes
