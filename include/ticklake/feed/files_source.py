"""Files as a feed describes them: their addresses, how they are packed, what is in them.

A file is for a slice and a time: ``{symbol}`` is the slice's value as the source writes it, and
of the window's time there are ``{date}`` (2026-11-22), ``{year}``, ``{month}``, ``{day}`` and
``{hour}``, in UTC. A window reads each file of its time once; records outside it are counted.
Of the window itself there is what a request takes, such as ``{start:%Y%m%d}``: one file a window.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from include.ticklake.errors import UsageError
from include.ticklake.feed import file_address
from include.ticklake.feed.auth import Auth
from include.ticklake.feed.csv_format import CsvFormat
from include.ticklake.feed.file_address import SCHEMES, TIME_NAMES, check_address, split
from include.ticklake.feed.file_windows import check_windows
from include.ticklake.feed.placeholders import check_placeholders, placeholder_names
from include.ticklake.feed.record_options import check_columns
from include.ticklake.feed.slice_values import AnySliceValues, known_values, source_value
from include.ticklake.feed.window_values import EDGES, REQUEST_NAMES, WINDOW_PLACEHOLDERS
from include.ticklake.model.durations import Duration
from include.ticklake.model.record_path import RECORDS_PATH, check_records_path
from include.ticklake.model.strict import FieldError, StrictModel
from include.ticklake.model.time_zones import ZoneName
from include.ticklake.model.window import Window
from include.ticklake.model.window_length import WindowLength

Compression = Literal["none", "gzip", "zstd", "bzip2", "zip"]
FileFormat = Literal["csv", "ndjson", "json"]

_COMPRESSIONS: dict[str, Compression] = {
    "gz": "gzip", "gzip": "gzip", "zst": "zstd", "zstd": "zstd", "bz2": "bzip2", "zip": "zip",
}  # fmt: skip
_FORMATS: dict[str, FileFormat] = {
    "csv": "csv", "tsv": "csv", "txt": "csv", "ndjson": "ndjson", "jsonl": "ndjson", "json": "json",
}  # fmt: skip


class FilesSource(StrictModel):
    """Files at addresses that the slice and the time give."""

    kind: Literal["files"] = Field(description="files: bulk files of CSV or JSON.")
    address: Annotated[str, AfterValidator(check_address)] = Field(
        json_schema_extra={"pattern": f"^({'|'.join(SCHEMES)})://"},
        description="Address of the file: https://data.example.com/{symbol}/{symbol}-{date}.zip, "
        "s3://bucket/{year}/{month}/{day}.csv.gz or file:///folder/{date}.csv. The slices' values "
        "and {date}, {year}, {month}, {day} and {hour} (UTC) are filled in, and of the window what "
        "requests take: {start:%Y%m%d}, {end_ms}. A file:// address needs its folder in "
        "TICKLAKE_FILES.",
    )
    connection: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_]+$",
        max_length=200,
        description="Airflow connection of an s3:// address: login and password are the keys, and "
        "endpoint_url and region_name in its extra say where. Outside Airflow, the environment "
        "variable AIRFLOW_CONN_<ID>. Defaults to what AWS_* variables, profiles and roles give.",
    )
    compression: Compression | None = Field(
        None,
        description="How the file is packed: gzip, zstd, bzip2, zip (with one file in it) or none. "
        "Defaults to what the end of the address says.",
    )
    format: FileFormat | None = Field(
        None,
        description="What is in the file: csv, ndjson (one JSON value a line) or json (an array of "
        "records, or one at source.records). Defaults to what the end of the address says; of a "
        "zip that says nothing, csv.",
    )
    csv: CsvFormat = Field(CsvFormat(), description="How CSV is written: {delimiter: ';'}.")
    columns: list[str] | None = Field(
        None,
        min_length=1,
        description="Names of the values of CSV without a header, and of records of JSON that are "
        "arrays; a ? marks one that may be missing at the end.",
    )
    records: Annotated[str, AfterValidator(check_records_path)] = Field(
        "$",
        json_schema_extra={"pattern": RECORDS_PATH},
        description="Path of the array of records in JSON: $ (the whole file) or data.items. "
        "Defaults to $.",
    )
    checksum: str | None = Field(
        None,
        description="Address of a file with the checksum, as sha256sum or md5sum print it: "
        "{address}.CHECKSUM. It is compared before anything is committed.",
    )
    published_within: Duration = Field(
        timedelta(days=1),
        description="How long after the end of its window a file may appear. Until then a missing "
        "one is not there yet, and is tried again later. Defaults to 1d.",
    )
    missing: Literal["error", "empty"] = Field(
        "error",
        description="What a file means that is missing after that: an error, or a window that is "
        "empty. Defaults to error.",
    )
    may_be_empty: bool = Field(
        False,
        description="Whether a file of no bytes means that there are no records. Defaults to "
        "false: an error. A header alone always means that.",
    )
    headers: dict[str, str] = Field(default_factory=dict, description="Request headers.")
    auth: Auth | None = Field(
        None,
        description="How requests of an https:// address are authenticated. Defaults to no "
        "authentication.",
    )
    timezone: ZoneName | None = Field(
        None,
        description="Time zone of times in the records that have none: Europe/Berlin. Defaults to "
        "UTC.",
    )

    @field_validator("columns")
    @classmethod
    def _columns_are_distinct(cls, columns: list[str] | None) -> list[str] | None:
        return check_columns(columns) if columns else columns

    @model_validator(mode="after")
    def _options_belong_together(self) -> FilesSource:
        if self.format is None and self.packed_format is None:
            raise FieldError(
                "the address does not say what is in the file; write csv, ndjson or json",
                path=("format",),
            )
        if self.auth and self.auth.kind in ("oauth2", "body"):
            raise FieldError(
                f"{self.auth.kind} is for kind: http; name another kind", path=("auth", "kind")
            )
        if self.connection and self.scheme != "s3":
            raise FieldError("is for s3:// addresses; remove it", path=("connection",))
        if (self.auth or self.headers) and not self.is_web:
            raise FieldError(
                "is for https:// addresses; remove it", path=("auth" if self.auth else "headers",)
            )
        if self.file_format == "csv" and self.csv.header is False and self.columns is None:
            raise FieldError(
                "CSV without a header needs the names of its columns; list them",
                path=("columns",),
            )
        if self.file_format == "ndjson" and self.columns:
            raise FieldError("is for csv and json; remove it", path=("columns",))
        return self

    @property
    def scheme(self) -> str:
        """``https``, ``s3``, ..."""
        return split(self.address).scheme

    @property
    def is_web(self) -> bool:
        """Whether files come by HTTP."""
        return self.scheme in ("http", "https")

    @property
    def host(self) -> str:
        """The host or bucket; limits and Airflow pools are per host."""
        parts = split(self.address)
        return parts.hostname or parts.netloc or "local_files"

    @property
    def base_url(self) -> str | None:
        """Scheme and host of a web address."""
        parts = split(self.address)
        return f"{parts.scheme}://{parts.netloc}" if self.is_web else None

    @property
    def packing(self) -> Compression:
        """How the file is packed."""
        return self.compression or _COMPRESSIONS.get(self._endings[-1], "none")

    @property
    def packed_format(self) -> FileFormat | None:
        """What the address says is in the file."""
        endings = self._endings
        if len(endings) > 1 and endings[-1] in _COMPRESSIONS:
            endings = endings[:-1]
        return _FORMATS.get(endings[-1]) or ("csv" if self.packing == "zip" else None)

    @property
    def file_format(self) -> FileFormat:
        """What is in the file."""
        return self.format or self.packed_format or "csv"

    @property
    def has_header(self) -> bool:
        """Whether CSV begins with the names of its columns."""
        return self.csv.has_header(self.columns)

    @property
    def array_columns(self) -> list[str] | None:
        """Names of the values of records that are arrays; in CSV those are rows that do not fit."""
        return self.columns if self.file_format == "json" else None

    @property
    def addresses(self) -> list[str]:
        """The templates of the file's address, and of its checksum's where there is one."""
        if self.checksum is None:
            return [self.address]
        return [self.address, self.checksum.replace("{address}", self.address)]

    def files(self, values: Mapping[str, str], window: Window) -> Iterator[list[str]]:
        """The address of each file of *window*, and of its checksum; *values* are the slice's."""
        return file_address.addresses(self.addresses, values, window)

    def check(
        self, slices: Mapping[str, AnySliceValues], *, window: WindowLength, snapshot: bool
    ) -> None:
        """Raise ``FieldError`` where the addresses contradict the rest of the feed."""
        self._check_names(slices)
        try:
            if not snapshot:
                check_windows(self.address, window)
        except ValueError as error:
            raise FieldError(str(error), path=("source", "address")) from None
        if self.checksum is not None:
            own, other = (split(address) for address in self.addresses)
            if (own.scheme, own.netloc) != (other.scheme, other.netloc):
                raise FieldError(
                    "is on another host than the file; write {address}.CHECKSUM, or an address "
                    "beside it",
                    path=("source", "checksum"),
                )

    def _check_names(self, slices: Mapping[str, AnySliceValues]) -> None:
        built_in = {*TIME_NAMES, *REQUEST_NAMES, *EDGES, "address"}
        for name in sorted(set(slices) & built_in):
            raise FieldError(
                "clashes with a built-in placeholder; rename it", path=("slices", name)
            )
        for option, address in zip(("address", "checksum"), self.addresses, strict=False):
            try:
                check_placeholders(
                    address, (*slices, *TIME_NAMES, *WINDOW_PLACEHOLDERS), has_times=True
                )
                check_address(address)
            except ValueError as error:
                raise FieldError(str(error), path=("source", option)) from None
        for name in sorted(set(slices) - placeholder_names(self.address)):
            raise FieldError(
                f"{{{name}}} is not used, so every slice would contain the same records; "
                f"write {{{name}}} in source.address, or remove the slice",
                path=("slices", name),
            )
        self._check_values(slices)

    def _check_values(self, slices: Mapping[str, AnySliceValues]) -> None:
        """Refuse values that would make another address."""
        for name in slices:
            for value in known_values(slices[name]):
                text = source_value(slices[name], value)
                try:
                    file_address.check_value(self.address, name, text)
                except UsageError as error:
                    raise FieldError(str(error), path=("slices", name)) from None

    def fits_address(self, name: str, value: str) -> bool:
        """Whether the address stays the same with *value* in the place of ``{name}``."""
        try:
            file_address.check_value(self.address, name, value)
        except UsageError:
            return False
        return True

    @property
    def _endings(self) -> list[str]:
        name = self.address.rpartition("/")[2].lower()
        return name.split(".")[1:] or [""]
