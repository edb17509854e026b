"""The one core that every front end calls: magics, command, Python API and REST.

Each function answers with records of `aim_jupyter.core.records` or raises an `AimError`; none
prints, and none knows how its answer will be shown.
"""

from __future__ import annotations

import getpass
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from aim_jupyter.core import (
    cache,
    diagnosis,
    engines,
    files,
    planning,
    recipes,
    reporting,
    resolving,
    serving,
)
from aim_jupyter.core import gpus as detection
from aim_jupyter.core.engines import InstallPlatform
from aim_jupyter.core.errors import (
    AimError,
    BadUsage,
    NoFit,
    ServerGone,
    StartFailed,
    WaitTimeout,
)
from aim_jupyter.core.planning import Request
from aim_jupyter.core.recipes import authoring
from aim_jupyter.core.recipes import export as exporting
from aim_jupyter.core.records import (
    CachedModel,
    CacheTotals,
    Check,
    Choice,
    EngineEnvironment,
    Machine,
    Model,
    Plan,
    ServerRecord,
    ServerView,
    Status,
)
from aim_jupyter.core.records.engine import TITLES
from aim_jupyter.core.serving import ServerFolder

if TYPE_CHECKING:
    from aim_jupyter.core.fitting import Answered
    from aim_jupyter.core.records.fit import Start

DEMO = "demo"
DEFAULT_ENGINE = "vllm"
DRAIN_S = serving.DRAIN_S


# -- the machine and what is installed -----------------------------------------------------------


def machine(
    simulated: str | None = None, *, file: Path | None = None, tools: bool = False
) -> Machine:
    """Return the GPUs of this machine in HIP order, who holds them, and the processor.

    Parameters
    ----------
    simulated : str, optional
        A machine that is not there, such as ``mi300x:8`` or ``mi300x:8:cpx-nps4``.
    file : Path, optional
        The captured output of a tool, read instead of the machine.
    tools : bool
        Ask the vendor's tools as well, in subprocesses with a time limit; the driver's word holds.

    Raises
    ------
    BadUsage
        If there is no such machine to simulate, or the file is no output that is known.
    """
    if file is not None:
        return detection.from_file(file)
    found = detection.machine(simulated)
    return detection.enrich(found) if tools else found


def engine_list() -> list[EngineEnvironment]:
    """Return every engine environment that was found, usable or not, and why not."""
    return engines.find()


def install_engine(platform: InstallPlatform, *, force: bool = False) -> EngineEnvironment:
    """Make a managed engine environment and return it; progress goes to `events.report`.

    Raises
    ------
    InstallFailed
        If no source ended in a working engine; nothing half-made is left.
    """
    return engines.install(platform, force=force)


def doctor(report: Path | None = None) -> list[Check]:
    """Return what was checked on this machine, the failed checks first.

    Parameters
    ----------
    report : Path, optional
        Write there, for a maintainer, what was found; nothing in it names a person.

    Raises
    ------
    StateUnusable
        If the report can't be written.
    """
    here = machine()
    checks = diagnosis.checks(here)
    if report is not None:
        reporting.write(report, here, checks)
    return checks


# -- from a model to a plan ----------------------------------------------------------------------


def recipe_list(
    model: str | None = None,
    *,
    users: int | None = None,
    context: int | None = None,
    simulated: str | None = None,
) -> list[Choice]:
    """Return every recipe of `model`, or the best of each model, with verdict and reason.

    Raises
    ------
    UnknownName
        If there is no such model; it holds the nearest names.
    """
    here = machine(simulated)
    if model is not None:
        found = resolving.model(model)
        judge = _judge(found, here) if here.gpus else None
        ranked = recipes.rank(found, here, users=users, context=context, fit=judge)
        return [_with_evidence(choice) for choice in ranked]
    best = _best_of_each(here, recipes.Asked(users=users, context=context))
    order = {"FITS": 0, "TIGHT": 1, "NO": 2}
    best.sort(key=lambda choice: (order[choice.verdict], choice.recipe.model != DEMO))
    return [replace(_with_evidence(choice), rank=rank) for rank, choice in enumerate(best, start=1)]


