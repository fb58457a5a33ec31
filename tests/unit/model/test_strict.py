"""Models of a feed file take known keys and exact types only, and name the field of a mistake."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from include.ticklake.model.strict import FieldError, StrictModel


class Sample(StrictModel):
    """A model as those of a feed file are."""

    count: int = 1


@pytest.mark.parametrize("values", [{"cuont": 1}, {"count": "1"}, {"count": True}])
def test_unknown_keys_and_other_types_are_refused(values):
    """Nothing is converted or ignored silently."""
    with pytest.raises(ValidationError):
        Sample.model_validate(values)


def test_a_model_does_not_change():
    """What was validated stays valid."""
    with pytest.raises(ValidationError, match="frozen"):
        Sample().count = 2


def test_a_field_error_has_its_path():
    """Relative to the model that raises it."""
    error = FieldError("is wrong", path=("a", "b"))
    assert (str(error), error.path) == ("is wrong", ("a", "b"))
