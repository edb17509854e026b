"""From parsed arguments to a call of the core, where a verb takes more than one line for that."""

from __future__ import annotations

import shlex
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from aim_jupyter.commands import looks
from aim_jupyter.commands.looks import Look
from aim_jupyter.core import api
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.records import EvictionRule
from aim_jupyter.core.records.provenance import Provenance
from aim_jupyter.core.request.record import OPTIONS, Request
from aim_jupyter.work import runs
from aim_jupyter.work.records import MapRun


def request(given: Namespace) -> Request:
    """Return what a launch was asked for; AMD's ``AIM_*`` variables stand behind the options."""
    return api.with_variables(asked(given))


def asked(given: Namespace) -> Request:
    """Return the options of a launch that a verb has, as a request."""
    said = {
        option.field: option.gathered(getattr(given, option.field))
        for option in OPTIONS
        if hasattr(given, option.field)
    }
    options = {**given.engine_options, **said.get("options", {})}
    return Request(**{**said, "model": said["model"] or "", "options": options})


def export(given: Namespace) -> list[str]:
    """Return a plan, or a run of a map, for another place."""
    if not given.batch:
        return api.export(request(given), given.to).splitlines()
    from aim_jupyter.work.map import batch  # noqa: PLC0415 - for a map only

    return batch.job(runs.find(given.run).read_as(MapRun)).splitlines()


def launch(given: Namespace) -> Any:
    """Launch a server."""
    with api.launching():
        return api.launch(request(given))


def install(given: Namespace) -> Any:
    """Make an engine environment, or that of the harness of `eval`, which is none."""
    if given.platform != "eval":
        return api.install_engine(given.platform, force=given.force, sources=given.sources)
    from aim_jupyter.work.evaluate import environment  # noqa: PLC0415 - for an install only

    return [f"What %aim eval needs is in {environment.install(force=given.force)}"]


def why(given: Namespace) -> Any:
    """Return why an engine ended; what is asked for beside that is done first."""
    if given.log is None:
        found = api.why(given.server)
    else:
        log = Path(given.log).expanduser()
        told = {"engine": given.engine, "version": given.engine_version}
        found = api.why_log(log, exit_code=given.exit_code, **told)
    if given.ask is not None:
        found = api.ask(found, given.ask or None)
    if given.report:
        print(f"The report is {api.report(found)}", file=sys.stderr)  # noqa: T201 - beside the answer
    return found


def provenance(given: Namespace) -> Any:
    """Return what served, or all records; a file is written beside that."""
    if given.all:
        return api.records()
    kept = api.record(given.record)
    if given.export is not None:
        written = api.export_record(kept, given.export.expanduser())
        print(f"The record is {written}", file=sys.stderr)  # noqa: T201 - beside the answer
    return kept


def replay(given: Namespace) -> Any:
    """Launch what a record says, if it is the same here; or say what is not."""
    kept = api.record(given.record)
    wanted = asked_again(kept)
    if given.dry:
        return api.differences(kept, wanted, check=given.check)
    return api.replay(kept, wanted, check=given.check, anyway=given.anyway)


def asked_again(kept: Provenance) -> Request:
    """Return the request that led to a record."""
    # The parser is made of the table, which names what stands here.
    from aim_jupyter.commands import parsing  # noqa: PLC0415

    return asked(parsing.parse(["launch", *kept.asked])[1])


def warm(given: Namespace) -> Any:
    """Start a warm host, or end all of them; the hosts that are there then."""
    if given.off:
        api.cool_down()
        return []
    return api.warm_up(idle_s=given.idle)


def plan(given: Namespace) -> Any:
    """Return a plan as plain data, or the answers to a batch of questions."""
    if given.batch:
        return api.plans_for(_questions(given.batch))
    there = api.Elsewhere(
        machine=given.machine,
        policy=given.policy or "default",
        fallback=given.fallback,
        recipes=tuple(given.recipes or ()),
    )
    return api.plan_there(request(given), there)


def gpus(given: Namespace) -> Any:
    """Return this machine, or the partitions of a site."""
    if given.on:
        return api.gpus_there(given.on)
    return api.machine(given.machine, file=given.file, tools=given.tools)


def recipes(given: Namespace) -> Any:
    """Return the recipes of a model, as a launch would judge them; else the best of each."""
    wanted = asked(given)
    behind = api.with_variables(wanted) if wanted.model else wanted
    return api.recipe_list(behind, simulated=given.machine)


def check_recipe(given: Namespace) -> list[str]:
    """Return what a recipe file holds, in two lines."""
    model = api.check_recipe(given.file)
    ids = ", ".join(recipe.id for recipe in model.recipes) or "none: they are derived by rule"
    return [f"{given.file} is a good recipe file for {model.name}.", f"Recipes: {ids}"]


def fit(given: Namespace) -> Any:
    """Return a verdict, the past starts, or the answers to a batch of questions."""
    if given.history:
        return api.starts()
    if given.batch:
        return api.fits(lines_of(given.batch))
    # Only this verb pays for its import.
    from aim_jupyter.core.fit.answer import Parameters  # noqa: PLC0415

    # An option that shows the answer, or is the engine's, is no part of the question.
    parts = {each.name for each in msgspec.structs.fields(Parameters)}
    said = {name: value for name, value in vars(given).items() if name in parts}
    return api.fit({name: value for name, value in said.items() if value is not None})


def fit_look(given: Namespace) -> Look:
    """Return how a fit looks: past starts, an answer a question, or a verdict."""
    if given.history:
        return looks.STARTS
    return looks.ANSWERS if given.batch else looks.FIT


