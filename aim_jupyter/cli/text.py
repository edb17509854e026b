"""What a verb prints for people."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from typing import Any, cast

from aim_jupyter import columns, parsing, presenting, render, screen
from aim_jupyter.cli.as_json import print_fits, print_plans
from aim_jupyter.cli.wording import FAILED, ours, plotted, said, sampling, serve_metrics
from aim_jupyter.columns import Row, Verb
from aim_jupyter.commands import Command
from aim_jupyter.conversation import Conversation, Reply
from aim_jupyter.core import api, serving
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.render import words
from aim_jupyter.render.text import table as table_text
from aim_jupyter.server import Server


def _show_card(card: Any) -> None:
    print(ours(card.terminal if sys.stdout.isatty() else card.text))


def _table(command: Command, _: Namespace, answer: Any) -> None:
    rows = presenting.rows(cast(Verb, command.gives), answer)
    if rows:
        print(table_text(_narrow(rows)), end="\n\n")
    card = presenting.card(command.gives, answer)
    if card is not None:
        _show_card(card)


def _narrow(rows: list[Row]) -> list[Row]:
    """Leave out the columns that nothing is known of; ``--json`` has them all."""
    known = [name for name in rows[0] if any(row[name] not in (None, "") for row in rows)]
    if "model" in known and "rank" in known:
        # In the overview a row is about its model; where all are one model's, it says nothing.
        known.remove("model")
        known[1:1] = ["model"] if len({row["model"] for row in rows}) > 1 else []
    return [{name: row[name] for name in known} for row in rows]


def _card(command: Command, _: Namespace, answer: Any) -> None:
    card = presenting.card(command.gives, answer)
    if card is not None:
        _show_card(card)


def _launched(_: Command, __: Namespace, folder: Any) -> None:
    view = serving.view(folder)
    _show_card(presenting.server_card(view))
    if view.record.state == "starting":
        print(f"\n{parsing.PROGRAM} wait {folder.name}")


def _waiting(_: Command, __: Namespace, views: Any) -> None:
    stage, view = None, None
    for view in views:
        if view.record.stage != stage:
            stage = view.record.stage
            print(render.progress_line(view), flush=True)
    if view is not None:
        _show_card(presenting.server_card(view))


def _served(command: Command, given: Namespace, folder: Any) -> int:
    try:
        _waiting(command, given, api.wait(folder.name, limit_s=float("inf")))
        print(f"\nCtrl-C stops {folder.name}.\n", flush=True)
        for line in api.follow_logs(folder.name, lines=0):
            print(line, flush=True)
    except KeyboardInterrupt:
        print(f"\nStopping {folder.name} …", file=sys.stderr)
        api.stop(folder.name)
        return 0
    ended = serving.view(folder)
    _show_card(presenting.server_card(ended))
    return FAILED if ended.record.state == "failed" else 0


def _client(_: Command, __: Namespace, folder: Any) -> None:
    server = Server(folder)
    print(f"base_url  {server.base_url}\nmodel     {server.model}\nkey       {folder.path / 'key'}")


def _reply(_: Command, given: Namespace, folder: Any) -> None:
    conversation = Conversation(Server(folder), given.system)
    reply = Reply()
    for grown in conversation.say(said(given), **sampling(given)):
        print(grown.text[len(reply.text) :], end="", flush=True)
        reply = grown
    print()
    footer = render.reply_footer(reply.tokens, reply.ttft_s, reply.gen_tok_s, reply.finish_reason)
    print(footer.text, file=sys.stderr)


def _fetched(command: Command, given: Namespace, fetches: Any) -> None:
    """Say a download in one line that is written over, or in one for each tenth in a pipe."""
    in_place, told, last = sys.stderr.isatty(), -1, None
    for last in fetches:
        line = f"{last.model}: {render.download_line(last.progress)}"
        tenth = int(10 * ((last.progress and last.progress.share) or 0))
        if in_place:
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
        elif tenth != told:
            print(line, file=sys.stderr, flush=True)
            told = tenth
    if in_place and last is not None:
        print(file=sys.stderr)
    if last is not None:
        _table(command._replace(gives="cache"), given, list(last.done))


def _why(command: Command, given: Namespace, found: Any) -> int:
    _card(command, given, found)
    return 0 if found.can_start else FAILED


def _metrics(command: Command, given: Namespace, answer: Any) -> None:
    if given.serve_metrics:
        serve_metrics(given)
    elif given.raw:
        print(table_text([columns.ROW["raw"](row) for row in answer]))
    elif given.plot:
        print(plotted(given, answer))
    elif given.history:
        rows = presenting.history_rows(answer)
        print(table_text(_narrow(rows)) if rows else "No history yet.")
    else:
        _table(command, given, answer)


def _events(command: Command, given: Namespace, answer: Any) -> None:
    if given.follow:
        _lines(command, given, map(render.event_line, answer))
    else:
        _table(command, given, answer)


def _top(_: Command, given: Namespace, first: Any) -> None:
    if given.off:
        raise BadUsage("A view in a terminal ends with Ctrl-C or q.", f"{parsing.MAGIC} top")
    if sys.stdout.isatty():
        screen.live(lambda top: ours(presenting.top_card(top).terminal), first)
    else:
        print(ours(presenting.top_card(first).text))


def _lines(_: Command, __: Namespace, lines: Any) -> None:
    for line in lines:
        print(line, flush=True)


def _plan(_: Command, given: Namespace, plan: Any) -> None:
    if given.batch:
        print_plans(_, given, plan)
    else:
        print(render.plan_text(plan))


def _fit(command: Command, given: Namespace, answer: Any) -> None:
    if given.history:
        _table(command, given, answer)
    elif given.batch:
        print_fits(command, given, answer)
    else:
        _card(command, given, answer)


def _panel(_: Command, __: Namespace, request: Any) -> None:
    """Print the line that does what a panel would: there is nothing to click here."""
    print(ours(api.launch_line(api.with_variables(request))))


def _engine(_: Command, __: Namespace, environment: Any) -> None:
    engine = words.engine(environment.engine, environment.version)
    print(f"{environment.name} is ready: {engine}, {environment.python}")


def _help(_: Command, __: Namespace, verb: Any) -> None:
    print(parsing.help_text(verb, parsing.PROGRAM))


TEXT: dict[str, Callable[[Command, Namespace, Any], int | None]] = {
    "table": _table,
    "status": _card,
    "server": _card,
    "doctor": _card,
    "warm": _card,
    "stats": _card,
    "why": _why,
    "fetched": _fetched,
    "launched": _launched,
    "waiting": _waiting,
    "served": _served,
    "attached": _client,
    "client": _client,
    "reply": _reply,
    "metrics": _metrics,
    "events": _events,
    "top": _top,
    "lines": _lines,
    "plan": _plan,
    "fit": _fit,
    "panel": _panel,
    "engine": _engine,
    "help": _help,
}
