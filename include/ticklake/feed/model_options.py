"""The options of a feed file as its models declare them, and where each belongs."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from include.ticklake.model.strict import StrictModel

Step = str | int
Location = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A path in the file's own names, and the model that its last name is an option of."""

    names: Location
    model: type[StrictModel] | None


def find_place(model: type[StrictModel], location: Location) -> Place:
    """Where pydantic's *location* is in a file: without the kinds and types that it adds.

    They must not be taken for names: paging of kind ``cursor`` has an option ``cursor``.
    """
    names: list[Step] = []
    annotation: Any = model
    owner: type[StrictModel] | None = None
    for step in location:
        members = _members(annotation)
        if _are_kinds(members):
            annotation = next((m for m in members if str(step) in kinds_of(m)), None)
            continue
        if len(members) > 1 and isinstance(step, str) and any(map(_is_model, members)):
            # Of several forms some are models: the step is that form's name.
            models = list(filter(_is_model, members))
            annotation = next((form for form in models if form.__name__ == step), models[0])
            continue
        annotation = members[0] if len(members) == 1 else None
        if _is_model(annotation):
            owner = annotation
            names.append(step)
            annotation = next(
                (info.annotation for name, info in options(annotation) if name == step), None
            )
        elif isinstance(step, int) or get_origin(annotation) is dict:
            if step != "[key]":
                names.append(step)
            annotation = get_args(annotation)[-1] if get_args(annotation) else None
    return Place(tuple(names), owner)


def options(model: type[StrictModel]) -> list[tuple[str, Any]]:
    """The options of *model* as a file writes them, and what is declared of each."""
    return [(info.alias or name, info) for name, info in model.model_fields.items()]


def kinds_at(model: type[StrictModel], location: Location) -> list[str]:
    """The kinds to choose from at *location*, where a union of models is."""
    annotation: Any = model
    for step in location:
        members = _members(annotation)
        if _are_kinds(members):
            annotation = next(member for member in members if str(step) in kinds_of(member))
        else:
            annotation = dict(options(members[0]))[str(step)].annotation
    return [kind for member in _members(annotation) for kind in kinds_of(member)]


def describe_places(model: type[StrictModel], option: str) -> str:
    """Where in a file of *model* that *option* belongs; empty where it exists nowhere."""
    kinds_by_path: dict[str, list[str]] = {}
    for path, owner in all_models(model):
        if any(name == option for name, _ in options(owner)):
            kinds_by_path.setdefault(".".join(path), []).extend(kinds_of(owner))
    for place, kinds in kinds_by_path.items():
        of_kind = f" of kind {', '.join(kinds)}" if kinds else ""
        return f"under `{place}`{of_kind}" if place else "at the top level of the file"
    return ""


def kinds_of(model: Any) -> tuple[str, ...]:  # noqa: ANN401 - an annotation
    """The values of ``kind`` that select *model* from a union."""
    info = model.model_fields.get("kind") if _is_model(model) else None
    values = get_args(info.annotation) if info and get_origin(info.annotation) is Literal else ()
    return values if len(values) == 1 else ()


def all_models(
    model: type[StrictModel], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], type[StrictModel]]]:
    """Yield *model* and every model inside it, with its path in the file."""
    yield path, model
    for name, info in options(model):
        members, inner = _members(info.annotation), (*path, name)
        if len(members) == 1 and get_origin(members[0]) is dict:
            members, inner = _members(get_args(members[0])[-1]), (*inner, "NAME")
        for member in members:
            if _is_model(member):
                yield from all_models(member, inner)


def _members(annotation: Any) -> list[Any]:  # noqa: ANN401
    """What *annotation* may be, without ``None`` and what validators add."""
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        members = [member for arg in get_args(annotation) for member in _members(arg)]
        return [member for member in members if member is not types.NoneType]
    return [annotation]


def _are_kinds(members: list[Any]) -> bool:
    return len(members) > 1 and all(map(_is_model, members))


def _is_model(annotation: Any) -> bool:  # noqa: ANN401
    return isinstance(annotation, type) and issubclass(annotation, StrictModel)
