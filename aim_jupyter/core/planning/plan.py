"""Pure: a request, a model, a machine and an engine environment in; a plan and its reasons out.

Nothing here reads a disk, a device or a clock, so that the dry run and the launch can't differ.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator, Sequence

from msgspec.structs import replace

from aim_jupyter.core import adapters, recipes
from aim_jupyter.core.adapters import Adapter
from aim_jupyter.core.errors import BadUsage, NoFit
from aim_jupyter.core.places import registry
from aim_jupyter.core.planning.options import wrong
from aim_jupyter.core.records import (
    Choice,
    EngineEnvironment,
    Machine,
    NextStep,
    Plan,
    ServerView,
)
from aim_jupyter.core.request import words
from aim_jupyter.core.request.record import Placed, Request
from aim_jupyter.core.serving.start import containers, modes
from aim_jupyter.core.sizes import amount


def choose(choices: Collection[Choice], request: Request) -> Choice:
    """Return the recipe to launch: the best that fits, or the one that was asked for.

    Raises
    ------
    NoFit
        If none fits and the request does not insist.
    """
    ranked = sorted(choices, key=lambda choice: choice.rank)
    if not ranked:
        raise NoFit(f"There is no recipe for {request.model}.", "%aim recipes")
    best = ranked[0]
    if best.verdict == "NO" and not request.force:
        raise NoFit(_said(ranked), best.try_line or _all_the_same(best, request), best)
    return best


def _all_the_same(best: Choice, request: Request) -> str:
    """Return the line that launches what is refused; GPUs that are not there can't be forced."""
    if best.gpus or best.recipe.gpu_model == "cpu":
        return words.line(words.wishes(replace(request, force=True)))
    return words.launch((request.model,), verb="recipes")


def _said(ranked: Sequence[Choice]) -> str:
    """Return why none is taken, a sentence."""
    best = ranked[0]
    manual = [one.recipe.id for one in ranked if one.recipe.manual_only and one.verdict == "FITS"]
    if manual and not best.recipe.manual_only:
        return f"No recipe is chosen by itself here; {manual[0]} fits, and is manual only."
    return f"{best.recipe.id}: {_refusal(best)}."


def _refusal(choice: Choice) -> str:
    """Return why a choice is refused: what is needed and what is there, where memory is why."""
    need, room, length = choice.kv_need_bytes, choice.kv_bytes, choice.context_tokens
    if need is None or room is None or length is None or need <= room:
        return choice.reason
    users = f"{choice.users or 1} user{'s' * ((choice.users or 1) > 1)}"
    where = f"GPU {', '.join(map(str, choice.gpus))}" if choice.gpus else "the CPU"
    each = "each of " * (len(choice.gpus) > 1)
    wanted = f"{users} at {length:,} tokens need {amount(need)} of KV cache"
    return f"{wanted}; {each}{where} has room for {amount(room)}"


def plan(
    request: Request, choice: Choice, environment: EngineEnvironment, placed: Placed, server: str
) -> Plan:
    """Return the plan for the chosen recipe.

    Parameters
    ----------
    server : str
        The name that the server will have.

    Raises
    ------
    BadUsage
        If an option of the user is not one of the engine's; the nearest is suggested.
    """
    recipe = choice.recipe
    done = _reconcile(request, choice, environment)
    start = [environment.python, *environment.command]
    model = [environment.model_option, placed.path] if environment.model_option else [placed.path]
    engine = environment.engine or recipe.engine
    adapter = adapters.get(engine)
    names = adapter.naming(recipe.model)
    ours = _ours(adapter, recipe.weights.revision, done.args, environment)
    argv = [*start, *(word for word in model if word), *names, *ours, *done.argv]
    mode, mode_reason = _mode(request, engine, environment)
    return Plan(
        server=server,
        model=recipe.model,
        recipe_id=recipe.id,
        origin=recipe.origin,
        engine=engine,
        engine_name=environment.name,
        image=environment.image,
        engine_version=environment.version or "",
        platform=environment.platform or "",
        model_path=placed.path,
        argv=tuple(argv),
        env={**done.env, **placed.env},
        stamp=_stamp(adapter, argv, environment),
        source=placed.source,
        download=placed.download,
        download_bytes=placed.download_bytes,
        revision=placed.revision,
        port=request.port,
        on=request.on or "",
        partition=request.partition or "",
        listen=_listen(request, adapter, environment),
        gpus=choice.gpus,
        among=request.gpus or (),
        gpu_model=recipe.gpu_model,
        idle_s=request.idle_s,
        lifetime_s=request.lifetime_s,
        queue=request.queue,
        until=request.until or "",
        restarts=request.restarts or 0,
        mode=mode,
        mode_reason=mode_reason,
        does=choice.does,
        reasons=(choice.reason, f"origin: {recipe.origin}", *_source(recipe.source)),
        changes=done.changes,
        # Only who insists gets a plan in spite of a NO.
        overridden=choice.reason if choice.verdict == "NO" else "",
    )


