"""Renders ``docs/reference/benchmarks.md`` from one run. Rates vary by machine: ratios count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from include.ticklake.model.sizes import format_bytes
from tools.bench.run import Measured

OURS = "ticklake"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryTimes:
    """One column's sum, of the JSON and of the Parquet, by one engine."""

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
    mixed: Measured
    """The same of records that write a number now as a number, now as text, now as nothing."""
    price: Sequence[QueryTimes]
    memory: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    """Peaks of conversions by name and number of records."""


def render(results: Results) -> str:
    """The whole page."""
    cap = format_bytes(results.cap_bytes)
    return "\n".join(
        [
            "# Benchmarks",
            "",
            f"Measured by `make bench` on {results.date}, in one run on one machine: absolute "
            "rates depend on the machine, the ratios much less. Every job ran in a process of its "
            "own, timed after its imports; the faster of two rounds counts. The data are "
            f"{results.rows:,} simulated Binance trades of about 120 bytes each; peers that accept "
            "a schema were given one.",
            "",
            *_pairs("machine", results.machine),
            "",
            *_pairs("version", results.versions),
            "",
            "## Extraction: one HTTP page to storage, one core",
            "",
            "`json.load` buffers the page and writes the same parts. HttpToS3Operator stores the "
            "page unchanged. For a thousand records ticklake peaks at "
            f"{_mb(results.few.peak_bytes)}: Python and its libraries.",
            "",
            *_rates(results.extraction),
            "",
            "## From an HTTP page to Parquet, two cores",
            "",
            *_rates(results.page_to_parquet),
            "",
            "## Conversion without a memory limit, two cores",
            "",
            "Staged parts are gzipped JSON arrays, as ticklake writes them; lines are the same "
            "records as plain NDJSON, which ticklake does not read: its ratios there compare with "
            "its rate on parts. ticklake always uses the sizes of its limit, and reads back all "
            "that it wrote.",
            "",
            *_conversions(results.free),
            "",
            f"## Conversion under a hard limit of {cap}, two cores",
            "",
            "The same in a cgroup, each peer with the settings that its documentation gives for "
            f"little memory, stopped after {results.within_s:g} s. On one core ticklake "
            f"converts the parts at {_rate(results.one_core)} records/s. Where the source writes "
            "two of the numbers now as a number, now as text and now as an empty text, it converts "
            f"{_rate(results.mixed)} records/s.",
            "",
            *_conversions(results.capped),
            "",
            "## Reading one column",
            "",
            "The sum of all prices, from staged parts and from the Parquet that ticklake wrote.",
            "",
            *_query_times(results.price),
            "",
            "## Memory against the number of records",
            "",
            f"ticklake from S3 to S3 under its limit of {cap}, as the cgroup counts it; the others "
            "without a limit, from lines, as resident memory.",
            "",
            *_memory(results.memory),
            "",
            "![peak memory against records](../images/memory.png)",
            "",
            "![records a second](../images/conversion.png)",
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
            f"| {row.name} | {_rate(row)} | {_peak(row)} | {_times(ours, row)} |"
            for row in measured
        ),
    ]


def _conversions(by_source: Mapping[str, Sequence[Measured]]) -> list[str]:
    lines = {job.name: job for job in by_source["lines"]}
    ours = _ours(by_source["parts"])
    rows = [
        "| | staged parts, records/s | peak | ticklake is | lines, records/s | peak "
        "| ticklake is | Parquet |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for parts in by_source["parts"]:
        other = lines.get(parts.name, Measured(name=parts.name, failed="-"))
        size = max(parts.parquet_bytes, other.parquet_bytes)
        rows.append(
            f"| {parts.name} | {_rate(parts)} | {_peak(parts)} | {_times(ours, parts)} "
            f"| {_rate(other)} | {_peak(other)} | {_times(ours, other)} "
            f"| {_mb(size) if size else ''} |"
        )
    return rows


def _query_times(price: Iterable[QueryTimes]) -> list[str]:
    return [
        "| | staged parts, seconds | Parquet, seconds | times as fast |",
        "| --- | --- | --- | --- |",
        *(
            f"| {query.engine} | {query.json_s:.3f} | {query.parquet_s:.4f} "
            f"| {query.json_s / query.parquet_s:,.0f} |"
            for query in price
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
    return next(job for job in measured if job.name == OURS)


def _rate(job: Measured) -> str:
    return job.failed or f"{job.rate:,.0f}"


def _peak(job: Measured) -> str:
    return "" if job.failed else _mb(job.peak_bytes)


def _times(ours: Measured, other: Measured) -> str:
    if other.name == ours.name or not other.rate or not ours.rate:
        return ""
    return f"{ours.rate / other.rate:.2f} x as fast"


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB"
