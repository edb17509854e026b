"""How each kind of answer looks, whoever shows it: one record a kind.

A front end shows the rows as its tables, the card, the text, or the plain value as JSON; only what
moves while it is shown (a start, a download, a reply) has its own way in each of them.
"""

# ruff: noqa: PLW0108 - a lambda looks up what draws when it is drawn, as it is imported then

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from aim_jupyter import render
from aim_jupyter.commands import presenting
from aim_jupyter.core import api, config, serving
from aim_jupyter.tables import columns

if TYPE_CHECKING:
    from aim_jupyter.core.records import CachedModel, Choice, Machine, ServerView
    from aim_jupyter.render import Card
    from aim_jupyter.tables.columns import Row, Verb

#: The variables that hide GPUs, outermost first.
_MASKS = ("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES")


class Look(NamedTuple):
    """How one kind of answer looks.

    Attributes
    ----------
    name : str
    table : str or None
        Whose columns its rows have: a notebook gives them as a DataFrame.
    rows : callable or None
        Makes them of the answer.
    card : callable or None
        Makes the card; None where this answer has none.
    text : callable or None
        Makes the lines that stand for it where rows and card do not.
    plain : callable or None
        Makes the values that JSON has, one a line; else it is the rows, or the answer itself.
    typed : bool
        Whether the JSON has lines to type, which are a terminal's there.
    failed : callable or None
        Says of an answer whether the command has failed.
    """

    name: str
    table: Verb | None = None
    rows: Callable[[Any], list[Row]] | None = None
    card: Callable[[Any], Card | None] | None = None
    text: Callable[[Any], Iterable[str]] | None = None
    plain: Callable[[Any], Iterable[Any]] | None = None
    typed: bool = False
    failed: Callable[[Any], bool] | None = None


def _table(
    verb: Verb, card: Callable[[Any], Card | None] | None = None, name: str = "", **more: Any
) -> Look:
    return Look(name or verb, verb, lambda answer: rows(verb, answer), card, **more)


def rows(verb: Verb, answer: Any) -> list[Row]:
    """Return the rows of a table verb, as `columns` has them."""
    if verb == "gpus":
        return [columns.gpu_row(gpu) for gpu in answer.gpus]
    if verb == "metrics":
        return [
            columns.metrics_row(view.record.name, view.sample) for view in answer if view.sample
        ]
    if verb not in columns.ROW:
        from aim_jupyter.tables import kept  # noqa: PLC0415 - of runs alone

        return [kept.ROW[verb](record) for record in answer]
    return [columns.ROW[verb](record) for record in answer]


# -- tables ----------------------------------------------------------------------------------------


def _gpus_card(machine: Machine) -> Card:
    mask = next((f"{name}={os.environ[name]}" for name in _MASKS if name in os.environ), None)
    on_hub = "JUPYTERHUB_USER" in os.environ
    return render.gpus_card(machine, user=config.user(), mask=mask, on_hub=on_hub)


def _gpus_plain(machine: Machine) -> Iterator[Any]:
    plain = msgspec.to_builtins(machine.gpus)
    # The records' own names come first: their units are bytes, the columns' GiB.
    yield [{**row, **one} for row, one in zip(rows("gpus", machine), plain, strict=True)]


def _recipes_card(choices: list[Choice]) -> Card | None:
    """Return the card of one model's recipes; the overview of all models is a table alone."""
    models = {choice.recipe.model for choice in choices}
    return render.recipes_card(choices, models.pop()) if len(models) == 1 else None


def _cache_card(models: list[CachedModel]) -> Card:
    return render.cache_card(models, api.cache_totals(models))


def _servers_card(views: list[ServerView]) -> Card | None:
    """Return a card where there is no server at all; a table of servers speaks for itself."""
    if views:
        return None
    return render.nothing_card("servers", "No server yet.", "`server = %aim launch` starts one.")


def _queue_card(waiting: list[Any]) -> Card | None:
    if waiting:
        return None
    found = "Nobody waits for a GPU."
    return render.nothing_card("queue", found, "`%aim launch MODEL --queue` waits for one.")


def _metrics_card(views: list[ServerView]) -> Card | None:
    if any(view.sample for view in views):
        return None
    found = "No running server has been measured yet."
    return render.nothing_card("metrics", found, "`%aim ps` lists the servers.")


def _runs_card(found: list[Any]) -> Card | None:
    if found:
        return None
    return render.nothing_card("runs", "No run yet.", "`%aim map` or `%aim bench` begins one.")


def _fetched_rows(fetches: Any) -> list[Row]:
    last = _last(fetches)
    return rows("cache", list(last.done) if last else [])


