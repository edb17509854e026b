"""A notebook's kernel, as far as servers see one: a process that launches, looks and stops.

Run as ``python -m aim_jupyter.testing.kernel``: a JSON object a line says what to do, and a line
says what came of it. It may be killed at any moment; that is what it is for.
"""

from __future__ import annotations

import sys
import time
import traceback

import msgspec
from msgspec import Struct

from aim_jupyter.core import api, serving
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.records import Plan


class Order(Struct, frozen=True, kw_only=True):
    """What to do: ``launch`` with a plan, ``stop``, ``attach`` or ``ps``."""

    do: str
    server: str = ""
    plan: Plan | None = None


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of it: nothing bad, an expected failure, or a defect with its traceback."""

    took_s: float
    refused: str = ""
    defect: str = ""


def obey(order: Order) -> Outcome:
    """Do it, and return what came of it."""
    began = time.monotonic()
    refused = defect = ""
    try:
        _do(order)
    except AimError as error:
        refused = " ".join(error.lines)
    except Exception:  # noqa: BLE001 - what is not expected is what is looked for
        defect = traceback.format_exc()
    return Outcome(took_s=time.monotonic() - began, refused=refused, defect=defect)


def _do(order: Order) -> None:
    if order.do == "launch" and order.plan is not None:
        serving.launch(order.plan)
    elif order.do == "stop":
        serving.stop(serving.find(order.server), drain_s=0.0)
    elif order.do == "attach":
        api.attach(order.server)
    else:
        api.servers()


def main() -> None:
    """Obey until the input ends."""
    decoder = msgspec.json.Decoder(Order)
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(msgspec.json.encode(obey(decoder.decode(line))) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
