"""How a source writes CSV, as a feed describes it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from include.ticklake.model.strict import StrictModel

_WORDS = {"tab": "\t", "none": ""}
_NOT_ALLOWED = "\r\n\\{}"


def _sign(text: str) -> str:
    sign = _WORDS.get(text, text)
    if len(sign) > 1 or not sign.isascii() or sign in tuple(_NOT_ALLOWED):
        raise ValueError(f"{text!r} is not one sign; write one such as ';' or the word tab")
    return sign


class CsvFormat(StrictModel):
    """How CSV is written."""

    header: bool | None = Field(
        None,
        description="Whether the first line holds the names of the columns. Defaults to true where "
        "source.columns is not set. Where it is, the header must have these names.",
    )
    delimiter: Annotated[str, AfterValidator(_sign)] = Field(
        ",", description="What separates values: ';', '|' or tab. Defaults to a comma."
    )
    quote: Annotated[str, AfterValidator(_sign)] = Field(
        '"',
        description="What stands around values that hold a delimiter or a line break; none where "
        "quotes are letters like others. Defaults to a double quote.",
    )

    def has_header(self, columns: object) -> bool:
        """Whether the text begins with the names of its columns, where *columns* are the feed's."""
        return columns is None if self.header is None else self.header

    @model_validator(mode="after")
    def _signs_differ(self) -> CsvFormat:
        if not self.delimiter:
            raise ValueError("delimiter: values need one; write ',' or the word tab")
        if self.delimiter == self.quote:
            raise ValueError("delimiter and quote are the same sign; change one")
        return self
