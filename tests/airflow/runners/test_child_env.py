"""A child process gets the variables that its step reads, and nothing else of the worker's."""

from __future__ import annotations

import pytest

from include.operators.access.settings import OperatorSettings
from include.operators.runners.child_env import child_env

pytestmark = [
    pytest.mark.dag,
    pytest.mark.filterwarnings("default"),  # Airflow's own, on import
]

SYSTEM = {"PATH": "/bin", "HOME": "/root", "LANG": "C.UTF-8", "LC_ALL": "C", "PYTHONPATH": "/repo"}
OURS = {"TICKLAKE_ROOT": "x", "TICKLAKE_FEEDS": "/feeds", "TICKLAKE_BASE_URL": "http://replay"}
PROXIES = {"HTTPS_PROXY": "http://me:canary@proxy", "no_proxy": "a.b", "SSL_CERT_FILE": "/ca.pem"}
GOOGLE = {"GOOGLE_APPLICATION_CREDENTIALS": "/key.json"}
AZURE = {"AZURE_STORAGE_ACCOUNT_KEY": "canary"}
SIGNER = {"ACME_PASSPHRASE": "canary"}
HIDDEN = {
    "AIRFLOW_CONN_AWS_DEFAULT": "aws://canary",
    "AIRFLOW__CORE__FERNET_KEY": "canary",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://a:canary@b/c",
    "_AIRFLOW_PROCESS_CONTEXT": "client",
    "AWS_SECRET_ACCESS_KEY": "canary",
    "GITHUB_TOKEN": "canary",
    "PGPASSWORD": "canary",
    "TICKLAKE_ICEBERG": "https://me:canary@catalog",
    "VAULT_TOKEN": "canary",
}
ALL = SYSTEM | OURS | PROXIES | GOOGLE | AZURE | SIGNER | HIDDEN


@pytest.mark.parametrize(
    ("root_uri", "step", "kept"),
    [
        pytest.param("file:///lake", "convert", {}, id="no network"),
        pytest.param("file:///lake", "extract", PROXIES, id="a source"),
        pytest.param("s3://b", "compact", PROXIES, id="S3, whose keys are added"),
        pytest.param("gs://b", "convert", PROXIES | GOOGLE, id="Google Cloud"),
    ],
)
def test_only_what_the_step_reads_is_kept(root_uri, step, kept):
    """By a list of names: what is on none stays with the worker."""
    settings = OperatorSettings(root_uri=root_uri)
    assert child_env(ALL, settings=settings, step=step) == SYSTEM | OURS | kept


def test_a_signers_own_variables_are_passed_on_by_name():
    """``TICKLAKE_STEP_ENV`` lists them."""
    settings = OperatorSettings.from_env({"TICKLAKE_STEP_ENV": "ACME_PASSPHRASE, NOT_SET"})
    assert child_env(ALL, settings=settings, step="convert") == SYSTEM | OURS | SIGNER


def test_a_container_gets_an_address_with_a_login_where_nobody_sees_it():
    """And what users name; the rest of the addresses may be seen."""
    from include.operators.runners.containers import private_step_env, step_env

    private = {
        "AWS_ENDPOINT_URL": "http://me:canary@s3",
        "TICKLAKE_RATE_LIMIT_URL": "redis://:canary@redis:6379/1",
    }
    environ = ALL | private | {"AWS_REGION": "eu-west-2"}
    settings = OperatorSettings(step_env=("ACME_PASSPHRASE",))
    assert "canary" not in str(step_env(environ, cap_bytes=1))
    assert private_step_env(environ, settings=settings) == SIGNER | private
