"""A check is plain JSON, with a fix unless there is nothing to do."""

from __future__ import annotations

from include.ticklake.doctor.diagnosis import Diagnosis


def test_each_state_has_its_fields():
    """A program reads the same as people do."""
    assert Diagnosis.ok("disk", "9 GiB free").as_dict() == {
        "check": "disk", "state": "ok", "text": "9 GiB free", "fix": "",
    }  # fmt: skip
    assert Diagnosis.warn("disk", "little", "make room").state == "warn"
    assert Diagnosis.fail("disk", "none", "make room").as_dict()["fix"] == "make room"