def _questions(source: str) -> Iterator[dict[str, Any]]:
    """Yield the questions of a file of JSON lines."""
    for number, line in enumerate(lines_of(source), start=1):
        if line.strip():
            yield _question(line, number)


def lines_of(source: str) -> list[str]:
    """Return the lines of a file, or of standard input for ``-``.

    Raises
    ------
    BadUsage
        If it can't be read.
    """
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BadUsage(f"{source} can't be read: {error}.", "name a file of JSON lines") from error
    return text.splitlines()


def _question(line: str, number: int) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line.encode(), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError) as error:
        raise BadUsage(f"Line {number} is no JSON object: {error}.", "one object a line") from error


#: Seconds that a plot shows without `--history`.
_PLOTTED_S = 600.0


def metrics(given: Namespace) -> Any:
    """Return figures of now, what the engines export, or the past; to be served, nothing yet."""
    if given.serve_metrics:
        return None
    if given.raw:
        return api.exported(given.server)
    if given.plot:
        return api.plotted(given.server, given.history or _PLOTTED_S)
    if given.history and given.every:
        return api.history(given.server, given.history, every_s=given.every)
    if given.history:
        return api.history_columns(given.server, given.history)
    return api.metrics(given.server, window_s=given.window)


def metrics_look(given: Namespace) -> Look:
    """Return how figures look: a table, a figure, or nothing but an address."""
    for said, look in (
        (given.serve_metrics, looks.EXPORTER),
        (given.raw, looks.RAW),
        (given.plot, looks.FIGURE),
        (given.history, looks.HISTORY),
    ):
        if said:
            return look
    return looks.METRICS


def events(given: Namespace) -> Any:
    """Return what happened, or follow it."""
    return api.follow_events(given.server) if given.follow else api.events(given.server)


def logs(given: Namespace) -> Any:
    """Return the end of a log, or follow it."""
    read = api.follow_logs if given.follow else api.logs
    return read(given.server, lines=given.lines)


def evict(given: Namespace) -> Any:
    """Return what would go, or what has gone."""
    planned = api.evictions(
        EvictionRule(
            models=tuple(given.models),
            older_than_s=given.older_than,
            keep_bytes=given.keep,
            free_bytes=given.free,
        )
    )
    return api.evict(planned) if given.yes else planned


def stop(given: Namespace) -> Any:
    """Stop a server, or all that are live."""
    drain_s = 0.0 if given.now else given.drain
    if not given.everyone:
        return api.stop(given.server, drain_s=drain_s)
    live = [view.record.name for view in api.servers() if view.record.live]
    return [api.stop(name, drain_s=drain_s) for name in live]


def stop_look(given: Namespace) -> Look:
    """Return how what was stopped looks."""
    return looks.PS if given.everyone else looks.SERVER


def client_look(given: Namespace) -> Look:
    """Return how a client is handed over: as a handle, set as variables, or as lines."""
    if given.all:
        return looks.ALL
    if given.export:
        return looks.EXPORT
    return looks.ENV if given.env else looks.CLIENT


def connect(given: Namespace) -> list[str]:
    """Show the entry of a program, write it, take it back; without one, say which there are."""
    from aim_jupyter.work import connect as connecting  # noqa: PLC0415 - for whoever connects

    programs = connecting.programs()
    program = next((word for word in given.words if word in programs), None)
    server = next((word for word in given.words if word != program), None)
    if program is None:
        if server is not None:
            api.attach(server)
        told = connecting.connected()
        name = f" {server}" if server else ""
        return [
            f"%aim connect {each}{name}" + (f"   (of {told[each]})" if each in told else "")
            for each in programs
        ]
    if given.off:
        return connecting.disconnect(program)
    folder = api.attach(server)
    return (connecting.connect if given.yes else connecting.shown)(program, folder)


def beside(given: Namespace) -> Any:
    """Return the server that a program is to run beside, launched if that was asked for."""
    if given.launch:
        model = Request(model=given.launch, name=given.server)
        return api.launch(api.with_variables(model))
    return api.server(given.server)


def forget(given: Namespace) -> list[str]:
    """Take ended servers off the lists."""
    return [f"{api.forget(name).record.name} is forgotten." for name in given.servers]


def share(given: Namespace) -> list[str]:
    """Share a server, take a share back, or list the shares; one line for each server."""
    server, user = _shared_with(given.words, everyone=given.everyone)
    if given.revoke:
        api.revoke(server, user or api.EVERYONE)
    elif user is not None:
        api.share(server, user)
    return [_shares_line(name, shares) for name, shares in api.shares_of(server).items()] or [
        "No server is running."
    ]


def _shared_with(words: list[str], *, everyone: bool) -> tuple[str | None, str | None]:
    """Return server and user of ``[server] [user]``; one word alone is a server if there is one."""
    most = 1 if everyone else 2
    if len(words) > most:
        raise BadUsage(
            f"{words[most]!r} is one word too many.",
            shlex.join(["%aim", "share", *words[:most], *(["--all"] * everyone)]),
        )
    if everyone:
        return (words[0] if words else None), api.EVERYONE
    if len(words) == 1 and words[0] not in api.shares_of():
        return None, words[0]
    return (words[0] if words else None), (words[1] if len(words) > 1 else None)


def _shares_line(server: str, shares: list[api.Share]) -> str:
    said = [
        ("all users of this node" if share.user == api.EVERYONE else share.user)
        + (" (attached)" if share.attached else "")
        for share in shares
    ]
    return f"{server}: {', '.join(said)}" if said else f"{server}: shared with nobody"
