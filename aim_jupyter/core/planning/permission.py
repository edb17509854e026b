"""What a launch may do: by the administrator's policy, and by what the user said by name.

Code that a model brings, weights that can run code, and options or variables that load code into
the engine come only from the user's own line. A recipe is a file that somebody wrote: it can't
switch them on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from aim_jupyter.core import adapters
from aim_jupyter.core.durations import duration
from aim_jupyter.core.errors import BadUsage, ModelMissing
from aim_jupyter.core.planning import Request
from aim_jupyter.core.policy import Policy
from aim_jupyter.core.recipes.adoption import WRITTEN_FOR
from aim_jupyter.core.recipes.options import plain
from aim_jupyter.core.records import Plan, Recipe

#: Variables that load code into any engine, or open what is closed: a recipe can't set them, nor
#: those that its adapter names.
_VARIABLES = re.compile(
    r"LD_.*|PYTHON.*|PATH|HOME|BASH_ENV|ENV|AIM_.*|HF_TOKEN|HF_ENDPOINT|.*_PROXY", re.IGNORECASE
)
#: Options of vLLM, in whose words a recipe or a user may say it to any engine.
REMOTE_CODE, LOAD_FORMAT = "trust-remote-code", "load-format"
#: Values of ``--load-format`` that name pickles.
PICKLES = ("pt", "npcache")


def recipe(found: Recipe, request: Request) -> None:
    """Check that a recipe asks for nothing that only the user may ask for.

    Raises
    ------
    BadUsage
        If it does, and the user has neither asked for it by name nor left it out.
    """
    engine = adapters.of(found.engine)
    asked = {plain(name).removeprefix("no-") for name in (*request.options, *request.unset)}
    code = {**adapters.get(WRITTEN_FOR).loads_code, **engine.loads_code}
    shut = {engine.key.variable, *engine.closed}
    for name, value in found.args.items():
        option = plain(name)
        off = str(value).casefold() == "false"
        if option in code and not off and option not in asked:
            raise BadUsage(
                f"{found.id} of {found.model} wants --{option}: {code[option]} would run as you.",
                f"%aim launch {found.model} --{option}, if you trust it",
            )
    for name in found.env:
        opens = _VARIABLES.fullmatch(name) or name.upper() in shut
        if opens and not {name} & {*request.env, *request.unset}:
            raise BadUsage(
                f"{found.id} of {found.model} sets {name}, which only a user may.",
                f"%aim launch {found.model} --unset {name}, or --env {name}=… if you want it",
            )


def model(rules: Policy, source: str) -> None:
    """Check that the administrator trusts where weights come from.

    Raises
    ------
    ModelMissing
        If not.
    """
    if source.startswith("package:") or rules.trusts(source):
        return
    allowed = [*(rules.organisations or ()), *rules.folders]
    raise ModelMissing(
        f"The administrator of this machine does not allow models from {source}.",
        f"choose one from {', '.join(allowed)}" if allowed else "%aim launch demo",
    )


def plan(rules: Policy, made: Plan, options: Mapping[str, Any]) -> Plan:
    """Return a plan within the administrator's limits; a shorter life is said in its changes.

    Parameters
    ----------
    options : mapping
        The engine's options that the user asked for.

    Raises
    ------
    BadUsage
        If it asks for what is not allowed at all.
    """
    said = {plain(name): value for name, value in options.items()}
    engine = adapters.of(made.engine)
    for name in {REMOTE_CODE, engine.option("trust_remote_code")} & set(said):
        if not rules.remote_code:
            raise _forbidden("code that a model brings", f"--{name}")
    for name in {LOAD_FORMAT, engine.option("load_format")} & set(said):
        if not rules.pickle and said[name] in PICKLES:
            raise _forbidden("weights that are pickles", f"--{name} {said[name]}")
    mode = made.listen if made.listen in ("loopback", "unix") else "network"
    if mode not in rules.listen:
        raise BadUsage(
            f"The administrator of this machine does not allow servers to listen on {made.listen}.",
            f"--listen {' or '.join(each for each in rules.listen if each != 'network')}",
        )
    idle_s, idle = _shorter(made.idle_s, rules.idle_s, "idle")
    lifetime_s, life = _shorter(made.lifetime_s, rules.lifetime_s, "for")
    changes = (*made.changes, *idle, *life)
    return replace(made, idle_s=idle_s, lifetime_s=lifetime_s, changes=changes)


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
