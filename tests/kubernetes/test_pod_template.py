"""What a template, an argument or the worker says of a pod is obeyed or refused, never dropped."""

import json

import pytest
import yaml
from kubernetes.client import models as k8s

from include.ticklake.errors import UsageError
from tests.containers.task import CAP_BYTES, SECRET, context
from tests.kubernetes.tasks import ENDPOINT, operator, run

pytestmark = [
    pytest.mark.containers,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def template(tmp_path, monkeypatch):
    """Writes the template of pods: fields of its spec, and of its container."""

    def write(spec: dict | None = None, **container) -> None:
        path = tmp_path / "pod.yaml"
        containers = [{"name": "base", **container}]
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "spec": {**(spec or {}), "containers": containers},
        }
        path.write_text(yaml.safe_dump(pod))
        monkeypatch.setenv("TICKLAKE_KUBERNETES_POD_TEMPLATE", str(path))

    return write


def aws(monkeypatch, **extra) -> None:
    """The Airflow connection of the storage."""
    connection = {"conn_type": "aws", "login": "key", "password": SECRET, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))


def env_of(pod: dict) -> dict[str, str]:
    """The plain variables of a pod's container."""
    return {one["name"]: one.get("value", "") for one in pod["spec"]["containers"][0]["env"]}


def test_a_pod_asks_the_store_of_the_plan(cluster, stand_in, monkeypatch):
    """Endpoint, region and style of the connection are plain settings; its keys are not there."""
    style = {"s3": {"addressing_style": "virtual"}}
    monkeypatch.delenv("TICKLAKE_RATE_LIMIT_URL")
    aws(monkeypatch, endpoint_url=ENDPOINT, region_name="eu-north-1", config_kwargs=style)
    run("ok", image=stand_in)
    (pod,) = cluster.created
    assert env_of(pod) == {
        "TICKLAKE_CAP": str(CAP_BYTES),
        "AWS_ENDPOINT_URL": ENDPOINT,
        "AWS_ENDPOINT_URL_S3": ENDPOINT,
        "AWS_REGION": "eu-north-1",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
    }
    assert SECRET not in json.dumps(pod)


def test_a_secret_cannot_lead_to_another_store(cluster, stand_in, monkeypatch):
    """Where the plan asks AWS itself, the pod is told so by empty variables, which win."""
    aws(monkeypatch, region_name="us-east-1")
    run("ok", image=stand_in)
    env = env_of(cluster.created[0])
    assert (env["AWS_ENDPOINT_URL"], env["AWS_ENDPOINT_URL_S3"]) == ("", "")


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        pytest.param("http://localhost:9000", "cannot reach http://localhost:9000", id="name"),
        pytest.param("http://127.0.0.1:9000", "which is this worker itself", id="address"),
        pytest.param("http://me:canary-pw@s3:9000", "http://***@s3:9000 holds a login", id="login"),
    ],
)
def test_a_store_that_a_pod_cannot_ask_is_refused(cluster, monkeypatch, endpoint, message):
    """Before it starts."""
    aws(monkeypatch, endpoint_url=endpoint)
    with pytest.raises(UsageError) as refused:
        run("ok", image="none")
    assert message in str(refused.value)
    assert "canary-pw" not in str(refused.value)
    assert cluster.created == []


@pytest.mark.parametrize("where", ["env_vars", "containers[0].env"])
def test_another_store_in_the_pods_own_variables_is_refused(cluster, template, where):
    """They would win over those of the plan."""
    other = {"AWS_ENDPOINT_URL_S3": "http://other:9000"}
    arguments = {"env_vars": other} if where == "env_vars" else {}
    if not arguments:
        template(env=[{"name": name, "value": value} for name, value in other.items()])
    with pytest.raises(UsageError, match="AWS_ENDPOINT_URL_S3 is not that of the plan") as refused:
        run("ok", image="none", **arguments)
    assert str(refused.value).startswith(where)
    assert cluster.created == []


def test_certificates_are_mounted_or_refused(cluster, stand_in, template, monkeypatch):
    """A path of the worker means nothing in a pod that has no such file."""
    monkeypatch.setenv("AWS_CA_BUNDLE", "/certs/ca.pem")
    with pytest.raises(UsageError, match=r"a pod has no file /certs/ca\.pem"):
        run("ok", image=stand_in)
    template(
        {"volumes": [{"name": "certs", "emptyDir": {"sizeLimit": "1Mi"}}]},
        volumeMounts=[{"name": "certs", "mountPath": "/certs"}],
    )
    run("ok", image=stand_in)
    assert env_of(cluster.created[0])["AWS_CA_BUNDLE"] == "/certs/ca.pem"


