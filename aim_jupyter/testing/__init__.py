"""A scripted fake engine, for tests of this package and of yours.

It is a real child process: a program that behaves as an interpreter in which a small stand-in for
vLLM is installed. It is found, asked, started, watched and stopped through the same code as the
real engine; only the model is missing.

Examples
--------
>>> import tempfile
>>> from pathlib import Path
>>> from aim_jupyter.testing import Script, fake_engine
>>> fake_engine(Path(tempfile.mkdtemp()), Script(boot_s=0.1)).name
'fake-engine-python'

With ``AIM_ENGINE_PYTHON`` set to its path, `launch` starts the fake.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import msgspec
from msgspec import Struct

SITE = Path(__file__).with_name("site")
#: What guards the real engine's routes guards the fake's, also where it is started by itself.
GUARD = Path(__file__).parents[1] / "core" / "serving" / "guard"


class Script(Struct, frozen=True, kw_only=True):
    """How the fake engine behaves.

    Attributes
    ----------
    boot_s, load_s : float
        Seconds that these stages take.
    gates : dict of str to str
        Files that have to be there before it goes on: to take its port (``bind``), from the end of
        its boot to its load (``boot``), to its last shard (``load``), to any answer to a chat
        (``answer``), to the second word of a streamed reply (``reply``). A test that waits for none
        of these has to be quick enough.
    shards : int
        How many weight files it pretends to load.
    fail_at : str
        A stage at which it prints `fail_line` and ends with `exit_code`; empty for never.
    never_ready : bool
        Its ``/health`` answers 503 for ever.
    ignore_term : bool
        It goes on after SIGTERM.
    children : int
        Child processes that only a signal ends, as vLLM's engine core and workers.
    token_s : float
        Seconds between two words of a reply.
    die_after : int or None
        It is killed after so many words of a streamed reply.
    flood_lines : int
        Lines that it prints to its log while it loads.
    beat_s : float
        Seconds between the lines ``beat 1``, ``beat 2``, … of its log; 0 for none. A log in which
        one is missing has lost a line.
    answer_s : float
        Seconds that each of its answers takes, ``/health`` included.
    crash_after_s : float or None
        So long after it was ready it ends with `exit_code`, leaving its children behind.
    slower_s : float
        Seconds between two words for each request that runs at the same time, besides `token_s`.
    slots : int or None
        So many requests run at once; what is beyond waits, and its metrics say so.
    longest : int
        Letters of a message at most; a longer one is refused as too long.
    asked : str
        A file that each message is written to, a line each, when an answer to it goes out.
    accent : str
        What its answers begin with.
    frail : bool
        As vLLM does, it ends with code 0 when one of its children was killed.
    """

    boot_s: float = 0.05
    gates: dict[str, str] = {}
    load_s: float = 0.05
    shards: int = 2
    fail_at: str = ""
    fail_line: str = "RuntimeError: the fake engine was told to fail"
    exit_code: int = 1
    never_ready: bool = False
    ignore_term: bool = False
    children: int = 1
    token_s: float = 0.0
    slower_s: float = 0.0
    die_after: int | None = None
    flood_lines: int = 0
    beat_s: float = 0.0
    answer_s: float = 0.0
    crash_after_s: float | None = None
    frail: bool = False
    slots: int | None = None
    longest: int = 1 << 30
    asked: str = ""
    accent: str = "You said"


def fake_engine(folder: Path, script: Script | None = None) -> Path:
    """Write a fake engine's interpreter into `folder` and return its path.

    Point `AIM_ENGINE_PYTHON` at it. The behaviour is fixed when it is written.
    """
    program = folder / "fake-engine-python"
    behaviour = msgspec.json.encode(script or Script()).decode()
    program.write_text(
        "#!/bin/sh\n"
        f"export PYTHONPATH={shlex.quote(f'{SITE}:{GUARD}')}${{PYTHONPATH:+:$PYTHONPATH}}\n"
        f"export AIM_FAKE_ENGINE={shlex.quote(behaviour)}\n"
        f'exec {shlex.quote(sys.executable)} "$@"\n'
    )
    program.chmod(0o755)
    return program
