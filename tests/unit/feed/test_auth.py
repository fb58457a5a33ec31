"""A login names its connection, and what its kind needs besides."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from include.ticklake.feed.auth import Auth


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        pytest.param({"kind": "header"}, "name is required", id="a header without a name"),
        pytest.param({"kind": "basic", "name": "x"}, "name is required", id="a name too many"),
        pytest.param({"kind": "sign"}, "signer is required", id="nobody to sign"),
        pytest.param(
            {"kind": "bearer", "signer": "a:b"}, "signer is required", id="a signer too many"
        ),
    ],
)
def test_a_login_has_the_options_of_its_kind(auth, message):
    """One that is missing, or that would be ignored, is a mistake."""
    with pytest.raises(ValidationError, match=message):
        Auth.model_validate({"connection": "acme"} | auth)