def _best_of_each(here: Machine, asked: recipes.Asked) -> list[Choice]:
    """Return the first recipe of each model; what would fit instead is said for one model alone."""
    version = _version_for(here)
    starts = _fitting().learned() if here.gpus else ()
    best = []
    for model in recipes.catalogue().models:
        more = {"engine_version": version, "starts": starts, "with_offers": False}
        judge = _fitting().judge(model, here, **more) if here.gpus else None
        for choice in recipes.judge_all(model, here, asked, judge)[:1]:
            fits = choice.verdict == "FITS"
            best.append(choice if fits else replace(choice, try_line=f"%aim recipes {model.name}"))
    return best


def _judge(model: Model, here: Machine) -> recipes.Fit:
    judge: recipes.Fit = _fitting().judge(model, here, engine_version=_version_for(here))
    return judge


def fit(parameters: Mapping[str, Any]) -> Answered:
    """Return whether something will fit: the verdict with its sum, and what would fit instead.

    Parameters
    ----------
    parameters : mapping
        As `core.fit.answer` takes them; without ``machine`` it is this one, as it is now.

    Raises
    ------
    BadUsage, UnknownName
        If the question itself is wrong.
    """
    here = {} if parameters.get("machine") else {"engine_version": _version_for(machine())}
    answered: Answered = _fitting().Asker(resolving.model).ask({**here, **parameters})
    return answered


