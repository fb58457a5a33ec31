"""The example of a task's pod under KubernetesExecutor, as the executor itself makes pods of it."""

from __future__ import annotations

import pytest
import yaml
from kubernetes.client import ApiClient, models

from include.operators.access.settings import OperatorSettings
from include.ticklake.model.sizes import MIB
from include.ticklake.settings import Settings
from tests.conftest import REPOSITORY
from tests.kubernetes.pod_check import check, quantity

TEMPLATE = REPOSITORY / "deploy/kubernetes/worker-pod-template.example.yaml"
AIRFLOW_BYTES = 200 * 10**6
"""What a worker's process takes, by docs/explanation/scaling.md."""


@pytest.fixture(scope="module")
def pod() -> dict:
    """What KubernetesExecutor would send for a task."""
    from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator

    made = PodGenerator.construct_pod(
        dag_id="ingest_binance_klines",
        task_id="extract",
        pod_id="ingest-binance-klines-extract-1",
        try_number=1,
        map_index=3,
        kube_image="",
        date=None,
        args=["python", "-m", "airflow.sdk.execution_time.execute_workload"],
        pod_override_object=None,
        base_worker_pod=PodGenerator.deserialize_model_file(str(TEMPLATE)),
        namespace="airflow",
        scheduler_job_id="1",
    )
    return ApiClient().sanitize_for_serialization(made)


@pytest.fixture
def container(pod) -> dict:
    """The only one: the executor looks for it by its name."""
    (container,) = pod["spec"]["containers"]
    assert container["name"] == "base"
    return container


def test_the_executors_pod_keeps_what_the_template_says(pod, container):
    """Nothing is unknown to Kubernetes, and the image is the template's where no other is set."""
    check(pod, models.V1Pod)
    template = yaml.safe_load(TEMPLATE.read_text())["spec"]
    assert pod["spec"]["securityContext"] == template["securityContext"]
    assert pod["spec"]["volumes"] == template["volumes"]
    for name in ("image", "envFrom", "resources", "securityContext", "volumeMounts"):
        assert container[name] == template["containers"][0][name]


def test_it_passes_the_strictest_pod_security(pod, container):
    """The rules of ``restricted``; and it has no token of the Kubernetes API."""
    of_pod, of_container = pod["spec"]["securityContext"], container["securityContext"]
    assert of_pod["runAsNonRoot"]
    assert of_pod["runAsUser"] > 0
    assert of_pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert of_container == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert {name for volume in pod["spec"]["volumes"] for name in volume} == {"name", "emptyDir"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod["spec"].keys()
    assert pod["spec"]["automountServiceAccountToken"] is False


def test_the_steps_run_in_it(container):
    """Both runners' settings are valid, and mean this pod."""
    env = {one["name"]: one["value"] for one in container["env"]}
    settings = OperatorSettings.from_env(env)
    assert (settings.runner, settings.extract) == ("process", "worker")
    assert Settings.from_env(env).root_uri.startswith("s3://")
    known = {doc.variable for doc in (*OperatorSettings.documentation(), *Settings.documentation())}
    assert {name for name in env if name.startswith("TICKLAKE_")} <= known


def test_there_is_memory_for_airflow_and_a_conversion(container):
    """And as much is reserved as may be used."""
    resources = container["resources"]
    assert resources["requests"]["memory"] == resources["limits"]["memory"]
    env = {one["name"]: one["value"] for one in container["env"]}
    cap_bytes = Settings.from_env(env).cap_bytes
    assert cap_bytes == 128 * MIB
    assert quantity(resources["limits"]["memory"]) >= AIRFLOW_BYTES + cap_bytes