def _stamp(
    adapter: Adapter, argv: Sequence[str], environment: EngineEnvironment
) -> tuple[str, ...]:
    """Return the words of the adapter's stamp where the engine knows them and no user set one."""
    options = {word for word in adapter.stamp if word.startswith("--")}
    known = {name for flag in environment.flags for name in flag.names}
    said = {word.partition("=")[0] for word in argv}
    return adapter.stamp if options <= known and not options & said else ()


def _mode(request: Request, engine: str, environment: EngineEnvironment) -> modes.Chosen:
    """Return how the engine is to be started; in a container by its own command alone."""
    version, platform = environment.version or "", environment.platform or ""
    chosen = modes.choose(request.start or modes.AUTO, engine, version, platform)
    if environment.image is not None:
        return modes.Chosen("plain", containers.MODE_REASON)
    if chosen.mode == "warm" and (request.on or registry.in_job()):
        return modes.Chosen("fork", "what waits for launches would lie outside of the job")
    return chosen


def _listen(request: Request, adapter: Adapter, environment: EngineEnvironment) -> str:
    """Return where the server is to listen."""
    asked = request.listen or ("unix" if request.on else "loopback")
    if asked == "loopback":
        return asked
    if asked == "unix":
        known = {name for flag in environment.flags for name in flag.names}
        taken = adapter.listen.socket
        lacking = not taken or (known and known.isdisjoint(taken))
        if request.listen is None and (lacking or environment.image is not None):
            # At a site a socket is better, since a node's loopback is everybody's there.
            return "loopback"
        if environment.image is not None:
            raise BadUsage(containers.NO_SOCKET, "--listen loopback")
        if lacking:
            raise BadUsage(
                f"{environment.title} can't listen on a socket file.", "--listen loopback"
            )
        return asked
    try:
        return str(ipaddress.IPv4Address(asked))
    except ValueError:
        raise BadUsage(
            f"{asked!r} is no place to listen.",
            "--listen loopback, unix, or an IPv4 address of this machine (0.0.0.0 is all)",
        ) from None


#: So many free GPUs are named, more are counted.
_NAMED = 2


def next_steps(
    machine: Machine, environment: EngineEnvironment | None, servers: Sequence[ServerView]
) -> tuple[NextStep, ...]:
    """Return the one or two lines that make sense now."""
    usable = [gpu for gpu in machine.gpus if gpu.usable]
    if environment is None:
        platform = "rocm" if usable else "cpu"
        what = "make an engine environment: a few minutes, once"
        return (NextStep(line=f"%aim engine install {platform}", what=what),)
    steps = []
    free = [gpu for gpu in usable if gpu.state == "free"]
    if free:
        which = " and ".join(str(gpu.hip_index) for gpu in free)
        where = f"GPU {which}" if len(free) <= _NAMED else f"the {len(free)} free GPUs"
        steps.append(NextStep(line="%aim recipes", what=f"see what fits on {where}"))
    if servers:
        latest = max(servers, key=lambda view: view.record.created_at)
        steps.append(NextStep(line="client = %aim client", what=f"talk to {latest.record.name}"))
    elif not usable:
        steps.append(
            NextStep(line="server = %aim launch", what="start a small model on the CPU: 2 GiB")
        )
    return tuple(steps)


def _source(source: str) -> list[str]:
    return [f"source: {source}"] if source else []


def _ours(
    adapter: Adapter, revision: str | None, given: Collection[str], environment: EngineEnvironment
) -> Iterator[str]:
    """Yield the words of the adapter's options and of a pinned revision that this engine knows.

    Who asks for another value gets it. A middleware comes beside the guard, never instead of it.
    """
    known = {name for flag in environment.flags for name in flag.names}
    pinned = {adapter.option("revision"): revision} if revision else {}
    for name, value in {**adapter.options, **pinned}.items():
        # Of an engine that was not asked nothing is known, and all is taken.
        if (not known or f"--{name}" in known) and (name not in given or name in adapter.always):
            yield f"--{name}"
            values = value if isinstance(value, tuple) else () if value is True else (value,)
            yield from map(str, values)


def _reconcile(
    request: Request, choice: Choice, environment: EngineEnvironment
) -> recipes.Reconciled:
    """Return the options and variables that this engine accepts, the user's wishes included."""
    wishes = dict(request.options)
    context = choice.context_tokens if request.context == "auto" else request.context
    if context is not None:
        engine = environment.engine or choice.recipe.engine
        wishes.setdefault(adapters.get(engine).option("context"), context)
    done = recipes.reconcile(
        choice.recipe.args,
        choice.recipe.env,
        flags=environment.flags,
        variables=environment.variables,
        overrides=recipes.Overrides(set=wishes, unset=request.unset, env=request.env),
        engine=environment.title,
        adapter=adapters.get(environment.engine or choice.recipe.engine),
        ours=words.OURS,
    )
    if done.errors:
        raise wrong(request, environment, done.errors)
    return done
