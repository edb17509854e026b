"""A request as the engine's own code has counted it."""

from __future__ import annotations

from msgspec import structs

from aim_jupyter.core.checkpoint.architecture import Architecture
from aim_jupyter.core.checkpoint.context import Context
from aim_jupyter.core.fit.memory.caches import Cache
from aim_jupyter.core.fit.memory.kv import Group, Layout
from aim_jupyter.core.fit.memory.request import Request
from aim_jupyter.core.fit.memory.versions import Rules, release, rules
from aim_jupyter.core.records.fit import Band, CountedGroup, Counts

_BEHIND = "0.32"  # the release whose rules the counted layouts follow


def counted(request: Request) -> Request:
    """Return a question with the engine's weights, and with a model where ours is unknown."""
    its = request.exact
    if its is None or its.refused:
        return request
    weights = Band(its.weights_bytes, its.weights_bytes)
    found = structs.replace(request, weights=weights, basis="given", counted=its.label)
    return structs.replace(found, architecture=_outline(its)) if _unknown(request) else found


def laid_out(its: Counts, batched: int) -> Layout | None:
    """Return the engine's layout, None where it is of a kind that has no rule here."""
    known: Rules = rules(release(_BEHIND))
    groups = tuple(_group(each, its, known) for each in its.groups)
    if not groups or any(group is None for group in groups):
        return None
    layout = Layout(tuple(each for each in groups if each), its.block_bytes, known, batched)
    # Only a layout that gives the engine's own figure may give others.
    return layout if layout.blocks(its.max_model_len) == its.request_blocks else None


def _group(group: CountedGroup, its: Counts, known: Rules) -> Group | None:
    match group.kind:
        case "full" | "window" | "chunk":
            cache = Cache(group.kind, its.block_bytes // group.block, 0, group.span)
        case "state":
            more = group.pages - known.state_blocks
            cache = Cache("state", 0, its.block_bytes, checkpoints=more)
        case _:
            return None
    return Group(cache, group.layers, group.block)


def _unknown(request: Request) -> bool:
    return bool(request.architecture.problem)


def _outline(its: Counts) -> Architecture:
    """Return as much of a model as its overhead depends on."""
    return Architecture(
        family="counted",
        hidden=its.hidden,
        vocabulary=its.vocabulary,
        lengths=Context(its.max_model_len, its.max_model_len),
        multimodal=its.multimodal,
    )
