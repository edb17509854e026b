"""What a launch may do: by the administrator's policy, and by what the user said by name.

A recipe is a file that somebody wrote: it may set what its engine's adapter lists. Everything else
comes only from the user's own line.
"""

from __future__ import annotations

from msgspec.structs import replace

from aim_jupyter.core import adapters, cache
from aim_jupyter.core.errors import BadUsage, ModelMissing
from aim_jupyter.core.planning import merged
from aim_jupyter.core.planning.policy import Policy
from aim_jupyter.core.recipes.arguments.permitted import Refusal, unsaid
from aim_jupyter.core.recipes.arguments.reconcile import Overrides
from aim_jupyter.core.records import Plan, Recipe
from aim_jupyter.core.request import Request
from aim_jupyter.core.request.values import duration


def recipe(found: Recipe, request: Request) -> None:
    """Check that a recipe asks for nothing that only the user may ask for.

    Raises
    ------
    BadUsage
        If it does, and the user has neither asked for it by name nor left it out.
    """
    asked = Overrides(set=request.options, unset=request.unset, env=request.env)
    wrong = next(unsaid(found, asked), None)
    if wrong is not None:
        raise BadUsage(
            f"{found.id} of {found.model} sets {wrong.said}, which only a user may: {wrong.why}.",
            _instead(wrong, found.model),
        )


def _instead(wrong: Refusal, name: str) -> str:
    base = wrong.name.partition(".")[0]
    if wrong.variable:
        return f"%aim launch {name} --unset {wrong.name}"
    if wrong.asks:
        return f"%aim launch {name} {wrong.said}"
    return f"%aim launch {name} --unset {base}"


def model(rules: Policy, source: str) -> None:
    """Check that the administrator trusts where weights come from.

    Raises
    ------
    ModelMissing
        If not.
    """
    source = cache.named(source)
    if rules.trusts(source):
        return
    allowed = [*(rules.organisations or ()), *rules.folders, *(rules.model_sources or ())]
    raise ModelMissing(
        f"The administrator of this machine does not allow models from {source}.",
        f"choose one from {', '.join(allowed)}" if allowed else "%aim launch demo",
    )


def plan(rules: Policy, made: Plan) -> Plan:
    """Return a plan within the administrator's limits; a shorter life is said in its changes.

    It is judged by what the engine would be told, whoever said it.

    Raises
    ------
    BadUsage, ModelMissing
        If it asks for what is not allowed at all.
    """
    engine = adapters.of(made.engine)
    code = None if rules.remote_code else merged.remote_code(made.argv, engine)
    if code is not None:
        raise _forbidden("code that a model brings", f"--{code}")
    pickle = None if rules.pickle else merged.pickles(made.argv, engine)
    if pickle is not None:
        raise _forbidden("weights that are pickles", f"--{pickle}")
    for _, source in merged.sources(made.argv, engine):
        model(rules, source)
    for name, path in merged.opened(made.argv, engine):
        # Where the model itself comes from was judged as what it is: a repository, or a folder.
        if path != made.model_path and not rules.trusts(path):
            raise _forbidden(
                f"files outside of {', '.join(rules.folders) or 'the cache'}", f"--{name} {path}"
            )
    mode = made.listen if made.listen in ("loopback", "unix") else "network"
    if mode not in rules.listen:
        raise BadUsage(
            f"The administrator of this machine does not allow servers to listen on {made.listen}.",
            f"--listen {' or '.join(each for each in rules.listen if each != 'network')}",
        )
    most = None if made.on else rules.max_gpus
    if most is not None and len(made.gpus) > most:
        raise BadUsage(
            f"The administrator of this machine allows {most} of its GPUs at a time to each user.",
            f"--most-gpus {most}",
        )
    idle_s, idle = _shorter(made.idle_s, rules.idle_s, "idle")
    lifetime_s, life = _shorter(made.lifetime_s, rules.lifetime_s, "for")
    changes = (*made.changes, *idle, *life)
    return replace(made, idle_s=idle_s, lifetime_s=lifetime_s, most_held=most, changes=changes)


def _shorter(
    asked: float | None, most: float | None, option: str
) -> tuple[float | None, tuple[str, ...]]:
    if most is None or (asked is not None and asked <= most):
        return asked, ()
    return most, (f"--{option} {duration(most)}: the administrator's limit",)


def _forbidden(what: str, option: str) -> BadUsage:
    return BadUsage(
        f"The administrator of this machine does not allow {what}.", f"leave out {option}"
    )
