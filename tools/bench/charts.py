"""What was measured in, PNG charts for the docs out; only where matplotlib is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

from tools.bench.run import Measured

mpl.use("agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter

_OURS, _OTHERS = "#0b7a75", ("#d1495b", "#edae49", "#30638e", "#7d5ba6")
_MIB = 2**20


def memory(peaks: Mapping[str, Mapping[int, int]], target: Path, *, cap_bytes: int) -> None:
    """Peak memory against records, both in powers of ten, with the limit as a line."""
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    colours = iter(_OTHERS)
    for name, sizes_by_rows in peaks.items():
        colour = _OURS if name == "ticklake" else next(colours)
        sizes_mib = [size / _MIB for size in sizes_by_rows.values()]
        axes.plot(list(sizes_by_rows), sizes_mib, marker="o", color=colour, label=name, linewidth=2)
    axes.axhline(cap_bytes / _MIB, color="black", linestyle="--", linewidth=1)
    axes.annotate(
        f"limit of ticklake: {cap_bytes // _MIB} MiB",
        (1, cap_bytes / _MIB), xycoords=("axes fraction", "data"), xytext=(-4, 4),
        textcoords="offset points", ha="right", fontsize=9,
    )  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="records", ylabel="peak memory, MiB")
    axes.set_title("JSON to Parquet: peak memory against records")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda rows, _: f"{rows:,.0f}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:,.0f}"))
    axes.yaxis.set_minor_formatter(lambda *_: "")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    _save(figure, target)


def conversion(
    free: Mapping[str, Sequence[Measured]], capped: Mapping[str, Sequence[Measured]], target: Path
) -> None:
    """Records a second of every peer from staged parts: free, and under the limit."""
    names = [job.name for job in free["parts"]]
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for shift, (label, measured, colour) in enumerate(
        [("no limit", free["parts"], "#9aa5b1"), ("128 MiB", capped["parts"], _OURS)]
    ):
        places = [place + 0.4 * shift for place in range(len(names))]
        rates = [job.rate / 1e6 for job in measured]
        bars = axes.barh(places, rates, height=0.38, color=colour, label=label)
        texts = [f"{job.rate / 1e6:.2f}" if job.rate else "did not end" for job in measured]
        axes.bar_label(bars, texts, padding=3, fontsize=8)
    axes.set_yticks([place + 0.2 for place in range(len(names))], names)
    axes.invert_yaxis()
    axes.set_xlabel("million records a second, staged parts to Parquet, two cores")
    axes.margins(x=0.15)
    axes.legend(frameon=False)
    _save(figure, target)


def _save(figure: plt.Figure, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    # Without its own name and version in it, so that the same data are the same file.
    figure.savefig(target, dpi=120, metadata={"Software": None})
    plt.close(figure)
