"""What a verb prints for people."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from argparse import Namespace
from collections.abc import Callable
from typing import Any

from aim_jupyter import render
from aim_jupyter.cli import as_json, signals
from aim_jupyter.cli.mapping import mapped
from aim_jupyter.cli.wording import (
    FAILED,
    no_client,
    ours,
    plotted,
    said,
    sampling,
    serve_gateway,
    serve_metrics,
    styled,
)
from aim_jupyter.commands import looks, parsing, presenting
from aim_jupyter.commands.looks import Look
from aim_jupyter.core import api, serving
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.harmless import harmless
from aim_jupyter.render.text import table as table_text
from aim_jupyter.tables import columns
from aim_jupyter.tables.columns import Row


def show(look: Look, given: Namespace, answer: Any) -> int:
    """Print an answer; return the exit code."""
    moving = _MOVING.get(look)
    if moving is not None:
        return moving(given, answer) or 0
    if look.text is not None:
        for line in look.text(answer):
            print(ours(line) if look.typed else line, flush=True)
    elif look.rows is not None:
        card = look.card(answer) if look.card else None
        _show_table(look.rows(answer), card, wide=getattr(given, "wide", False))
    elif look.card is not None:
        _show_card(look.card(answer))
    else:
        as_json.show(look, given, answer)
    return 0


def _show_card(card: Any) -> None:
    print(ours(card.terminal if styled(sys.stdout) else card.text))


def _show_table(rows: list[Row], card: Any, *, wide: bool) -> None:
    """Print a table as wide as the terminal; who reads a pipe gets all of it, and it alone."""
    read = not sys.stdout.isatty()
    width = None if wide or read else shutil.get_terminal_size().columns
    card = None if read and rows else card
    if rows:
        text = table_text(_narrow(rows), width)
        more = ": --wide shows them" if width and " more: " in text.splitlines()[-1] else ""
        print(f"{text}{more}", end="\n\n" if card else "\n")
    elif card is None:
        print("Nothing yet.")
    if card is not None:
        _show_card(card)


def _narrow(rows: list[Row]) -> list[Row]:
    """Leave out the columns that nothing is known of; ``--json`` has them all."""
    known = [name for name in rows[0] if any(row[name] not in (None, "") for row in rows)]
    if "model" in known and "rank" in known:
        # In the overview a row is about its model; where all are one model's, it says nothing.
        known.remove("model")
        known[1:1] = ["model"] if len({row["model"] for row in rows}) > 1 else []
    return [{name: columns.shown(name, row[name]) for name in known} for row in rows]


# -- what moves while it is shown ------------------------------------------------------------------


def _launched(_: Namespace, folder: Any) -> None:
    view = serving.view(folder)
    _show_card(presenting.server_card(view))
    if view.record.state == "starting":
        print(f"\n{parsing.PROGRAM} wait {folder.name}")


def _waiting(_: Namespace, views: Any) -> None:
    stage, view = None, None
    for view in views:
        if view.record.stage != stage:
            stage = view.record.stage
            print(render.progress_line(view), flush=True)
    if view is not None:
        _show_card(presenting.server_card(view))


def _served(given: Namespace, folder: Any) -> int:
    try:
        with signals.armed():
            _waiting(given, api.wait(folder.name, limit_s=float("inf")))
            print(f"\nCtrl-C stops {folder.name}.\n", flush=True)
            for line in api.follow_logs(folder.name, lines=0):
                print(line, flush=True)
    except (KeyboardInterrupt, OSError):
        # A terminal that has gone, or a reader, ends it as well: it can be told nothing any more.
        with contextlib.suppress(OSError):
            print(f"\nStopping {folder.name} …", file=sys.stderr, flush=True)
        api.stop(folder.name)
        return 0
    ended = serving.view(folder)
    _show_card(presenting.server_card(ended))
    return FAILED if ended.record.state == "failed" else 0


def _reply(given: Namespace, folder: Any) -> None:
    from aim_jupyter.verbs.conversation import Conversation, Reply  # noqa: PLC0415 - for a chat only
    from aim_jupyter.verbs.server import Server  # noqa: PLC0415

    conversation = Conversation(Server(folder), given.system)
    reply = Reply()
    for grown in conversation.say(said(given), **sampling(given)):
        print(harmless(grown.text[len(reply.text) :]), end="", flush=True)
        reply = grown
    print()
    footer = render.reply_footer(reply.tokens, reply.ttft_s, reply.gen_tok_s, reply.finish_reason)
    print(footer.text, file=sys.stderr)


def _fetched(_: Namespace, fetches: Any) -> None:
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
        show(looks.CACHE, Namespace(), list(last.done))


def _top(given: Namespace, first: Any) -> None:
    if given.off:
        raise BadUsage("A view in a terminal ends with Ctrl-C or q.", f"{parsing.MAGIC} top")
    if sys.stdout.isatty():
        from aim_jupyter.cli import screen  # noqa: PLC0415 - a keyboard and a screen

        screen.live(_top_lines, first)
    else:
        print(ours(presenting.top_card(first).text))


def _top_lines(top: Any) -> str:
    card = presenting.top_card(top, width=shutil.get_terminal_size().columns)
    return ours(card.terminal if styled(sys.stdout) else card.text)


def _figure(given: Namespace, answer: Any) -> None:
    print(plotted(given, answer))


def _exporter(given: Namespace, _: Any) -> None:
    serve_metrics(given)


def _gateway(given: Namespace, _: Any) -> None:
    serve_gateway(given)


def _mapped(given: Namespace, _: Any) -> None:
    print(mapped(given))


def _env(_: Namespace, folder: Any) -> None:
    line = f'eval "$({parsing.MAGIC} client {folder.name} --export)"'
    raise BadUsage("A program can't set the variables of the shell that started it.", line)


def _export(_: Namespace, folder: Any) -> None:
    from aim_jupyter.work import connect  # noqa: PLC0415 - for whoever connects

    print("\n".join(connect.exports(folder)))


def _beside(given: Namespace, folder: Any) -> None:
    """Become the program once the server is ready: signals and exit code are its own."""
    from aim_jupyter.work import connect  # noqa: PLC0415 - as above

    stage = None
    for view in api.wait(folder.name, limit_s=given.timeout or float("inf")):
        if view.record.stage != stage and view.record.state == "starting":
            stage = view.record.stage
            print(render.progress_line(view), file=sys.stderr, flush=True)
    sys.stdout.flush()
    name, *_words = given.program
    try:
        os.execvpe(name, given.program, {**os.environ, **connect.environment(folder)})  # noqa: S606
    except OSError as error:
        found = f"{name!r} can't be run: {error.strerror}."
        raise BadUsage(found, f"%aim run {folder.name} -- env") from error


def _help(_: Namespace, verb: Any) -> None:
    print(parsing.help_text(verb, parsing.PROGRAM))


_MOVING: dict[Look, Callable[[Namespace, Any], int | None]] = {
    looks.LAUNCHED: _launched,
    looks.WAITING: _waiting,
    looks.SERVED: _served,
    looks.REPLY: _reply,
    looks.FETCHED: _fetched,
    looks.TOP: _top,
    looks.FIGURE: _figure,
    looks.EXPORTER: _exporter,
    looks.GATEWAY: _gateway,
    looks.ALL: no_client,
    looks.MAPPED: _mapped,
    looks.HELP: _help,
    looks.ENV: _env,
    looks.EXPORT: _export,
    looks.BESIDE: _beside,
}
