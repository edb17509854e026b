"""The verbs that work over servers and keep what comes of it: map, bench, eval, and their runs."""

from __future__ import annotations

import contextlib
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from aim_jupyter.commands import handlers, looks
from aim_jupyter.commands.arguments import (
    BENCH,
    EVAL,
    IN_AND_OUT,
    MAP,
    OLD,
    RUN,
    RUNS,
    SAMPLES,
    SERVER,
    argument,
)
from aim_jupyter.commands.command import Command
from aim_jupyter.commands.looks import Look
from aim_jupyter.core.errors import AimError, BadUsage
from aim_jupyter.work import runs
from aim_jupyter.work.records import BenchRun, EvalRun, Run
from aim_jupyter.work.runs import RunFolder


def bench(given: Namespace) -> Any:
    """Measure a server, and return its levels."""
    from aim_jupyter.work.bench.bench import Bench  # noqa: PLC0415 - httpx, for a bench only

    made = Bench(
        given.server,
        tokens_in=given.tokens_in,
        tokens_out=given.tokens_out,
        like=given.like,
        ttft_ms=given.ttft,
        itl_ms=given.itl,
        at_once=given.at_once or (),
        most=given.most,
        rounds=given.rounds,
    )
    return held(made.do())


def evaluate(given: Namespace) -> Any:
    """Let the harness ask a server, and return its scores."""
    from aim_jupyter.work.evaluate.evaluation import Evaluation  # noqa: PLC0415 - for that only
    from aim_jupyter.work.evaluate.own import OwnTask  # noqa: PLC0415

    own, tasks = None, given.tasks.split(",")
    if given.answer is not None:
        if given.prompt is None:
            line = f"%aim eval {given.tasks} --prompt '{{question}}' --answer {given.answer}"
            raise BadUsage("A table needs a prompt of its columns.", line)
        # In a notebook the word is a table of its own, or a file as in a terminal.
        table = getattr(given, "names", {}).get(given.tasks, given.tasks)
        choices = given.choices.split(",") if given.choices else ()
        own, tasks = OwnTask(table, given.prompt, given.answer, choices), []
    made = Evaluation(tasks, given.server, own=own, limit=given.limit, shots=given.shots)
    return held(made.do())


def drift(given: Namespace) -> Any:
    """Ask rows of a map again, and compare."""
    from aim_jupyter.work.map.drift import drift as compare  # noqa: PLC0415 - for one only

    return compare(runs.find(given.run), given.server, count=given.rows)


def held(folder: RunFolder) -> list[Any]:
    """Return what a run holds: answers, levels with their run, or scores."""
    run = folder.latest()
    if isinstance(run, BenchRun):
        return [(run, level) for level in run.levels]
    if isinstance(run, EvalRun):
        return list(run.scores)
    return folder.answers()


def frame(given: Namespace) -> Any:
    """Return what the rows of a run are made of."""
    folder = runs.find(given.run)
    if not given.samples:
        return held(folder)
    from aim_jupyter.work.evaluate.samples import samples  # noqa: PLC0415 - for one only

    folder.read_as(EvalRun)
    return samples(folder)


def frame_look(given: Namespace) -> Look:
    """Return how the rows of a run look; without any run, as those of a map."""
    if given.samples:
        return looks.SAMPLES
    with contextlib.suppress(AimError):
        return _LOOKS.get(type(runs.find(given.run).latest()), looks.ROWS)
    return looks.ROWS


_LOOKS: dict[type[Run], Look] = {BenchRun: looks.LEVELS, EvalRun: looks.SCORES}


def stop_runs(given: Namespace) -> list[str]:
    """Ask runs to keep what is done and leave."""
    found = [runs.find(name) for name in given.runs]
    for folder in found:
        folder.ask_to_stop()
    return [f"{folder.id} keeps what is done and stops." for folder in found]


def evict_runs(given: Namespace) -> list[str]:
    """Remove runs by name, or those that nobody has worked on for so long."""
    found = [runs.find(name) for name in given.runs]
    if given.older_than is not None:
        found += [each for each in runs.older(given.older_than) if each.id not in given.runs]
    elif not found:
        raise BadUsage("No run is named.", "%aim runs evict --older-than 30d")
    for folder in found:
        folder.evict()
    return [f"{folder.id} is removed." for folder in found] or ["No run is so old."]


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
        "eval",
        "how well a server answers: tasks of lm-evaluation-harness, or a table of yours",
        evaluate,
        looks.SCORES,
        EVAL,
    ),
    Command(
        "drift",
        "whether rows of a map are answered as they were, token by token",
        drift,
        looks.DRIFT,
        (
            RUN,
            SERVER,
            argument("--rows", type=int, default=20, metavar="N", help="at most so many"),
        ),
    ),
    Command(
        "runs",
        "the maps, benches and evaluations that are kept",
        lambda _: runs.folders(),
        looks.RUNS,
    ),
    Command(
        "runs frame",
        "the rows of a run: answers, levels of a bench, scores of an evaluation",
        frame,
        frame_look,
        (RUN, SAMPLES),
    ),
    Command(
        "runs stop",
        "let a run that goes on keep what is done and leave",
        stop_runs,
        looks.LINES,
        (RUNS,),
    ),
    Command("runs evict", "remove runs with all that they found", evict_runs, looks.LINES, OLD),
)
