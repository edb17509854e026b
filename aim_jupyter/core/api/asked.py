"""What a request asks a model to do, and who can, where the one that is asked can't."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aim_jupyter.core import recipes
from aim_jupyter.core.api import finding
from aim_jupyter.core.checkpoint.abilities import abilities
from aim_jupyter.core.errors import CannotDo
from aim_jupyter.core.records import Model, ServerRecord
from aim_jupyter.core.records.ability import Ability, in_order

#: What a route wants, one of which is enough; the paths are those below ``/v1``, and those of vLLM
#: beside it. An embedding model ranks by the angle between vectors.
_ROUTES: dict[str, tuple[Ability, ...]] = {
    "chat/completions": ("chat",),
    "responses": ("chat",),
    "messages": ("chat",),
    "completions": ("completion",),
    "embeddings": ("embed",),
    "rerank": ("rerank", "embed"),
    "score": ("rerank", "embed"),
    "classify": ("classify",),
    "audio/transcriptions": ("speech",),
    "audio/translations": ("speech",),
}
#: What a part of a message wants that is no text.
_PARTS: dict[str, Ability] = {
    "image_url": "vision",
    "video_url": "vision",
    "input_audio": "audio",
    "audio_url": "audio",
}


def wanted(path: str, body: object = None) -> tuple[tuple[Ability, ...], ...]:
    """Return what a request wants of a model: of each group one.

    Parameters
    ----------
    path : str
        Of its URL, with or without ``/v1``.
    body : object
        What its JSON says.

    Examples
    --------
    >>> wanted("/v1/embeddings"), wanted("/models")
    ((('embed',),), ())
    >>> wanted("/chat/completions", {"messages": [{"content": [{"type": "image_url"}]}]})
    (('chat',), ('vision',))
    """
    route = _ROUTES.get(path.strip("/").removeprefix("v1/"))
    if route is None:
        return ()
    inside = _inside(body) if route == ("chat",) and isinstance(body, Mapping) else set()
    return (route, *((each,) for each in in_order(inside)))


def lacks(record: ServerRecord, path: str, body: object = None) -> Ability | None:
    """Return the first thing that a request wants and the server's model does not do, else None."""
    groups = wanted(path, body) if record.does else ()
    return next((each[0] for each in groups if not _can(record.does, each)), None)


def refuse(record: ServerRecord, path: str, body: object = None) -> None:
    """Raise what a request would fail with that the server's model can't answer.

    Of a server that does not say what it does nothing is refused.

    Raises
    ------
    CannotDo
        With which of the running ones can, else with what to launch.
    """
    lacking = lacks(record, path, body)
    if lacking is None:
        return
    groups = wanted(path, body)
    others = (view.record for view in finding.servers() if view.record.live)
    able = [one.name for one in others if all(_can(one.does, each) for each in groups)]
    who = f"{', '.join(able)} can" if able else "no running server can"
    found = f"{record.name} ({record.plan.model}) does {', '.join(record.does)}, not {lacking}"
    raise CannotDo(f"{found}; {who}.", _hint(able, groups))


def _hint(able: Sequence[str], groups: Sequence[tuple[Ability, ...]]) -> str:
    if able:
        return f"client = %aim client {able[0]}"
    model = _smallest(groups)
    return "%aim recipes" if model is None else f"%aim launch {model.name}"


def _smallest(groups: Sequence[tuple[Ability, ...]]) -> Model | None:
    """Return the model of the catalogue with the least to download that can do it."""
    able = [
        model
        for model in recipes.catalogue().models
        if model.facts and not model.gated and _size(model) and _does_all(model, groups)
    ]
    return min(able, key=_size, default=None)


def _does_all(model: Model, groups: Sequence[tuple[Ability, ...]]) -> bool:
    does = abilities(model.facts, model.args, model.does)
    return all(_can(does, each) for each in groups)


def _size(model: Model) -> int:
    return min((one.download_bytes or 0 for one in model.weights.values()), default=0)


def _can(does: Sequence[Ability], group: tuple[Ability, ...]) -> bool:
    return any(each in does for each in group)


def _inside(body: Mapping[str, Any]) -> set[Ability]:
    """Return what is wanted beside a reply; a call that is forced needs no parser to be found."""
    found: set[Ability] = {_PARTS[kind] for kind in _kinds(body.get("messages")) if kind in _PARTS}
    if body.get("tools") and body.get("tool_choice", "auto") in ("auto", None):
        found.add("tools")
    return found


def _kinds(messages: object) -> Iterator[str]:
    for message in messages if isinstance(messages, Sequence) else ():
        parts = message.get("content") if isinstance(message, Mapping) else None
        for part in parts if isinstance(parts, Sequence) else ():
            kind = part.get("type") if isinstance(part, Mapping) else None
            if isinstance(kind, str):
                yield kind
