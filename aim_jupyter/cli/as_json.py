"""What a verb prints for programs: one JSON value, or one a line."""

from __future__ import annotations

import collections
from argparse import Namespace
from collections.abc import Callable, Iterable
from typing import Any, cast

import msgspec

from aim_jupyter import columns, parsing, presenting
from aim_jupyter.cli.wording import FAILED, ours, plotted, said, sampling, serve_metrics
from aim_jupyter.columns import Verb
from aim_jupyter.commands import Command
from aim_jupyter.conversation import Conversation
from aim_jupyter.core import api, serving
from aim_jupyter.server import Server


def _print_json(value: Any) -> None:
    print(msgspec.json.encode(value).decode())


def _table(command: Command, _: Namespace, answer: Any) -> None:
    rows = presenting.rows(cast(Verb, command.gives), answer)
    if command.gives == "gpus":
        plain = msgspec.to_builtins(answer.gpus)
        # The records' own names come first: their units are bytes, the columns' GiB.
        rows = [{**row, **record} for row, record in zip(rows, plain, strict=True)]
    _print_json(rows)


def _metrics(command: Command, given: Namespace, answer: Any) -> None:
    if given.serve_metrics:
        serve_metrics(given)
    elif given.raw:
        _print_json([columns.ROW["raw"](row) for row in answer])
    elif given.plot:
        _print_json({"file": str(plotted(given, answer))})
    elif given.history:
        _print_json(presenting.history_rows(answer))
    else:
        _table(command, given, answer)


def _events(command: Command, given: Namespace, answer: Any) -> None:
    if not given.follow:
        _table(command, given, answer)
        return
    for event in answer:
        print(msgspec.json.encode(columns.ROW["events"](event)).decode(), flush=True)


def _record(_: Command, __: Namespace, answer: Any) -> None:
    _print_json(answer)


def _server(_: Command, __: Namespace, folder: Any) -> None:
    _print_json(serving.view(folder))


def _waiting(_: Command, __: Namespace, views: Any) -> None:
    _print_json(_last(views))


def _client(_: Command, __: Namespace, folder: Any) -> None:
    server = Server(folder)
    facts = {"base_url": server.base_url, "model": server.model, "key_file": folder.path / "key"}
    _print_json({name: str(value) for name, value in facts.items()})


def _reply(_: Command, given: Namespace, folder: Any) -> None:
    replies = Conversation(Server(folder), given.system).say(said(given), **sampling(given))
    _print_json(_last(replies)._asdict())


def _lines(_: Command, __: Namespace, lines: Any) -> None:
    for line in lines:
        _print_json({"line": line})


def _fetched(command: Command, given: Namespace, fetches: Any) -> None:
    last = collections.deque(fetches, maxlen=1)
    _table(command._replace(gives="cache"), given, list(last[0].done) if last else [])


def _why(_: Command, __: Namespace, found: Any) -> int:
    _print_json(found)
    return 0 if found.can_start else FAILED


def _last(answers: Iterable[Any]) -> Any:
    return collections.deque(answers, maxlen=1).pop()


def print_plans(_: Command, given: Namespace, plan: Any) -> None:
    """Print plans, one a line."""
    for answer in plan if given.batch else [plan]:
        _print_json(answer)


def print_fits(command: Command, given: Namespace, answer: Any) -> None:
    """Print verdicts, one a line."""
    if given.history:
        _table(command, given, answer)
        return
    for plain in answer if given.batch else [presenting.fit_json(answer)]:
        text = msgspec.json.encode(plain).decode()
        print(ours(text), flush=True)


def _help(_: Command, __: Namespace, verb: Any) -> None:
    _print_json({"help": parsing.help_text(verb, parsing.PROGRAM)})


def _panel(_: Command, __: Namespace, request: Any) -> None:
    _print_json({"line": ours(api.launch_line(api.with_variables(request)))})


JSON: dict[str, Callable[[Command, Namespace, Any], int | None]] = {
    "table": _table,
    "metrics": _metrics,
    "events": _events,
    "top": _record,
    "status": _record,
    "server": _record,
    "doctor": _record,
    "warm": _record,
    "stats": _record,
    "why": _why,
    "fetched": _fetched,
    "engine": _record,
    "launched": _server,
    "served": _server,
    "attached": _client,
    "client": _client,
    "waiting": _waiting,
    "reply": _reply,
    "lines": _lines,
    "plan": print_plans,
    "fit": print_fits,
    "panel": _panel,
    "help": _help,
}
