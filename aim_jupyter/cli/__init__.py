"""The ``aim-engine`` command: the same verbs as ``%aim``, as text or with ``--json``."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Sequence

from aim_jupyter import parsing, presenting
from aim_jupyter.cli.as_json import JSON
from aim_jupyter.cli.text import TEXT
from aim_jupyter.cli.wording import FAILED, ours
from aim_jupyter.commands import Command
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.events import listening

WRONG, INTERRUPTED = 2, 130


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
        print(ours(str(asked)))
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
        nearest = [ours(name) for name in near]
        facts = {"error": error.found, "kind": type(error).__name__, "hint": ours(error.hint)}
        print(json.dumps({**facts, "nearest": nearest}))
        return
    card = presenting.refusal_card(error)
    if card is not None:
        print(ours(card.terminal if sys.stderr.isatty() else card.text) + "\n", file=sys.stderr)
    print(ours("\n".join(error.lines)), file=sys.stderr)
