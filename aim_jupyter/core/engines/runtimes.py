"""Docker and podman: asked by their command, and understood where they refuse.

Only what both have is used, so that one way of asking does for both. What they say when something
is wrong is told apart by ``runtimes.toml``.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from aim_jupyter.core import config, files
from aim_jupyter.core.errors import NoEngine
from aim_jupyter.core.records import Image

PROGRAMS = ("docker", "podman")
#: Seconds in which a question about what is there is answered: a daemon may be busy, and who only
#: looks at a list does not wait for it.
LIMIT_S, LIST_S = 30.0, 5.0


def here() -> list[str]:
    """Return which of `PROGRAMS` are on the path.

    Raises
    ------
    NoEngine
        If there is none.
    """
    found = [name for name in PROGRAMS if shutil.which(name)]
    if not found:
        raise NoEngine(
            "An image needs docker or podman: neither is on the path.",
            "sudo apt-get install podman",
        )
    return found


def ask(program: str, *words: str, limit_s: float = LIMIT_S) -> str:
    """Return what ``docker WORDS…`` prints.

    Raises
    ------
    NoEngine
        With what was found and what to do, where it refuses, fails or does not answer.
    """
    try:
        done = subprocess.run(
            [program, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit_s,
            check=False,
        )
    except OSError as error:
        raise NoEngine(f"{program} can't be run: {error.strerror}.", "%aim doctor") from error
    except subprocess.TimeoutExpired as error:
        found = f"{program} did not answer within {limit_s:g} s."
        raise NoEngine(found, f"{program} info") from error
    if done.returncode:
        raise refusal(program, done.stderr or done.stdout)
    return done.stdout.strip()


def refusal(program: str, said: str) -> NoEngine:
    """Return what a program's complaint means, in its own words where nobody knows it.

    Examples
    --------
    >>> print(refusal("docker", "Error: No such image: own/engine:1").found)
    There is no image own/engine:1 on this machine.
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    for rule in _rules():
        for line in reversed(lines):
            if found := re.search(rule["pattern"], line):
                words = {"program": program, "user": config.user(), **found.groupdict()}
                return NoEngine(rule["found"].format_map(words), rule["hint"].format_map(words))
    last = lines[-1][:300] if lines else "it said nothing"
    return NoEngine(f"{program} failed: {last.rstrip('.')}.", f"{program} info")


@functools.cache
def _rules() -> list[dict[str, Any]]:
    table = Path(__file__).with_name("runtimes.toml")
    return files.table(table, dict[str, list[dict[str, Any]]])["rules"]


def confined(image: Image) -> list[str]:
    """Return the words that every container of ours is run with.

    It has the rights of this user and no more: no capability, no way to others. As vLLM's
    documentation has it, NUMA calls are allowed (docker's default profile forbids them).
    """
    inside = 0 if image.rootless else os.getuid()
    group = 0 if image.rootless else os.getgid()
    return [
        *("--rm", "--interactive", "--pull", "never", "--log-driver", "none"),
        *("--user", f"{inside}:{group}", "--cap-drop", "ALL"),
        *("--security-opt", "no-new-privileges", "--security-opt", "seccomp=unconfined"),
        *("--security-opt", "label=disable", "--workdir", "/tmp"),  # noqa: S108
        *("--no-healthcheck", "--entrypoint", "python3"),
    ]


def mount(source: Path, target: str) -> list[str]:
    """Return the words that show a folder or file of this machine inside, to be read alone."""
    fields = ("type=bind", f"source={source}", f"target={target}", "readonly")
    # The fields of a line of CSV: a comma in a path wants quotes around its field.
    quoted = (f'"{field}"' if "," in field else field for field in fields)
    return ["--mount", ",".join(quoted)]


def devices(image: Image, render_minors: Iterable[int] | None = None) -> list[str]:
    """Return the words that give a container GPUs, and the groups that may open them.

    Parameters
    ----------
    render_minors : iterable of int, optional
        `Gpu.render_minor` of the GPUs; where left out, all that AMD's driver has here.
    """
    root = config.sys_root()
    driver = root / "dev/kfd"
    if render_minors is None:
        # Other makers' GPUs have such nodes too.
        nodes = sorted((root / "dev/dri").glob("renderD*")) if driver.exists() else []
    else:
        nodes = [root / f"dev/dri/renderD{minor}" for minor in sorted(render_minors)]
    files = [driver, *nodes] if nodes else []
    words = [word for file in files for word in ("--device", f"{file}:/{file.relative_to(root)}")]
    return [*words, *_groups(image, files)]


def _groups(image: Image, files: list[Path]) -> Iterator[str]:
    if image.rootless and files:
        # A group of this user's has no number inside: podman hands on those that the user has.
        yield from ("--group-add", "keep-groups")
        return
    for group in sorted({file.stat().st_gid for file in files if file.exists()} - {0}):
        yield from ("--group-add", str(group))
