"""The ``aim-engine`` command: the same verbs as ``%aim``, as text or with ``--json``."""

from __future__ import annotations

import collections
import json
import re
import sys
import threading
from argparse import Namespace
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from aim_jupyter import columns, exporter, figures, parsing, presenting, render, screen
from aim_jupyter.columns import Row, Verb
from aim_jupyter.commands import Command
from aim_jupyter.conversation import Conversation, Reply
from aim_jupyter.core import api, serving
from aim_jupyter.core.errors import AimError, BadUsage
from aim_jupyter.core.events import listening
from aim_jupyter.render import words
from aim_jupyter.server import Server

FAILED, WRONG, INTERRUPTED = 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; return 0, 1 for failed, 2 for wrong words, 130 for interrupted."""
    given = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in given
    code = WRONG
    try:
        command, arguments = parsing.parse([word for word in given if word != "--json"])
        code = FAILED
        return _run(command, arguments, as_json=as_json)
    except parsing.HelpAsked as asked:
        print(_ours(str(asked)))
    except AimError as error:
        _show_error(error, as_json=as_json)
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing may be flushed at exit.
        sys.stdout = open("/dev/null", "w")  # noqa: PTH123, SIM115 - lives until the exit
    return 0


def _run(command: Command, arguments: Namespace, *, as_json: bool) -> int:
    with listening(lambda line: print(line, file=sys.stderr, flush=True)):
        answer = command.run(arguments)
        show = JSON if as_json else TEXT
        return show.get(command.gives, show["table"])(command, arguments, answer) or 0


def _show_error(error: AimError, *, as_json: bool) -> None:
    offers = getattr(getattr(error, "refused", None), "offers", ())
    if as_json:
        near = getattr(error, "nearest", [offer.line for offer in offers])
        nearest = [_ours(name) for name in near]
        facts = {"error": error.found, "kind": type(error).__name__, "hint": _ours(error.hint)}
        print(json.dumps({**facts, "nearest": nearest}))
        return
    card = presenting.refusal_card(error)
    if card is not None:
        print(_ours(card.terminal if sys.stderr.isatty() else card.text) + "\n", file=sys.stderr)
    print(_ours("\n".join(error.lines)), file=sys.stderr)


def _ours(text: str) -> str:
    """Return a text of the core with the command lines as they are typed here."""
    text = re.sub(r"client = %aim client( (\S+))?", r'client = aim_jupyter.client("\2")', text)
    return text.replace("%%aim", parsing.PROGRAM).replace(parsing.MAGIC, parsing.PROGRAM)


def _show_card(card: Any) -> None:
    print(_ours(card.terminal if sys.stdout.isatty() else card.text))


# -- as text -------------------------------------------------------------------------------------


def _table(command: Command, _: Namespace, answer: Any) -> None:
    rows = presenting.rows(cast(Verb, command.gives), answer)
    if rows:
        print(render.table_text(_narrow(rows)), end="\n\n")
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
    for grown in conversation.say(_text(given), **_sampling(given)):
        print(grown.text[len(reply.text) :], end="", flush=True)
        reply = grown
    print()
    footer = render.reply_footer(reply.tokens, reply.ttft_s, reply.gen_tok_s, reply.finish_reason)
    print(footer.text, file=sys.stderr)


def _text(given: Namespace) -> str:
    """Return what is to be said: of the option, else of standard input."""
    text = given.say or ("" if sys.stdin.isatty() else sys.stdin.read().strip())
    if not text:
        raise BadUsage("There is nothing to say.", f"{parsing.MAGIC} chat --say 'Hello'")
    return str(text)


def _sampling(given: Namespace) -> dict[str, Any]:
    return {"max_tokens": given.max_tokens, "temperature": given.temperature}


def _fetched(command: Command, given: Namespace, fetches: Any) -> None:
    """Say a download in one line that is written over, or in one for each tenth in a pipe."""
    in_place, said, last = sys.stderr.isatty(), -1, None
    for last in fetches:
        line = f"{last.model}: {render.download_line(last.progress)}"
        tenth = int(10 * ((last.progress and last.progress.share) or 0))
        if in_place:
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
        elif tenth != said:
            print(line, file=sys.stderr, flush=True)
            said = tenth
    if in_place and last is not None:
        print(file=sys.stderr)
    if last is not None:
        _table(command._replace(gives="cache"), given, list(last.done))


def _why(command: Command, given: Namespace, found: Any) -> int:
    _card(command, given, found)
    return 0 if found.can_start else FAILED


def _metrics(command: Command, given: Namespace, answer: Any) -> None:
    if given.serve_metrics:
        _serve_metrics(given)
    elif given.raw:
        print(render.table_text([columns.ROW["raw"](row) for row in answer]))
    elif given.plot:
        print(_plot(given, answer))
    elif given.history:
        rows = presenting.history_rows(answer)
        print(render.table_text(_narrow(rows)) if rows else "No history yet.")
    else:
        _table(command, given, answer)


def _plot(given: Namespace, answer: Any) -> Path:
    path = given.to or Path(f"{api.named_or_last(given.server).name}-metrics.png")
    figures.plot(given.server, answer, path)
    return Path(path)


def _serve_metrics(given: Namespace) -> None:
    with exporter.serving(given.port) as url:
        print(f"Serving the metrics of all servers at {url}\nCtrl-C ends it.", flush=True)
        threading.Event().wait()


def _events(command: Command, given: Namespace, answer: Any) -> None:
    if given.follow:
        _lines(command, given, map(render.event_line, answer))
    else:
        _table(command, given, answer)


def _top(_: Command, given: Namespace, first: Any) -> None:
    if given.off:
        raise BadUsage("A view in a terminal ends with Ctrl-C or q.", f"{parsing.MAGIC} top")
    if sys.stdout.isatty():
        screen.live(lambda top: _ours(presenting.top_card(top).terminal), first)
    else:
        print(_ours(presenting.top_card(first).text))


def _lines(_: Command, __: Namespace, lines: Any) -> None:
    for line in lines:
        print(line, flush=True)


def _plan(_: Command, given: Namespace, plan: Any) -> None:
    if given.batch:
        _json_plan(_, given, plan)
    else:
        print(render.plan_text(plan))


def _fit(command: Command, given: Namespace, answer: Any) -> None:
    if given.history:
        _table(command, given, answer)
    elif given.batch:
        _json_fit(command, given, answer)
    else:
        _card(command, given, answer)


def _panel(_: Command, __: Namespace, request: Any) -> None:
    """Print the line that does what a panel would: there is nothing to click here."""
    print(_ours(api.launch_line(api.with_variables(request))))


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


# -- as JSON -------------------------------------------------------------------------------------


def _print_json(value: Any) -> None:
    print(msgspec.json.encode(value).decode())


def _json_table(command: Command, _: Namespace, answer: Any) -> None:
    rows = presenting.rows(cast(Verb, command.gives), answer)
    if command.gives == "gpus":
        plain = msgspec.to_builtins(answer.gpus)
        # The records' own names come first: their units are bytes, the columns' GiB.
        rows = [{**row, **record} for row, record in zip(rows, plain, strict=True)]
    _print_json(rows)


def _json_metrics(command: Command, given: Namespace, answer: Any) -> None:
    if given.serve_metrics:
        _serve_metrics(given)
    elif given.raw:
        _print_json([columns.ROW["raw"](row) for row in answer])
    elif given.plot:
        _print_json({"file": str(_plot(given, answer))})
    elif given.history:
        _print_json(presenting.history_rows(answer))
    else:
        _json_table(command, given, answer)


def _json_events(command: Command, given: Namespace, answer: Any) -> None:
    if not given.follow:
        _json_table(command, given, answer)
        return
    for event in answer:
        print(msgspec.json.encode(columns.ROW["events"](event)).decode(), flush=True)


def _json_record(_: Command, __: Namespace, answer: Any) -> None:
    _print_json(answer)


def _json_server(_: Command, __: Namespace, folder: Any) -> None:
    _print_json(serving.view(folder))


def _json_waiting(_: Command, __: Namespace, views: Any) -> None:
    _print_json(_last(views))


def _json_client(_: Command, __: Namespace, folder: Any) -> None:
    server = Server(folder)
    facts = {"base_url": server.base_url, "model": server.model, "key_file": folder.path / "key"}
    _print_json({name: str(value) for name, value in facts.items()})


def _json_reply(_: Command, given: Namespace, folder: Any) -> None:
    replies = Conversation(Server(folder), given.system).say(_text(given), **_sampling(given))
    _print_json(_last(replies)._asdict())


def _json_lines(_: Command, __: Namespace, lines: Any) -> None:
    for line in lines:
        _print_json({"line": line})


def _json_fetched(command: Command, given: Namespace, fetches: Any) -> None:
    last = collections.deque(fetches, maxlen=1)
    _json_table(command._replace(gives="cache"), given, list(last[0].done) if last else [])


def _json_why(_: Command, __: Namespace, found: Any) -> int:
    _print_json(found)
    return 0 if found.can_start else FAILED


def _last(answers: Iterable[Any]) -> Any:
    return collections.deque(answers, maxlen=1).pop()


def _json_plan(_: Command, given: Namespace, plan: Any) -> None:
    for answer in plan if given.batch else [plan]:
        _print_json(answer)


def _json_fit(command: Command, given: Namespace, answer: Any) -> None:
    if given.history:
        _json_table(command, given, answer)
        return
    for plain in answer if given.batch else [presenting.fit_json(answer)]:
        text = msgspec.json.encode(plain).decode()
        print(_ours(text), flush=True)


def _json_help(_: Command, __: Namespace, verb: Any) -> None:
    _print_json({"help": parsing.help_text(verb, parsing.PROGRAM)})


def _json_panel(_: Command, __: Namespace, request: Any) -> None:
    _print_json({"line": _ours(api.launch_line(api.with_variables(request)))})


JSON: dict[str, Callable[[Command, Namespace, Any], int | None]] = {
    "table": _json_table,
    "metrics": _json_metrics,
    "events": _json_events,
    "top": _json_record,
    "status": _json_record,
    "server": _json_record,
    "doctor": _json_record,
    "warm": _json_record,
    "stats": _json_record,
    "why": _json_why,
    "fetched": _json_fetched,
    "engine": _json_record,
    "launched": _json_server,
    "served": _json_server,
    "attached": _json_client,
    "client": _json_client,
    "waiting": _json_waiting,
    "reply": _json_reply,
    "lines": _json_lines,
    "plan": _json_plan,
    "fit": _json_fit,
    "panel": _json_panel,
    "help": _json_help,
}


if __name__ == "__main__":
    sys.exit(main())
