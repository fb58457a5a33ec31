"""The lines of a drafted feed file that say what is sent: parameters, a body, paging."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from include.ticklake.model.param_values import Path
from include.ticklake.scaffold.draft_text import commented, one_line, yaml_text
from include.ticklake.scaffold.infer_paging import InferredPaging
from include.ticklake.scaffold.infer_slices import InferredSlice
from include.ticklake.scaffold.infer_window import UNKNOWN, TimeParam
from include.ticklake.scaffold.logins import is_login
from include.ticklake.scaffold.merge_urls import ProbedAddress
from include.ticklake.scaffold.probed_body import with_values


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRequest:
    """What a request consists of, and what differs between requests."""

    address: ProbedAddress
    slices: Mapping[str, InferredSlice]
    window: Mapping[str, TimeParam]
    paging: InferredPaging
    frozen: Collection[str] = ()
    """Parameters that name a position, which no paging moves on."""

    def param_lines(self) -> Iterator[str]:
        """The parameters, each with its reason."""
        has_body = self.address.body is not None
        for name, value in self.address.params.items():
            if name in self.paging.paging_params and not has_body:
                continue
            if is_login(name):
                yield from _login_lines(name, "    ")
                continue
            if name in self.frozen:
                yield commented(
                    f"    {yaml_text(name)}: {yaml_text(UNKNOWN)}", _frozen_note(name, value)
                )
                continue
            param = self.window.get(name)
            text = self._template(name, value)
            yield commented(
                f"    {yaml_text(name)}: {yaml_text(text)}", param.note if param else ""
            )

    def _template(self, name: str, value: str) -> str:
        """What a feed sends for the parameter *name*."""
        if param := self.window.get(name):
            return param.template
        by_slice = {inferred.param: f"{{{name}}}" for name, inferred in self.slices.items()}
        return by_slice.get(name, value)

    def body_lines(self) -> Iterator[str]:
        """The body of a POST, with placeholders for the slice and the window."""
        sent = self.address.body
        if sent is None:
            return
        yield "  method: POST"
        new: dict[Path, object] = {}
        without: set[Path] = set()
        notes = []
        for name, value in sent.pairs:
            path = sent.places[name]
            if name in self.paging.paging_params and value:
                without.add(path)
            elif is_login(name):
                without.add(path)
                yield from _login_lines(sent.path_of(name), "  ", kind="body")
            elif name in self.frozen:
                new[path] = UNKNOWN
                notes.append(_frozen_note(name, value))
            elif (text := self._template(name, value)) != value:
                new[path] = self._sent_as(name, text)
                notes += [self.window[name].note] if name in self.window else []
        option, content = ("body", sent.json) if sent.form is None else ("form", dict(sent.form))
        filled = with_values(content, new, without=without)
        yield commented(f"  {option}: {yaml_text(filled)}", "; ".join(notes))

    def _sent_as(self, name: str, template: str) -> str:
        """*template* with what says whether JSON has a number or a text there."""
        sent = self.address.body
        if sent is None or sent.form is not None or not template.endswith("}"):
            return template
        if name in self.window:
            is_text = self.window[name].unit in ("s", "ms", "us", "ns") and not sent.is_number(name)
            return f"{template[:-1]}:s}}" if is_text else template
        return f"{template[:-1]}:d}}" if sent.is_number(name) else template

    def paging_options(self) -> dict[str, object]:
        """The options of paging, whose parameters in a JSON body are paths."""
        sent = self.address.body
        if sent is None:
            return dict(self.paging.options)
        return {
            option: {sent.path_of(name): text for name, text in value.items()}
            if isinstance(value, dict)
            else sent.path_of(value)
            if isinstance(value, str) and option.endswith("param")
            else value
            for option, value in self.paging.options.items()
        }


def _login_lines(name: str, indent: str, *, kind: str = "query") -> Iterator[str]:
    yield f"{indent}# guess: {one_line(name)} is a secret; put it into a connection and set"
    yield f"{indent}# source.auth: {{kind: {kind}, name: {yaml_text(name)}, connection: ...}}"


def _frozen_note(name: str, value: str) -> str:
    return f"{value} is one position forever; set source.paging, or leave {name} out"
