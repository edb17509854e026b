"""The verbs that work over servers and keep what comes of it: map, bench, and their runs."""

from __future__ import annotations

import contextlib
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from aim_jupyter.commands import handlers, looks
from aim_jupyter.commands.arguments import BENCH, IN_AND_OUT, MAP, RUN, RUNS, SERVER
from aim_jupyter.commands.command import Command
from aim_jupyter.commands.looks import Look
from aim_jupyter.core.errors import AimError, BadUsage
from aim_jupyter.work import runs
from aim_jupyter.work.records import BenchRun
from aim_jupyter.work.runs import RunFolder


def bench(given: Namespace) -> RunFolder:
    """Measure a server, and return the run."""
    from aim_jupyter.work.bench.bench import Bench  # noqa: PLC0415 - httpx, for a bench only

    return Bench(
        given.server,
        tokens_in=given.tokens_in,
        tokens_out=given.tokens_out,
        like=given.like,
        ttft_ms=given.ttft,
        itl_ms=given.itl,
        at_once=given.at_once or (),
        most=given.most,
        rounds=given.rounds,
    ).do()


def frame(given: Namespace) -> Any:
    """Return what the rows of a run are made of."""
    folder = runs.find(given.run)
    return folder if isinstance(folder.latest(), BenchRun) else folder.answers()


def frame_look(given: Namespace) -> Look:
    """Return how the rows of a run look; without any run, as those of a map."""
    with contextlib.suppress(AimError):
        if isinstance(runs.find(given.run).latest(), BenchRun):
            return looks.LEVELS
    return looks.ROWS


def stop_runs(given: Namespace) -> list[str]:
    """Ask runs to keep what is done and leave."""
    found = [runs.find(name) for name in given.runs]
    for folder in found:
        folder.ask_to_stop()
    return [f"{folder.id} keeps what is done and stops." for folder in found]


def evict_runs(given: Namespace) -> list[str]:
    """Remove runs."""
    found = [runs.find(name) for name in given.runs]
    for folder in found:
        folder.evict()
    return [f"{folder.id} is removed." for folder in found]


def mapping(given: Namespace, names: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a map is asked for, as `aim_jupyter.map` takes it, but for the table.

    Parameters
    ----------
    names : mapping
        What the words of a notebook may stand for; none in a terminal.
    """
    sampling = {"max_tokens": given.max_tokens, "temperature": given.temperature}
    return {
        "prompt": _prompt(given),
        "into": given.into,
        "schema": _schema(given.schema, names),
        "servers": given.server,
        "images": given.images or (),
        "samples": given.samples,
        "asks": given.asks,
        "launch": given.launch,
        "errors": given.errors,
        "force": given.force,
        "background": given.background,
        "sampling": {name: value for name, value in sampling.items() if value is not None},
    }


def _prompt(given: Namespace) -> str:
    if given.prompt_file is not None:
        return "\n".join(handlers.lines_of(str(given.prompt_file)))
    text: str = getattr(given, "body", "") or " ".join(given.words)
    if not text:
        raise BadUsage(
            "There is no prompt.", f"%aim map {given.table} --into kind 'Is it kind? {{text}}'"
        )
    return text


def _schema(word: str | None, names: Mapping[str, Any]) -> Any:
    if word is None or word in names:
        return names.get(word or "")
    if word.endswith(".json"):
        try:
            return msgspec.json.decode(Path(word).read_bytes())
        except (OSError, msgspec.DecodeError) as error:
            raise BadUsage(f"{word} can't be read: {error}.", "name a JSON Schema") from error
    return word.split(",")


WORK: tuple[Command, ...] = (
    Command(
        "map",
        "ask a model about each row of a table; what is answered is kept",
        lambda given: given,
        looks.MAPPED,
        (*IN_AND_OUT, *MAP),
        cell="the prompt",
    ),
    Command(
        "bench",
        "how much a server does: requests at once up to the knee, or to what is wanted",
        bench,
        looks.LEVELS,
        (SERVER, *BENCH),
    ),
    Command(
        "runs",
        "the maps and benches that are kept: rows, done, failed",
        lambda _: runs.folders(),
        looks.RUNS,
    ),
    Command(
        "runs frame",
        "the rows of a run: answers, and why some failed; of a bench its levels",
        frame,
        frame_look,
        (RUN,),
    ),
    Command(
        "runs stop",
        "let a run that goes on keep what is done and leave",
        stop_runs,
        looks.LINES,
        (RUNS,),
    ),
    Command("runs evict", "remove runs with all that they found", evict_runs, looks.LINES, (RUNS,)),
)
