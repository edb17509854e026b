"""Why this recipe and not another: one reason for each that lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aim_jupyter.core.choice.amd_rules import Selected
from aim_jupyter.core.records import Choice

_MOST = 6


def reasons(choices: Sequence[Choice], amd: Selected | None = None) -> tuple[str, ...]:
    """Return why the first of `choices` was taken, and why each of the next ones was not.

    Parameters
    ----------
    amd : Selected or None
        What AMD's rules would take, said where it differs.
    """
    best, *others = choices
    recipe = best.recipe
    own = [f"{recipe.id}: {best.reason}", f"origin: {recipe.origin}"]
    source = [f"source: {recipe.source}"] if recipe.source else []
    lost = [f"not {one.recipe.id}: {why_not(best, one)}" for one in others[:_MOST]]
    rest = len(others) - len(lost)
    more = (
        [f"{rest} more recipes, each with its reason: %aim recipes {recipe.model}"]
        if rest > 0
        else []
    )
    return (*own, *source, *_differs(best, amd), *lost, *more)


def why_not(best: Choice, other: Choice) -> str:
    """Return the first point of the order in which `other` comes after `best`."""
    mine, theirs = best.recipe, other.recipe
    several = "s" * (theirs.tp > 1)
    points = (
        (other.verdict != best.verdict, f"{other.verdict}, {other.reason}"),
        (theirs.manual_only, "manual only: never chosen by itself, take it with --recipe"),
        (theirs.metric not in ("any", mine.metric), f"tuned for {theirs.metric}"),
        (theirs.origin != mine.origin, f"{theirs.origin}, after {mine.origin}"),
        (theirs.tp != mine.tp, f"takes {theirs.tp} GPU{several} instead of {mine.tp}"),
        (theirs.precision != mine.precision, f"{theirs.precision}, after {mine.precision}"),
    )
    return next((why for differs, why in points if differs), "comes later by name")


def _differs(best: Choice, amd: Selected | None) -> Iterator[str]:
    if amd is None:
        return
    if amd.recipe is None:
        counts = ", ".join(f"{count} {name}" for name, count in amd.states.items())
        yield f"policy aim, AMD's own rules, finds nothing here: {counts or 'no profiles'}"
    elif amd.recipe.id != best.recipe.id:
        yield f"policy aim, AMD's own rules, would take {amd.recipe.id}"
