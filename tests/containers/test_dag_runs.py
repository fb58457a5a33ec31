"""The whole DAG, from an API's pages to the lake on S3, with its heavy steps in containers.

Real parts all the way: ``airflow dags test``, an S3 server, the image as ``make image`` built
it under its cgroup; only the API is the replay, and a cluster is its stand-in.
"""

import asyncio
import json
import subprocess
import sys

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from kubernetes.client.models import V1EnvVar

from include.operators.runners import step_task
from include.operators.runners.docker import DockerStepOperator
from include.operators.runners.kubernetes import KubernetesStepOperator
from tests.conftest import REPOSITORY
from tests.containers.task import context
from tests.kubernetes.stand_in import Cluster
from tests.support.lake_objects import lake_objects
from tools.demo.run import replay

pytestmark = [
    pytest.mark.containers,
    pytest.mark.dag,
    pytest.mark.s3,
    # docker-py and kubernetes_asyncio leave sockets to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

FEED = "binance_klines"
RUN_AT = "2026-01-02T03:00:00+00:00"


@pytest.fixture(scope="module")
def bucket(s3_server):
    """A bucket for all lakes of this module."""
    return s3_server.bucket()


@pytest.fixture(scope="module")
def cluster(engine, bucket):
    """A cluster whose Secret opens the bucket."""
    with Cluster(engine, secrets={"storage": bucket.environment}) as running:
        yield running


POD_TEMPLATE = """
apiVersion: v1
kind: Pod
spec: {hostNetwork: true, containers: [{name: base}]}
"""
"""The stand-in's pods are on the host's network, where the bucket is."""


@pytest.fixture(scope="module")
def worker(bucket, cluster, image, tmp_path_factory) -> dict[str, str]:
    """A worker's environment, but for the runner and the lake."""
    template = tmp_path_factory.mktemp("template") / "pod.yaml"
    template.write_text(POD_TEMPLATE)
    aws = {
        "conn_type": "aws",
        "login": bucket.access_key,
        "password": bucket.secret_key,
        "extra": {"region_name": "us-east-1", "endpoint_url": bucket.endpoint_url},
    }
    kubernetes = {"conn_type": "kubernetes", "extra": {"kube_config": json.dumps(cluster.config)}}
    return {
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(aws),
        "AIRFLOW_CONN_KUBERNETES_DEFAULT": json.dumps(kubernetes),
        "TICKLAKE_DOCKER_NETWORK": "host",
        "TICKLAKE_IMAGE": image,
        "TICKLAKE_KUBERNETES_NAMESPACE": "ticklake",
        "TICKLAKE_KUBERNETES_POD_TEMPLATE": str(template),
        "TICKLAKE_KUBERNETES_SECRET": "storage",
    }


@pytest.fixture(scope="module")
def runs(airflow_env, worker, bucket, tmp_path_factory) -> dict[str, subprocess.CompletedProcess]:
    """The feed's DAG over its hour, once with each runner, each with a lake of its own.

    In containers pages are fetched as well.
    """
    with replay(tmp_path_factory.mktemp("replay")) as base_url:
        return {
            runner: subprocess.run(
                [sys.executable, "-m", "airflow", "dags", "test", f"ingest_{FEED}", RUN_AT],
                env={
                    **airflow_env,
                    **worker,
                    "TICKLAKE_BASE_URL": base_url,
                    "TICKLAKE_ROOT": f"{bucket.root}/{runner}",
                    "TICKLAKE_RUNNER": runner,
                    "TICKLAKE_EXTRACT": "worker" if runner == "process" else "capped",
                },
                cwd=REPOSITORY,
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            for runner in ("process", "docker", "kubernetes")
        }


def lake(bucket, runner: str) -> dict[str, bytes]:
    """What lies in the lake of *runner*, by key."""
    folder = bucket.folder / "lake" / runner
    return {
        key: body
        for key, body in lake_objects(folder).items()
        if not key.startswith("_incomplete/")
    }


@pytest.mark.parametrize("runner", ["process", "docker", "kubernetes"])
def test_the_dag_runs_to_its_end(runs, runner):
    """From an API's pages to one asset event."""
    assert runs[runner].returncode == 0, runs[runner].stdout[-4000:] + runs[runner].stderr[-4000:]


def test_steps_ran_where_the_setting_says(runs, cluster, image):
    """A container or a pod for each extraction and each conversion; a process has neither."""
    started = runs["docker"].stdout.count(f"Starting docker container from image {image}")
    assert started == len(cluster.created) == 4
    labels = [pod["metadata"]["labels"]["app.kubernetes.io/component"] for pod in cluster.created]
    assert sorted(labels) == ["convert", "convert", "extract", "extract"]
    assert "docker container" not in runs["process"].stdout + runs["kubernetes"].stdout


def test_every_runner_leaves_the_same_lake(runs, bucket):
    """Byte for byte: neither extraction nor conversion depends on where it runs."""
    lakes = [lake(bucket, runner) for runner in runs]
    assert any(key.endswith(".parquet") for key in lakes[0])
    assert lakes[0] == lakes[1] == lakes[2]


@pytest.fixture
def small(runs, worker, bucket, monkeypatch) -> dict:
    """The arguments of a conversion in 32 MiB, by a converter that believes it has more."""
    monkeypatch.setattr(step_task, "budget_for", lambda _: None)  # refuses so small a limit
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    settings = {"TICKLAKE_ROOT": f"{bucket.root}/process", "TICKLAKE_CAP": "32MiB"}
    for name, value in (worker | settings).items():
        monkeypatch.setenv(name, value)
    assert runs["process"].returncode == 0
    manifests = [key for key in lake(bucket, "process") if key.startswith("manifests/")]
    uris = [f"{settings['TICKLAKE_ROOT']}/{key}" for key in manifests]
    return {"task_id": "convert", "feed": FEED, "step": "convert", "manifests": uris}


def test_a_container_of_32_mib_ends_out_of_memory(small):
    """The real converter under the engine's real cgroup; the message says what to change."""
    task = DockerStepOperator(**small, environment={"TICKLAKE_CAP": "128MiB"})
    with pytest.raises(AirflowFailException) as ended:
        task.execute(context())
    assert_says_what_to_change(str(ended.value), runner="docker")


def test_a_pod_of_32_mib_ends_out_of_memory(small):
    """The same by way of ``OOMKilled`` in the pod's status."""
    more = {"env_vars": [V1EnvVar("TICKLAKE_CAP", "128MiB")], "poll_interval": 0.2}
    with pytest.raises(TaskDeferred) as deferred:
        KubernetesStepOperator(**small, **more).execute(context())
    event = asyncio.run(anext(aiter(deferred.value.trigger.run())))
    with pytest.raises(AirflowFailException) as ended:
        KubernetesStepOperator(**small, **more).trigger_reentry(context(), event.payload)
    assert_says_what_to_change(str(ended.value), runner="kubernetes")


def assert_says_what_to_change(message: str, *, runner: str) -> None:
    """Limit, peak, sizes in force, largest record and setting: Python alone does not fit here."""
    assert f"out of memory at its limit of 32 MiB ({runner}, exit 137); peak 32 MiB" in message
    assert "sizes in force: blocks of 512 KiB, row groups of 65,536 rows or 4 MiB" in message
    assert "no record was read yet" in message
    assert "raise TICKLAKE_CAP, or `cap` in the feed's file" in message