GPUS = _table("gpus", _gpus_card, plain=_gpus_plain)
PARTITIONS = _table("partitions")
SITES = _table("sites")
ENGINES = _table("engines", lambda found: render.engines_card(found))
RECIPES = _table("recipes", _recipes_card)
PS = _table("ps", _servers_card)
QUEUE = _table("queue", _queue_card)
METRICS = _table("metrics", _metrics_card)
RAW = _table("raw")
CACHE = _table("cache", _cache_card)
EVICT = _table("evict", lambda plan: render.eviction_card(plan))
EVENTS = _table("events")
USAGE = _table("usage")
STARTS = _table("fit", name="starts")
RUNS = _table("runs", _runs_card)
#: The rows of one run.
ROWS = _table("answers", name="rows")
#: The levels of a bench.
LEVELS = _table("levels", lambda of: render.bench_card(of[0][0]) if of else None)
#: The figures of an evaluation, and what was asked for them.
SCORES, SAMPLES = _table("scores"), _table("samples")
#: Answers of a map, asked again.
DRIFT = Look(
    "drift",
    "drift",
    lambda found: rows("drift", found.rows),
    lambda found: render.drift_card(found),
)
RECORDS = _table("records")
DIFFERENCES = _table("differences", lambda found: render.differences_card(found))
HISTORY = Look("history", "metrics", presenting.history_rows)
#: A download again and again, until all models are there; then their table.
FETCHED = Look("fetched", "cache", _fetched_rows, _cache_card)


# -- cards and text --------------------------------------------------------------------------------


def _client_facts(folder: Any) -> dict[str, str]:
    record = api.reachable(folder)
    key_file = str(folder.path / "key")
    return {"base_url": record.base_url, "model": record.plan.model, "key_file": key_file}


def _client_text(folder: Any) -> Iterator[str]:
    for name, value in _client_facts(folder).items():
        yield f"{name.removesuffix('_file'):<8}  {value}"


def _engine_text(environment: Any) -> Iterator[str]:
    from aim_jupyter.render import words  # noqa: PLC0415 - knows the adapters

    engine = words.engine(environment.engine, environment.version)
    yield f"{environment.name} is ready: {engine}, {environment.python}"


def _last(answers: Iterable[Any]) -> Any:
    kept = deque(answers, maxlen=1)
    return kept.pop() if kept else None


STATUS = Look("status", card=lambda found: render.status_card(found))
SERVER = Look("server", card=lambda view: presenting.server_card(view))
DOCTOR = Look("doctor", card=lambda checks: render.checks_card(checks))
WARM = Look("warm", card=lambda hosts: render.warm_card(hosts))
STATS = Look("stats", card=lambda found: render.stats_card(found))
#: Why an engine ended.
EXPLAINED = Look("explained", card=lambda found: render.explained_card(found), typed=True)
#: What served.
RECORD = Look("record", card=lambda kept: render.record_card(kept))
WHY = Look(
    "why",
    card=lambda found: render.startable_card(found),
    failed=lambda found: not found.can_start,
)
FIT = Look(
    "fit",
    card=lambda answer: render.fit_card(answer.fit, answer.choice),
    plain=lambda answer: [presenting.fit_json(answer)],
    typed=True,
)
#: A plain answer for each question.
ANSWERS = Look("answers", plain=lambda answers: answers, typed=True)
PLAN = Look("plan", text=lambda plan: [render.plan_text(plan)])
LINES = Look(
    "lines", text=lambda lines: lines, plain=lambda lines: ({"line": line} for line in lines)
)
FOLLOWED = Look(
    "followed",
    text=lambda events: map(render.event_line, events),
    plain=lambda events: map(columns.ROW["events"], events),
)
ENGINE = Look("engine", text=_engine_text)
PANEL = Look(
    "panel",
    text=lambda request: [api.launch_line(request)],
    plain=lambda request: [{"line": api.launch_line(request)}],
    typed=True,
)
#: What a client needs: a handle in a notebook.
ATTACHED = Look("attached", text=_client_text, plain=lambda folder: [_client_facts(folder)])
CLIENT = ATTACHED._replace(name="client")
#: The variables of a client: set where it is asked, or as lines for a shell.
ENV, EXPORT = ATTACHED._replace(name="env"), ATTACHED._replace(name="export")
#: A program beside a server.
BESIDE = ATTACHED._replace(name="beside")

# -- what moves while it is shown ------------------------------------------------------------------

#: A server that was just launched: to leave running, to stay with.
LAUNCHED = Look("launched", plain=lambda folder: [serving.view(folder)])
SERVED = LAUNCHED._replace(name="served")
#: A server again and again, until it is ready.
WAITING = Look("waiting", plain=lambda views: [_last(views)])
REPLY = Look("reply")
#: What all servers do, again and again.
TOP = Look("top")
FIGURE = Look("figure")
EXPORTER = Look("exporter")
#: One address for all servers, and the client of it.
GATEWAY, ALL = Look("gateway"), Look("all")
#: What a map was asked for: a front end knows what table is meant.
MAPPED = Look("mapped")
HELP = Look("help")
