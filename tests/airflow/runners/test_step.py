"""The commands that a step is split into, and the error that an exit code stands for."""

from __future__ import annotations

import pytest

from include.operators.runners.step import build_argvs, raise_for_exit
from include.operators.runners.step_report import StepReport
from include.ticklake import errors
from include.ticklake.model.messages import UnitFailed, encode

ROOT = "s3://bucket/prefix"


def uris(count: int, length: int = 120) -> list[str]:
    return [f"{ROOT}/{number:0{length}d}.json" for number in range(count)]


def test_one_call_converts_a_batch():
    """Interpreter, module, manifests, root: nothing else, and no secret among them."""
    (argv,) = build_argvs(["convert"], uris(2), root_uri=ROOT, python="python")
    assert argv == ["python", "-m", "include.ticklake", "convert", *uris(2), "--root", ROOT]


def test_a_batch_that_no_kernel_would_take_is_several_calls():
    """Every manifest is in exactly one call, in order, and each call is short."""
    calls = list(build_argvs(["convert"], uris(5000), root_uri=ROOT, python="python"))
    assert [uri for call in calls for uri in call[4:-2]] == uris(5000)
    assert max(sum(len(word) + 1 for word in call) for call in calls) < 128 * 1024


@pytest.mark.parametrize("length", [10, 200_000], ids=["short", "longer than a call may be"])
def test_a_call_holds_at_least_one_manifest(length):
    """However long its name is."""
    calls = list(build_argvs(["convert"], uris(1, length), root_uri=ROOT))
    assert [call[4:-2] for call in calls] == [uris(1, length)]


def test_no_manifests_need_no_call():
    """A batch of windows that were never fetched starts no process."""
    assert list(build_argvs(["convert"], [], root_uri=ROOT)) == []


@pytest.mark.parametrize(
    ("exit_code", "error"),
    [
        (1, errors.TicklakeError),
        (2, errors.UserError),
        (3, errors.RetryableError),
        (4, errors.DataError),
        (137, errors.OutOfMemoryError),
        (143, errors.TicklakeError),
    ],
)
def test_an_exit_code_is_the_error_that_it_stands_for(exit_code, error):
    """The message is the command line's own last words, all lines of them."""
    lines = ["INFO convert.start", "ticklake: bars.yaml:3: window", "bars.yaml:4: slices"]
    with pytest.raises(error, match=r"code \d+: bars.yaml:3: window\nbars.yaml:4: slices$"):
        raise_for_exit(exit_code, report=report(*lines), step="conversion")


def test_a_process_that_was_killed_is_reported_with_its_last_line():
    """It cannot report anything itself, and a retry may help."""
    with pytest.raises(errors.RetryableError, match=r"signal 11 .*: INFO convert\.start"):
        raise_for_exit(139, report=report("INFO convert.start"), step="conversion")
    with pytest.raises(errors.RetryableError, match="it wrote nothing"):
        raise_for_exit(139, report=report(), step="conversion")


def test_exit_code_0_raises_nothing():
    """A warning on the way is not a failure."""
    raise_for_exit(0, report=report("ticklake: all well"), step="conversion")


def report(*lines: str) -> StepReport:
    """What a step reported with these lines."""
    step_report = StepReport(cap_bytes=1)
    for line in lines:
        step_report.read_line(line)
    return step_report


def test_a_step_in_which_some_units_failed_raises_when_all_its_commands_ran():
    """Its own error is a list of them; anything else that ends it is raised at once."""
    failure = encode(UnitFailed.of("symbol=A", errors.ParityError("2 of 3 rows")))
    step_report = report(failure, "ticklake: 1 of 2 units failed")
    raise_for_exit(4, report=step_report, step="conversion")
    with pytest.raises(errors.ParityError, match="2 of 3 rows"):
        step_report.failed.raise_if_any()
    with pytest.raises(errors.UserError, match="1 of 2 units failed"):
        raise_for_exit(2, report=step_report, step="conversion")