def test_a_template_adds_to_what_a_pod_is_given(cluster, stand_in, template):
    """Its group, CPU, account and periods are there, beside the limit and the hardening."""
    template(
        {
            "securityContext": {"fsGroup": 2000, "runAsUser": 1234},
            "serviceAccountName": "theirs",
            "terminationGracePeriodSeconds": 9,
            "activeDeadlineSeconds": 77,
        },
        resources={"limits": {"cpu": "2", "memory": "96Mi"}, "requests": {"cpu": "250m"}},
    )
    task = operator("ok", image=stand_in)
    task.deferrable = False
    task.pre_execute(context())
    task.execute(context())
    spec = cluster.created[0]["spec"]
    assert spec["securityContext"] == {
        "fsGroup": 2000,
        "runAsUser": 1234,
        "runAsGroup": 10001,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert spec["serviceAccountName"] == "theirs"
    assert (spec["terminationGracePeriodSeconds"], spec["activeDeadlineSeconds"]) == (9, 77)
    assert spec["containers"][0]["resources"] == {
        "limits": {"cpu": "2", "memory": str(CAP_BYTES)},
        "requests": {"cpu": "250m", "memory": str(CAP_BYTES)},
    }


@pytest.mark.parametrize(
    ("spec", "container", "message"),
    [
        pytest.param(
            {},
            {"resources": {"limits": {"memory": "4Gi"}}},
            "memory of 4Gi is not the memory limit",
            id="memory",
        ),
        pytest.param(
            {"securityContext": {"runAsUser": 0}}, {}, "spec.securityContext.runAsUser", id="root"
        ),
        pytest.param(
            {},
            {"securityContext": {"readOnlyRootFilesystem": False}},
            "containers[0].securityContext.readOnlyRootFilesystem",
            id="a root to write to",
        ),
    ],
)
def test_a_template_that_contradicts_is_refused(cluster, template, spec, container, message):
    """It would be dropped, or would take limit and hardening away."""
    template(spec, **container)
    with pytest.raises(UsageError) as refused:
        run("ok", image="none")
    assert message in str(refused.value)
    assert cluster.created == []


def test_resources_of_an_argument_keep_the_limit(cluster, stand_in):
    """What they do not say is ours; other memory than the limit is refused."""
    run(
        "ok", image=stand_in, container_resources=k8s.V1ResourceRequirements(limits={"cpu": "500m"})
    )
    found = cluster.created[0]["spec"]["containers"][0]["resources"]
    assert found["requests"] == found["limits"] == {"cpu": "500m", "memory": str(CAP_BYTES)}
    other = k8s.V1ResourceRequirements(requests={"memory": "1Gi"})
    with pytest.raises(UsageError, match="memory of 1Gi is not the memory limit"):
        run("ok", image=stand_in, container_resources=other)


def test_cpu_is_a_setting(cluster, stand_in, monkeypatch):
    """Requested, and the most that a pod gets."""
    monkeypatch.setenv("TICKLAKE_KUBERNETES_CPU", "250m")
    run("ok", image=stand_in)
    found = cluster.created[0]["spec"]["containers"][0]["resources"]
    assert found["requests"]["cpu"] == found["limits"]["cpu"] == "250m"


def test_pods_need_a_namespace_that_somebody_named(cluster, stand_in, monkeypatch):
    """Not ``default``: there is neither quota nor policy. The connection may name it."""
    monkeypatch.delenv("TICKLAKE_KUBERNETES_NAMESPACE")
    with pytest.raises(UsageError, match="set TICKLAKE_KUBERNETES_NAMESPACE"):
        run("ok", image=stand_in)
    extra = {"kube_config": json.dumps(cluster.config), "namespace": "quant"}
    connection = {"conn_type": "kubernetes", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_KUBERNETES_DEFAULT", json.dumps(connection))
    run("ok", image=stand_in)
    assert "POST /api/v1/namespaces/quant/pods" in cluster.asked


def test_a_limit_that_no_step_fits_in_is_refused(cluster, monkeypatch):
    """Before there is a pod."""
    monkeypatch.setenv("TICKLAKE_CAP", "64MiB")
    with pytest.raises(UsageError, match="a cap of 64 MiB is too small"):
        run("ok", image="none")
    assert cluster.created == []
