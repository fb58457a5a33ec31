"""What was measured in, ``docs/benchmarks.md`` out. Rates are of one machine: the ratios count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from include.ticklake.model.sizes import format_bytes
from tools.bench.run import Measured

OURS = "ticklake"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One column's sum, asked of both by one engine."""

    engine: str
    json_s: float
    parquet_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """One run of the bench."""

    date: str
    rows: int
    cap_bytes: int
    within_s: float
    machine: Mapping[str, str]
    versions: Mapping[str, str]
    extraction: Sequence[Measured]
    few: Measured
    """The same extraction of a thousand records: what the libraries take."""
    page_to_parquet: Sequence[Measured]
    free: Mapping[str, Sequence[Measured]]
    """Conversions by what was read: ``parts`` or ``lines``."""
    capped: Mapping[str, Sequence[Measured]]
    one_core: Measured
    """Our conversion inside the cap, on one core."""
    price: Sequence[Asked]
    memory: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    """Peaks of conversions by name and number of records."""


def render(results: Results) -> str:
    """The whole page."""
    cap = format_bytes(results.cap_bytes)
    return "\n".join(
        [
            "# Benchmarks",
            "",
            f"Measured by `make bench` on {results.date}, all of it in one run on one "
            "machine: rates elsewhere are others, the ratios stay about the same. Every job ran in "
            "a process of its own, its clock started after its imports, the faster of two "
            "rounds counts. The data are made-up Binance trades of about 120 bytes, "
            f"{results.rows:,} of them; peers that take types were told them.",
            "",
            *_pairs("machine", results.machine),
            "",
            *_pairs("version", results.versions),
            "",
            "## Extraction: one HTTP page to storage, one core",
            "",
            "`json.load` buffers the page and writes the same parts. HttpToS3Operator stores the "
            "page as it came. For a thousand records ticklake peaks at "
            f"{_mb(results.few.peak_bytes)}: Python and its libraries.",
            "",
            *_rates(results.extraction),
            "",
            "## From an HTTP page to Parquet, two cores",
            "",
            *_rates(results.page_to_parquet),
            "",
            "## Conversion without a cap, two cores",
            "",
            "Staged parts are gzipped JSON arrays, as ticklake leaves them; lines are the same "
            "records as plain NDJSON, which ticklake does not read: its line there is that of the "
            "parts. ticklake always works as in its cap, and reads back all that it wrote.",
            "",
            *_conversions(results.free),
            "",
            f"## Conversion inside a hard cap of {cap}, two cores",
            "",
            "The same in a cgroup, each peer with what its documentation says for little memory. "
            f"One that takes longer than {results.within_s:g} s is stopped. On one core ticklake "
            f"converts the parts at {_rate(results.one_core)} records/s.",
            "",
            *_conversions(results.capped),
            "",
            "## What a reader of one column waits for",
            "",
            "The sum of all prices, asked of staged parts and of the Parquet that ticklake made.",
            "",
            *_asked(results.price),
            "",
            "## Memory against the number of records",
            "",
            f"ticklake from S3 to S3 inside its cap of {cap}, as the cgroup counts it; the others "
            "without a cap, from lines, as resident memory.",
            "",
            *_memory(results.memory),
            "",
            "![peak memory against records](images/memory.png)",
            "",
            "![records a second](images/conversion.png)",
            "",
        ]
    )


def _pairs(title: str, values: Mapping[str, str]) -> list[str]:
    return [f"| {title} | |", "| --- | --- |", *(f"| {n} | {v} |" for n, v in values.items())]


def _rates(measured: Sequence[Measured]) -> list[str]:
    ours = _ours(measured)
    return [
        "| | records/s | peak memory | ticklake is |",
        "| --- | --- | --- | --- |",
        *(
            f"| {one.name} | {_rate(one)} | {_peak(one)} | {_times(ours, one)} |"
            for one in measured
        ),
    ]


def _conversions(by_source: Mapping[str, Sequence[Measured]]) -> list[str]:
    lines = {one.name: one for one in by_source["lines"]}
    ours = _ours(by_source["parts"])
    rows = [
        "| | staged parts, records/s | peak | ticklake is | lines, records/s | peak "
        "| ticklake is | Parquet |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in by_source["parts"]:
        other = lines.get(one.name, Measured(name=one.name, failed="-"))
        size = max(one.parquet_bytes, other.parquet_bytes)
        rows.append(
            f"| {one.name} | {_rate(one)} | {_peak(one)} | {_times(ours, one)} | {_rate(other)} "
            f"| {_peak(other)} | {_times(ours, other)} | {_mb(size) if size else ''} |"
        )
    return rows


def _asked(price: Iterable[Asked]) -> list[str]:
    return [
        "| | staged parts, seconds | Parquet, seconds | times as fast |",
        "| --- | --- | --- | --- |",
        *(
            f"| {one.engine} | {one.json_s:.3f} | {one.parquet_s:.4f} "
            f"| {one.json_s / one.parquet_s:,.0f} |"
            for one in price
        ),
    ]


def _memory(memory: Mapping[str, Mapping[int, int]]) -> list[str]:
    counts = sorted({rows for peaks in memory.values() for rows in peaks})
    return [
        f"| records | {' | '.join(f'{rows:,}' for rows in counts)} |",
        f"| --- |{' --- |' * len(counts)}",
        *(
            f"| {name} | "
            + " | ".join(_mb(peaks[rows]) if rows in peaks else "" for rows in counts)
            + " |"
            for name, peaks in memory.items()
        ),
    ]


def _ours(measured: Iterable[Measured]) -> Measured:
    return next(one for one in measured if one.name == OURS)


def _rate(one: Measured) -> str:
    return one.failed or f"{one.rate:,.0f}"


def _peak(one: Measured) -> str:
    return "" if one.failed else _mb(one.peak_bytes)


def _times(ours: Measured, other: Measured) -> str:
    if other.name == ours.name or not other.rate or not ours.rate:
        return ""
    return f"{ours.rate / other.rate:.2f} x as fast"


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB"
