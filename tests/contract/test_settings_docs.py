"""What the documents say about settings is what the models say."""

from __future__ import annotations

import pytest

from tools import settings_docs


def test_the_documents_are_up_to_date(capsys):
    """`python -m tools.settings_docs --write` updates them."""
    assert settings_docs.main([]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("target", settings_docs.TARGETS)
def test_every_setting_is_in_every_document(target):
    """A new field of a model needs no second list."""
    text = (settings_docs.REPOSITORY / target).read_text()
    model, _ = settings_docs.TARGETS[target]
    assert [doc for doc in model.documentation() if doc.variable not in text] == []


def test_a_document_that_is_out_of_date_is_named_and_can_be_written(tmp_path, monkeypatch, capsys):
    """The text around the markers stays."""
    for target in settings_docs.TARGETS:
        text = f"before\n# {settings_docs.BEGIN}\nstale\n# {settings_docs.END}\nafter\n"
        (tmp_path / target).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / target).write_text(text)
    monkeypatch.setattr(settings_docs, "REPOSITORY", tmp_path)
    assert settings_docs.main([]) == 1
    assert capsys.readouterr().out.count("are out of date; run: ") == len(settings_docs.TARGETS)
    settings_docs.main(["--write"])
    assert settings_docs.main([]) == 0
    text = (tmp_path / "docs/reference/settings.md").read_text()
    assert text.startswith(f"before\n# {settings_docs.BEGIN}\n| variable | meaning | default |\n")
    assert text.endswith(f"\n# {settings_docs.END}\nafter\n")
    assert "stale" not in text
