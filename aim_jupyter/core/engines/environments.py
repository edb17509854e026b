"""Which engine environments this user has, and which of them a server should use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aim_jupyter.core import adapters
from aim_jupyter.core.engines import candidates, images, interpreters, sources
from aim_jupyter.core.engines.candidates import Candidate
from aim_jupyter.core.engines.probe import ask, is_asked, missing
from aim_jupyter.core.engines.probe_cache import Answer
from aim_jupyter.core.errors import NoEngine, UnknownName
from aim_jupyter.core.records import EngineEnvironment


def find() -> list[EngineEnvironment]:
    """Return every engine environment of this user, in the order in which `choose` prefers them.

    Each is asked once (about 10 s); later calls read what it answered. One that can't serve is
    listed with the reason, as is an engine of another package that was refused. The same
    environment under two paths is listed once. Images come last: those that were asked for by name
    before.

    Examples
    --------
    >>> for environment in find():  # doctest: +SKIP
    ...     print(environment.name, environment.version, environment.reason)
    vllm-cpu-0.32 0.32.0
    notebook None no engine is installed here
    """
    found = [describe(candidate) for candidate in _distinct(candidates.all_of_them())]
    return [*found, *map(_refused, adapters.registered().refused), *images.known()]


def choose(
    name: str | None = None, *, platform: str | None = None, engine: str = "vllm"
) -> EngineEnvironment:
    """Return the engine environment that a server should use.

    In this order: the one called `name`; the one that `AIM_ENGINE_PYTHON` names, whatever its
    platform, since that is the user's word; then, of those for `platform`, the managed one with
    the newest engine, this interpreter, a container's. Only as many are asked as it takes.

    Parameters
    ----------
    name : str, optional
        As in `find`, or any ``container:IMAGE``; images are chosen by name alone.
    platform : str, optional
        Such as ``cpu`` or ``rocm``; any where left out.
    engine : str
        Such as ``vllm``.

    Raises
    ------
    UnknownName
        If no environment is called `name`.
    NoEngine
        If none can serve, or the one that was asked for can't.
    """
    if name is not None:
        hint = images.NEEDED if images.is_image(name) else "%aim engines"
        return _usable(_named(name), f"{name} is not usable", hint)
    seen = []
    for candidate in _distinct(candidates.all_of_them()):
        environment = describe(candidate)
        other = ""
        if environment.usable and environment.engine != engine:
            # It may have this one as well.
            other, environment = environment.engine or "", describe(candidate, engine)
        if candidate.source == "variable":
            wanted = adapters.title(engine)
            hint = f"set AIM_ENGINE_PYTHON to an interpreter that has {wanted}, or unset it"
            return _usable(
                environment,
                f"AIM_ENGINE_PYTHON ({candidate.python}) is not usable",
                f"say --engine {other}, or {hint}" if other else hint,
            )
        if environment.usable and _suits(environment, platform, engine):
            return environment
        seen.append(environment)
    raise _none_of(seen, platform, engine)


def is_known(*, platform: str | None = None, engine: str = "vllm") -> bool:
    """Whether `choose` answers at once: nobody has to be asked for it first."""
    for candidate in _distinct(candidates.all_of_them()):
        if not _is_asked(candidate):
            return False
        environment = describe(candidate)
        if candidate.source == "variable":
            return True
        if environment.usable and _suits(environment, platform, engine):
            return True
    return True


def answered(name: str | None = None) -> list[EngineEnvironment]:
    """Return the environments that can serve, without asking any; none where one is to be asked.

    Parameters
    ----------
    name : str, optional
        Only those of this engine, or the one of this name.
    """
    there = list(_distinct(candidates.all_of_them()))
    if not all(map(_is_asked, there)):
        return []
    found = map(describe, there)
    return [one for one in found if one.usable and name in (None, one.engine, one.name)]


def _is_asked(candidate: Candidate) -> bool:
    if candidate.source == "notebook" and not candidates.notebook_has_engine():
        return True
    return is_asked(candidate.python)


def describe(candidate: Candidate, engine: str | None = None) -> EngineEnvironment:
    """Return a candidate with what its engine answered, or that one of its engines."""
    if candidate.source == "notebook" and not candidates.notebook_has_engine():
        # The usual case, known without starting another interpreter.
        answer = Answer(reason=missing(engine))
    else:
        notice = f"Asking {candidate.name} what its engine is: once, about 10 s."
        answer = ask(candidate.python, engine, notice=notice)
    return answer.environment(candidate.name, str(candidate.python), candidate.source)


def _refused(entry: adapters.Refused) -> EngineEnvironment:
    reason = f"refused: {entry.reason}"
    return EngineEnvironment(name=entry.name, python=entry.value, source="package", reason=reason)


def _distinct(found: Iterable[Candidate]) -> Iterator[Candidate]:
    seen = set()
    for candidate in found:
        identity = interpreters.identity(candidate.python)
        if identity not in seen:
            seen.add(identity)
            yield candidate


def _named(name: str) -> EngineEnvironment:
    if images.is_image(name):
        return images.describe(name)
    known = {candidate.name: candidate for candidate in candidates.all_of_them()}
    if name not in known:
        raise UnknownName("engine", name, known, "%aim engines")
    return describe(known[name])


def _usable(environment: EngineEnvironment, found: str, hint: str) -> EngineEnvironment:
    if not environment.usable:
        raise NoEngine(f"The engine {found}: {environment.reason}.", hint)
    return environment


def _suits(environment: EngineEnvironment, platform: str | None, engine: str) -> bool:
    return environment.engine == engine and platform in {None, environment.platform}


def _none_of(seen: list[EngineEnvironment], platform: str | None, engine: str) -> NoEngine:
    reasons = [
        f"{environment.name}: {environment.reason or f'it is for {environment.platform}'}"
        for environment in seen
    ]
    wanted = f" for {platform}" if platform else ""
    found = f"No engine environment{wanted} can serve ({'; '.join(reasons) or 'there is none'})."
    if engine in sources.read():
        return NoEngine(found, f"%aim engine install {engine}")
    if engine != "vllm":
        return NoEngine(found, "install it, and set AIM_ENGINE_PYTHON to its interpreter")
    return NoEngine(found, f"%aim engine install {'rocm' if platform == 'rocm' else 'cpu'}")
