"""The manifests of ``deploy/kubernetes`` are what a cluster takes and what the operator needs."""

import re

import pytest
import yaml
from kubernetes.client import models

from include.operators.access.settings import ContainerSettings
from include.operators.runners.kubernetes import KubernetesStepOperator
from include.ticklake.errors import DataError
from tests.conftest import REPOSITORY
from tests.kubernetes.pod_check import check, quantity
from tests.kubernetes.tasks import operator, run

FOLDER = REPOSITORY / "deploy" / "kubernetes"

MODELS = {
    "Namespace": models.V1Namespace,
    "NetworkPolicy": models.V1NetworkPolicy,
    "Pod": models.V1Pod,
    "ResourceQuota": models.V1ResourceQuota,
    "Role": models.V1Role,
    "RoleBinding": models.V1RoleBinding,
    "Secret": models.V1Secret,
    "ServiceAccount": models.V1ServiceAccount,
}

OBJECTS = [
    pytest.param(path.name, found, id=f"{path.name}-{found['kind']}")
    for path in sorted(FOLDER.glob("*.yaml"))
    for found in yaml.safe_load_all(path.read_text())
    if path.name != "kustomization.yaml"
]


def only(kind: str) -> dict:
    """The one object of this *kind*."""
    (found,) = [case.values[1] for case in OBJECTS if case.values[1]["kind"] == kind]
    return found


@pytest.mark.parametrize(("name", "found"), OBJECTS)
def test_a_manifest_is_what_the_client_library_knows(name, found):
    """Every field is one of the models', and none is missing that they require."""
    if name == "pod-template.example.yaml":
        # A template need not be a whole pod: what is missing is the operator's to add.
        found["spec"]["containers"][0] |= {"image": "x"}
    check(found, MODELS[found["kind"]])


@pytest.mark.parametrize(("name", "found"), OBJECTS)
def test_everything_lies_in_the_namespace(name, found):
    """But for the namespace itself, and templates of pods."""
    if found["kind"] not in ("Namespace", "Pod"):
        assert found["metadata"]["namespace"] == only("Namespace")["metadata"]["name"], name


def test_the_kustomization_names_every_file():
    """Except examples, which are to be copied first."""
    told = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
    files = {path.name for path in FOLDER.glob("*.yaml") if ".example." not in path.name}
    assert set(told) == files - {"kustomization.yaml"}


def test_pods_run_as_the_service_account_that_is_there():
    """The default of ``TICKLAKE_KUBERNETES_SERVICE_ACCOUNT``."""
    assert ContainerSettings().service_account == only("ServiceAccount")["metadata"]["name"]


@pytest.mark.parametrize("step", ["convert", "compact", "extract"])
def test_the_network_policy_selects_the_pods_of_each_step(step):
    """By labels that the operator gives them."""
    selector = only("NetworkPolicy")["spec"]["podSelector"]
    labels = KubernetesStepOperator(task_id=step, feed="binance_klines", step=step).labels
    assert selector["matchLabels"].items() <= labels.items()
    (component,) = selector["matchExpressions"]
    assert component["operator"] == "In"
    assert labels[component["key"]] in component["values"]


def test_the_quota_has_room_for_its_pods_at_the_default_cap():
    """Two hundred conversions of 128 MiB."""
    hard = only("ResourceQuota")["spec"]["hard"]
    assert quantity(hard["limits.memory"]) >= int(hard["pods"]) * 128 * 1024**2


def test_the_example_template_leaves_the_operators_pod_as_it_is(monkeypatch):
    """It adds annotations and scheduling, and replaces nothing."""
    monkeypatch.setenv(
        "TICKLAKE_KUBERNETES_POD_TEMPLATE", str(FOLDER / "pod-template.example.yaml")
    )
    monkeypatch.setenv("TICKLAKE_KUBERNETES_NAMESPACE", "ticklake")
    task = operator("ok", image="convert:1")
    pod = task.build_pod_request_obj(dry_run=True)
    assert pod.spec.containers[0].image == "convert:1"
    assert pod.spec.containers[0].security_context.read_only_root_filesystem
    assert pod.spec.topology_spread_constraints
    assert len(pod.spec.containers) == 1


@pytest.mark.containers
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_role_allows_exactly_what_the_operator_asks(cluster, stand_in):
    """Each verb is one that runs use, and nothing beyond pods and events."""
    run("ok", image=stand_in)
    run("ok", image=stand_in, deferrable=False)
    with pytest.raises(DataError):
        run("exit-4", image=stand_in)
    allowed = {
        (resource, verb)
        for rule in only("Role")["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert {_verb(request) for request in cluster.asked} == allowed


def _verb(request: str) -> tuple[str, str]:
    """Resource and verb, as a Role names them, of a request to the API."""
    method, path = request.split(" ")
    kind, name, sub = re.fullmatch(
        r"/api/v1/namespaces/[^/]+/(\w+)(?:/([^/]+))?(/log)?", path
    ).groups()
    verbs = {"POST": "create", "PATCH": "patch", "DELETE": "delete"}
    return kind + (sub or ""), verbs.get(method) or ("get" if name else "list")
