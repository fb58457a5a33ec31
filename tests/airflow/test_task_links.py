"""Where the buttons of a task instance lead."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from include.ticklake.lake import layout
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window

pytestmark = [
    pytest.mark.dag,
    pytest.mark.filterwarnings("default"),  # Airflow's own, on import
]

SLICE = Slice.of({"pair": "XBT/USD"})
WINDOW = Window(datetime(2026, 1, 2, 5, tzinfo=UTC), datetime(2026, 1, 2, 6, tzinfo=UTC))
PAGES = "/plugin/lake/ticklake"


@pytest.fixture(autouse=True)
def _no_base_url(monkeypatch):
    """Links inside the UI need none."""
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "")


def links(operator) -> dict[str, str]:
    """Name and address of each button, as a worker stores them."""
    return {
        link.name: link.get_link(operator, ti_key=None) for link in operator.operator_extra_links
    }


def extract():
    from include.operators.extract import ExtractOperator

    unit = Unit(SLICE, WINDOW).as_dict()
    return ExtractOperator(task_id="extract", feed="bars", units=[unit])


def convert(root: str):
    from include.operators.runners.process import ProcessStepOperator

    uri = layout.uri(root, layout.manifest_key("bars", SLICE, WINDOW))
    return ProcessStepOperator(task_id="convert", feed="bars", step="convert", manifests=[uri])


@pytest.mark.parametrize("operator", [extract, lambda: convert("file:///lake")])
def test_a_batch_links_to_the_page_of_its_first_unit(operator):
    """Whether it knows its units, or their manifests."""
    found = links(operator())
    slice_ = "slice=pair%3DXBT%2FUSD"
    unit = f"{PAGES}/unit?feed=bars&{slice_}&start=2026-01-02T05%3A00%3A00Z"
    assert found == {
        "Coverage": f"{PAGES}/coverage?feed=bars&{slice_}",
        "Manifest": unit,
        "Object": f"{unit}#objects",
    }


@pytest.mark.parametrize(("area", "operator"), [("json", extract), ("parquet", None)])
def test_an_object_on_aws_is_shown_in_its_console(area, operator, monkeypatch):
    """The folder of the window; a server with an endpoint of its own has no console."""
    root = "s3://ticks/lake"
    monkeypatch.setenv("TICKLAKE_ROOT", root)
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    task = operator() if operator else convert(root)
    url = links(task)["Object"]
    assert url.startswith("https://console.aws.amazon.com/s3/buckets/ticks?prefix=")
    assert f"lake%2F{area}%2Fbars%2Fpair%3DXBT%252FUSD%2F" in url
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9000")
    assert links(task)["Object"].endswith("#objects")


def test_addresses_outside_of_the_ui_begin_with_airflows_own(monkeypatch):
    """An alert is read in an e-mail."""
    from include.operators.task_info import page_links

    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.com/team/")
    assert page_links.quarantine_url("bars") == (
        f"https://airflow.example.com/team{PAGES}/quarantine?feed=bars"
    )
    assert page_links.dag_url("audit").endswith("/team/dags/audit")


def test_an_empty_batch_links_to_the_feed():
    """There is no unit to link to."""
    from include.operators.runners.process import ProcessStepOperator

    task = ProcessStepOperator(task_id="convert", feed="bars", step="convert", manifests=[])
    assert links(task) == {"Coverage": f"{PAGES}/coverage?feed=bars", "Manifest": "", "Object": ""}


def test_every_runner_has_the_buttons():
    """A mapped task has the operator of its feed's runner."""
    from include.operators.runners.docker import DockerStepOperator
    from include.operators.runners.kubernetes import KubernetesStepOperator
    from include.operators.task_info.task_links import BATCH_LINKS

    assert DockerStepOperator.operator_extra_links == BATCH_LINKS
    assert KubernetesStepOperator.operator_extra_links == BATCH_LINKS