def fits(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield a plain answer for each question, a line of JSON; the Hub is not asked."""
    answers: Iterator[dict[str, Any]] = _fitting().Asker(recipes.catalogue().find).answers(lines)
    return answers


def starts() -> list[Start]:
    """Return all starts on this site, the newest first: what was predicted, and what it took.

    Raises
    ------
    StateUnusable
        If their file can't be read.
    """
    found: list[Start] = _fitting().history()
    return found


def _version_for(here: Machine) -> str | None:
    """Return the version of the engine that would serve here, None for a machine that is not."""
    environment = None if here.simulated or not here.gpus else _engine_for(here)
    return environment.version if environment else None


def _fitting() -> ModuleType:
    """Return `core.fitting`: only verbs that judge recipes pay for its import."""
    from aim_jupyter.core import fitting  # noqa: PLC0415

    return fitting


def _with_evidence(choice: Choice) -> Choice:
    """Say "tested" of settings that were measured with this tool, on that kind of device."""
    return replace(choice, evidence="tested") if choice.recipe.origin == "measured" else choice


def plan(request: Request) -> Plan:
    """Return what `launch` would start, without starting it.

    Raises
    ------
    UnknownName, ModelMissing, NoEngine, NoFit, BadUsage
        Each with what was found and what to do.
    """
    model = resolving.model(request.model)
    kind = request.engine if request.engine in TITLES else None
    here = machine()
    version = installed.version if (installed := _engine_for(here)) else None
    ranked = recipes.rank(
        model,
        here,
        users=request.users,
        context=request.context,
        recipe=request.recipe,
        gpus=request.gpus,
        engine=kind or DEFAULT_ENGINE,
        engine_version=version,
        fit=_fitting().judge(model, here, options=request.options, engine_version=version)
        if here.gpus
        else None,
    )
    choice = planning.choose(ranked, request)
    platform = "cpu" if choice.recipe.gpu_model == "cpu" else "rocm"
    name = None if kind else request.engine
    environment = engines.choose(name, platform=platform, engine=choice.recipe.engine)
    placed = resolving.place(choice.recipe)
    called = request.name or serving.name_for(model.name)
    return planning.plan(request, choice, environment, placed, called)


def new_recipe(model: str, recipe: str | None = None) -> str:
    """Return the text of a recipe file of one's own, started from the recipe that would be chosen.

    Parameters
    ----------
    recipe : str, optional
        Id of another recipe to start from.
    """
    known = resolving.model(model)
    ranked = recipes.rank(known, machine(), recipe=recipe)
    if not ranked:
        raise NoFit(f"There is no recipe for {model} to start from.", "%aim recipes")
    return authoring.new(known, ranked[0].recipe)


def check_recipe(file: Path) -> Model:
    """Return what a recipe file holds.

    Raises
    ------
    RecipeInvalid
        Naming file, line, what was expected and what was found.
    """
    return authoring.check(file)


def export(request: Request, target: str) -> str:
    """Return a plan for another place: a shell, docker, AMD's runtime, Kubernetes.

    Raises
    ------
    BadUsage
        If there is no such form.
    """
    made = plan(request)
    ranked = recipes.rank(resolving.model(request.model), machine(), recipe=made.recipe_id)
    return exporting.export(made, ranked[0].recipe, target)


def plan_for(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return a plan as plain data, also for a machine that is not there, or by AMD's own rules.

    Parameters
    ----------
    parameters : dict
        As `recipes.Asker` takes them: ``model machine precision metric policy fallback recipes …``.

    Raises
    ------
    NoFit, BadUsage, UnknownName
        With the nearest launches that do work.
    """
    return _asker().ask(parameters)


def plans_for(lines: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the answer to each of many questions; a failure is an answer with an ``error``."""
    asker = _asker()
    return (asker.answer(parameters) for parameters in lines)


def _asker() -> recipes.Asker:
    try:
        environment = engines.choose()
    except AimError:
        # A plan for elsewhere needs no engine here; its options then go unchecked.
        environment = None
    return recipes.Asker(detection.machine, environment=environment)


def default_model() -> str:
    """Return the model of a launch that names none: the demo, where there is no GPU.

    Raises
    ------
    BadUsage
        If there are GPUs: then it is the user who knows what they are for.
    """
    usable = [gpu for gpu in machine().gpus if gpu.usable]
    if usable:
        free = sum(gpu.state == "free" for gpu in usable)
        raise BadUsage(
            f"Which model? {free} of {len(usable)} GPUs are free.",
            "%aim recipes shows what fits, then %aim launch MODEL",
        )
    return DEMO


# -- servers -------------------------------------------------------------------------------------


def launch(request: Request, *, new: bool = False) -> ServerFolder:
    """Start a server in the background and return at once.

    Parameters
    ----------
    new : bool
        Start another one even where a server with the same command runs.

    Returns
    -------
    ServerFolder
        Of the new server, or of the one that already runs.
    """
    wanted = plan(request)
    if not new:
        running = serving.running_for(wanted)
        if running is not None and request.name in (None, running.name):
            return running
    return serving.launch(wanted, rename=request.name is None)


def servers() -> list[ServerView]:
    """Return all servers, live or ended, with their figures as of now."""
    return [serving.view(folder) for folder in serving.folders()]


def server(name: str | None = None) -> ServerFolder:
    """Return the folder of the server `name`, or of the one that was launched last.

    Raises
    ------
    UnknownName
        If there is none of that name.
    ServerGone
        If no name was given and no server is live.
    """
    if name is not None:
        return serving.find(name)
    live = [(view.record.created_at, view.record.name) for view in _readable() if view.record.live]
    if not live:
        raise ServerGone("No server is running.", "%aim launch")
    return serving.find(max(live)[1])


def status(name: str | None = None) -> ServerView:
    """Return one server as of now."""
    return serving.view(server(name))


def attach(name: str | None = None) -> ServerFolder:
    """Return a server that is live and whose key can be read: what a client needs.

    Raises
    ------
    ServerGone
        If it has ended, with why.
    """
    folder = server(name)
    reachable(folder)
    return folder


def reachable(folder: ServerFolder) -> ServerRecord:
    """Return the record of a server that a client can be made for.

    Raises
    ------
    ServerGone
        If it has ended, with why, or its key is gone.
    """
    record = serving.current(folder)
    if not record.live:
        raise ServerGone(
            f"Server {folder.name!r} is {record.state}: {record.reason or 'it has ended'}.",
            f"%aim launch {record.plan.model}",
        )
    folder.key()
    return record


def wait(name: str | None = None, *, limit_s: float = 1800.0) -> Iterator[ServerView]:
    """Yield the server about four times a second until it is ready, last when it is.

    Raises
    ------
    StartFailed
        If it ends before it is ready, with the cause and what to try.
    WaitTimeout
        If `limit_s` seconds pass before.
    """
    return watch(server(name), limit_s=limit_s)


def watch(folder: ServerFolder, *, limit_s: float) -> Iterator[ServerView]:
    """Do what `wait` says, for a server that is already at hand."""
    end = time.monotonic() + limit_s
    while True:
        view = serving.view(folder)
        yield view
        if view.record.state == "running":
            return
        if view.record.state != "starting":
            raise start_failed(view.record)
        if time.monotonic() > end:
            raise WaitTimeout(
                f"Server {folder.name!r} is not ready after {limit_s:.0f} s "
                f"(stage {view.record.stage or 'none'}).",
                f"%aim logs {folder.name} -f, or %aim wait {folder.name} again",
            )
        time.sleep(0.25)


def start_failed(record: ServerRecord) -> StartFailed:
    """Return the error that says why `record`'s server is not running."""
    crash = record.crash
    if crash is None:
        found = f"Server {record.name!r} is {record.state}: {record.reason or 'it has ended'}."
        return StartFailed(found, f"%aim logs {record.name} -n 50")
    words = [f"Server {record.name!r}: {crash.what}", crash.cause]
    return StartFailed(" ".join(filter(None, words)), crash.try_line)


def stop(name: str | None = None, *, drain_s: float = DRAIN_S) -> ServerView:
    """End a server and verify that nothing of it is left; an ended one stays as it is."""
    folder = server(name)
    serving.stop(folder, drain_s=drain_s)
    return serving.view(folder)


def logs(name: str | None = None, *, lines: int = 40) -> list[str]:
    """Return the last lines of the engine's log."""
    return files.tail(_named_or_last(name).log, lines)


def follow_logs(name: str | None = None, *, lines: int = 10) -> Iterator[str]:
    """Yield the last lines of the engine's log, then new ones until the server ends."""
    return serving.follow(_named_or_last(name), lines)


def metrics(name: str | None = None) -> list[ServerView]:
    """Return the running servers, or the one named, with the figures of the last minute."""
    if name is not None:
        return [serving.view(attach(name))]
    return [view for view in servers() if view.record.state == "running"]


def models_on_disk() -> list[CachedModel]:
    """Return the models of the cache, with the server that uses each."""
    live = [view.record for view in _readable() if view.record.live]
    return cache.models(in_use={record.plan.model_path: record.name for record in live})


def cache_totals(models: list[CachedModel]) -> CacheTotals:
    """Return the cache in one line."""
    return cache.totals(models)


# -- the whole at a glance -----------------------------------------------------------------------


def overview() -> Status:
    """Return what the status card shows: GPUs, engine, servers, cache and the next step."""
    began = time.perf_counter()
    here = machine()
    environment = _engine_for(here)
    views = tuple(view for view in _readable() if view.record.live)
    on_disk = cache.totals(cache.models())
    read_s = time.perf_counter() - began
    return Status(
        at=time.time(),
        read_s=read_s,
        user=getpass.getuser(),
        machine=here,
        engine=environment,
        servers=views,
        cache=on_disk if on_disk.models else None,
        next=planning.next_steps(here, environment, views),
    )


def _engine_for(here: Machine) -> EngineEnvironment | None:
    platform = "rocm" if any(gpu.usable for gpu in here.gpus) else "cpu"
    try:
        return engines.choose(platform=platform)
    except AimError:
        return None


def _readable() -> Iterator[ServerView]:
    for folder in serving.folders():
        try:
            yield serving.view(folder)
        except ServerGone:
            # `ps` and the doctor name it; here it must not hide the others.
            continue


def _named_or_last(name: str | None) -> ServerFolder:
    """Return the server `name`, or the last launched one, also when it has ended."""
    if name is not None:
        return serving.find(name)
    views = list(_readable())
    if not views:
        raise ServerGone("No server has been launched.", "%aim launch")
    return serving.find(max(views, key=lambda view: view.record.created_at).record.name)
