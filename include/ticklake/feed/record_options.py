"""Where the records of a page are, and what they are, as a feed describes it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from include.ticklake.model.case_clashes import name_clashes
from include.ticklake.model.column_names import position_of
from include.ticklake.model.record_path import (
    PATH,
    RECORDS_PATH,
    check_added_path,
    check_body_path,
    check_records_path,
)
from include.ticklake.model.strict import FieldError, StrictModel
from include.ticklake.model.time_zones import ZoneName

BodyPath = Annotated[
    str, AfterValidator(check_body_path), WithJsonSchema({"type": "string", "pattern": PATH})
]


def _as_words(value: object) -> object:
    """One word as a list; ``false`` is one too."""
    words = value if isinstance(value, list) else [value]
    return ["false" if word is False else word for word in words]


NoRecords = Annotated[
    list[Literal["missing", "empty_object", "empty_text", "false", "empty_body"]],
    BeforeValidator(_as_words),
]


class RecordOptions(StrictModel):
    """The records of a page: their place, their form, their names."""

    records: Annotated[str, AfterValidator(check_records_path)] = Field(
        "$",
        json_schema_extra={"pattern": RECORDS_PATH},
        description="Path of the records: $ (the whole body), data, result.* (any name), item "
        "(inside each element of the body's array). Defaults to $.",
    )
    shape: Literal["array", "object", "columns"] = Field(
        "array",
        description="What is there: array, each element of which is a record; object, which is one "
        "record, or with * at the end of records a map of them: data.*; columns, an object of "
        "arrays of one length, one for each column. Defaults to array.",
    )
    key_as: str | None = Field(
        None,
        min_length=1,
        description="Name under which each record gets the name that the * in records stands for: "
        "symbol.",
    )
    add: dict[str, str] = Field(
        default_factory=dict,
        max_length=100,
        description="Values beside or above the records that each record gets: {batch_time: "
        "data.item.ts}. They may stand before or after the records.",
    )
    columns: Annotated[list[str], Field(min_length=1)] | Literal["first_row"] | None = Field(
        None,
        description="Names of the values where records are arrays; a ? marks one that may be "
        "missing at the end. Further values are kept as column_9, column_10, ... first_row where "
        "the first array holds the names. With shape columns, the arrays to read; defaults to all.",
    )
    timezone: ZoneName | None = Field(
        None,
        description="Time zone of times in the records that have none: Europe/Berlin. Defaults to "
        "UTC.",
    )
    no_records: NoRecords = Field(
        default_factory=list,
        description="What else the source sends instead of an empty array when there are no "
        "records, besides null and HTTP 204: missing (the path is not in the body), empty_object "
        "({}), empty_text, false, empty_body.",
    )
    capture: dict[str, BodyPath] = Field(
        default_factory=dict,
        description="Values outside the records that paging refers to: {name: path.in.the.body}.",
    )

    @model_validator(mode="after")
    def _key_has_a_name(self) -> Self:
        if self.key_as and "*" not in self.records.split("."):
            raise FieldError(
                "needs a * in records, for whose name it stands; write records: data.*",
                path=("key_as",),
            )
        if self.key_as in self.column_names:
            raise FieldError("one of columns has this name; choose another", path=("key_as",))
        return self

    @model_validator(mode="after")
    def _added_values_are_around_the_records(self) -> Self:
        for name, path in self.add.items():
            try:
                check_added_path(path, records=self.records, shape=self.shape)
            except ValueError as error:
                raise FieldError(str(error), path=("add", name)) from None
            if name == self.key_as or name in self.column_names:
                raise FieldError(
                    "key_as or one of columns has this name; choose another", path=("add", name)
                )
        return self

    @model_validator(mode="after")
    def _columns_are_in_one_object(self) -> Self:
        if self.shape != "columns":
            return self
        if {"*", "item"} & set(self.records.split(".")):
            raise FieldError(
                "shape columns reads the arrays of one object; write its path without * and item",
                path=("records",),
            )
        if self.columns == "first_row":
            raise FieldError(
                "shape columns takes the arrays' own names; remove first_row", path=("columns",)
            )
        return self

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names that the feed gives to values."""
        listed = self.columns if isinstance(self.columns, list) else []
        return tuple(name.rstrip("?") for name in listed)

    @field_validator("columns")
    @classmethod
    def _columns_are_distinct(cls, columns: list[str] | str | None) -> list[str] | str | None:
        return check_columns(columns) if isinstance(columns, list) else columns


def check_columns(columns: list[str]) -> list[str]:
    """Return the names of the values of an array or a line; ``ValueError`` where they clash."""
    for first, second in name_clashes(name.rstrip("?") for name in columns):
        raise ValueError(f"{first!r} and {second!r} are equal or differ by case only; rename one")
    previous = ""
    for number, name in enumerate(columns, 1):
        if position_of(name.rstrip("?")) not in (None, number):
            raise ValueError(
                f"{name!r} is the name that the value at that place has without one, but it "
                f"stands at place {number}; choose another name"
            )
        if previous.endswith("?") and not name.endswith("?"):
            raise ValueError(
                f"{previous!r} is optional but {name!r} after it is not; only the last columns may "
                "be optional"
            )
        previous = name
    return columns
