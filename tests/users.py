"""Other users of this machine: real ones, with a Python that they can run."""

from __future__ import annotations

import functools
import json
import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
#: Users that every Debian has, and that own nothing.
GUEST, OTHER = "games", "news"


def needs_several() -> None:
    """Skip where this run can't be several users."""
    if os.getuid() != 0:
        pytest.skip("only root can be several users")
    if interpreter() is None:
        pytest.skip(f"no Python that other users can run has the version of {sys.executable}")


@functools.cache
def interpreter() -> str | None:
    """Return a Python of our own version that other users can run, None where there is none.

    Ours may lie in a home that nobody else can enter; the system's then takes our packages.
    """
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return next(filter(_works, (sys.executable, *_found(name))), None)


def packages() -> str:
    """Return what the path of such a Python has to hold."""
    return os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])


def _found(name: str) -> list[str]:
    folders = ["/usr/bin", "/usr/local/bin", *os.environ.get("PATH", "").split(os.pathsep)]
    return [path for folder in folders if (path := shutil.which(name, path=folder))]


def _works(program: str) -> bool:
    code = "import msgspec, tornado; from aim_jupyter.core import api"
    try:
        done = subprocess.run(
            [program, "-c", code],
            env={"PYTHONPATH": packages()},
            cwd="/",
            capture_output=True,
            check=False,
            **identity(GUEST),
        )
    except OSError:
        return False
    return done.returncode == 0


def identity(user: str) -> dict[str, Any]:
    """Return what `subprocess` has to be told to run something as a user."""
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


class User:
    """Another user, at work on a node.

    Parameters
    ----------
    name : str
    node : Path
        A folder that all users can enter, with that of the leases.
    """

    #: Seconds that whoever shares a server may take to answer: here, who does may stand still.
    patience_s = 20.0

    def __init__(self, name: str, node: Path) -> None:
        self.name = name
        self.env = {
            "AIM_LEASE_DIR": str(node / "leases"),
            "AIM_SYS_ROOT": os.environ["AIM_SYS_ROOT"],
            "AIM_STATE_DIR": str(node / f"state of {name}"),
            "HOME": str(node),
            "PYTHONPATH": packages(),
        }

    def argv(self, code: str) -> list[str]:
        """Return the command that runs Python code with the core at hand as `api`."""
        program = interpreter()
        assert program is not None
        before = (
            "import json\nfrom aim_jupyter.core import api\n"
            "from aim_jupyter.core.serving.sharing import shared\n"
            f"shared.ANSWER_S = shared.LOOK_S = {self.patience_s}\n"
        )
        return [program, "-c", before + code]

    def run(self, code: str) -> subprocess.CompletedProcess[str]:
        """Run it."""
        return subprocess.run(
            self.argv(code),
            env=self.env,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            **identity(self.name),
        )

    def told(self, expression: str, before: str = "") -> Any:
        """Return the value of an expression."""
        done = self.run(f"{before}\nprint(json.dumps({expression}))")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def seen(self) -> list[str]:
        """Return the servers that the user sees."""
        found: list[str] = self.told("[view.record.name for view in api.servers()]")
        return found

    def key(self, server: str) -> str:
        """Return the key that the user attaches with."""
        key: str = self.told(f"api.attach({server!r}).key()")
        return key
