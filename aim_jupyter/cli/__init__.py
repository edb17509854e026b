"""The ``aim-engine`` command: the same verbs as ``%aim``, as text or with ``--json``.

What parses a line is imported at its start; what shows an answer when there is one.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence

from aim_jupyter.cli.wording import FAILED, ours, styled
from aim_jupyter.commands import parsing, presenting
from aim_jupyter.commands.command import Command
from aim_jupyter.core.errors import AimError, closed_files

WRONG, INTERRUPTED = 2, 130
#: How an answer is to be written, whichever verb gives it.
_OURS = ("--json", "--wide")
#: What a shell says of a program that a closed pipe has ended: 128 and the number of SIGPIPE.
PIPE_CLOSED = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line.

    Returns
    -------
    int
        0, 1 for failed, 2 for wrong words, 130 for interrupted, 141 where the reader of our
        output went before its end.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        # What the locale has no sign for is a question mark, never the end of the command.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        code = _main(given)
        # What is still to be written is written here, where a closed pipe can be told.
        sys.stdout.flush()
    except BrokenPipeError:
        # Nothing may be flushed at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    return code


def _main(given: list[str]) -> int:
    at = given.index("--") if "--" in given else len(given)
    as_json = "--json" in given[:at]
    wide = "--wide" in given[:at]
    given = [*(word for word in given[:at] if word not in _OURS), *given[at:]]
    code = WRONG
    try:
        if given[:1] and given[0] in _ABOUT:
            print(_ABOUT[given[0]](given[1:]))
            return 0
        command, arguments = parsing.parse(given)
        arguments.wide = wide
        code = FAILED
        return _run(command, arguments, as_json=as_json)
    except parsing.HelpAsked as asked:
        print(ours(str(asked)))
    except AimError as error:
        _show_error(error, as_json=as_json)
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _completion(words: Sequence[str]) -> str:
    from aim_jupyter.cli import shell  # noqa: PLC0415 - for a shell only

    return shell.script(" ".join(words)).rstrip()


def _complete(words: Sequence[str]) -> str:
    from aim_jupyter.cli import shell  # noqa: PLC0415 - as above

    return "\n".join(shell.offers(words))


#: What is no verb: it says something of the program itself, or to the shell.
_ABOUT: dict[str, Callable[[Sequence[str]], str]] = {
    "--completion": _completion,
    "--complete": _complete,
}


def _run(command: Command, arguments: Namespace, *, as_json: bool) -> int:
    # Help and a wrong word need none of what shows an answer.
    from aim_jupyter.cli import as_json as values  # noqa: PLC0415
    from aim_jupyter.cli import signals, text  # noqa: PLC0415
    from aim_jupyter.core.events import listening  # noqa: PLC0415

    foreground = command.name == "serve"
    with (
        closed_files(),
        listening(lambda line: print(line, file=sys.stderr, flush=True)),
        signals.told() if foreground else contextlib.nullcontext(),
    ):
        look = command.look(arguments)
        answer = command.run(arguments)
        if as_json:
            values.show(look, arguments, answer)
            code = 0
        else:
            code = text.show(look, arguments, answer)
        return FAILED if look.failed and look.failed(answer) else code


def _show_error(error: AimError, *, as_json: bool) -> None:
    offers = getattr(getattr(error, "refused", None), "offers", ())
    if as_json:
        near = getattr(error, "nearest", [offer.line for offer in offers])
        nearest = [ours(name) for name in near]
        facts = {"error": error.found, "kind": type(error).__name__, "hint": ours(error.hint)}
        print(json.dumps({**facts, "nearest": nearest}))
        return
    card = presenting.refusal_card(error)
    if card is not None:
        print(ours(card.terminal if styled(sys.stderr) else card.text) + "\n", file=sys.stderr)
    print(ours("\n".join(error.lines)), file=sys.stderr)
