"""What is drawn shows the counts, and leaves lines as they are."""

from __future__ import annotations

from include.ticklake.cli.bar_drawing import DrawnBar


def test_counts_and_note_are_drawn(capfd, monkeypatch):
    """Markup in a slice is text; a draw that follows at once is left out."""
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("FORCE_COLOR", "1")
    bar = DrawnBar("extract rows")
    bar.draw(done=3, total=24, part=0.5, note="symbol=[bold]BTC")
    bar.draw(done=4, total=24, part=0, note="")
    bar.print("a \x1b[31mred\x1b[0m word")
    bar.remove()
    shown = capfd.readouterr().err
    assert "extract rows" in shown
    assert "3/24" in shown
    assert "symbol=[bold]BTC" in shown
    assert "\x1b[31mred\x1b[0m" in shown
