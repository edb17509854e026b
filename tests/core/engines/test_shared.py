"""The engine that root has installed, started by another user: the real one, at its own path.

Root's home is closed, and an administrator would install elsewhere (`AIM_DATA_DIR=/opt/aim`). So
the user works in a namespace in which root's home holds nothing but Python and that folder, for
everybody to read: what lies in it is byte for byte what `aim-engine engine install` has made.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aim_jupyter.core import engines
from tests import users
from tests.users import GUEST

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

#: Run as root in a namespace of its own: `$1` is the place for the folders meanwhile, `$2` root's
#: home, what follows the folders to be seen, and after `--` what is run.
NAMESPACE = """
set -e
place=$1 home=$2; shift 2
number=0
for folder in "$@"; do
    [ "$folder" = -- ] && break
    number=$((number + 1)); mkdir -p "$place/$number"; mount --bind "$folder" "$place/$number"
done
mount -t tmpfs -o mode=755 tmpfs "$home"
number=0
while [ "$1" != -- ]; do
    number=$((number + 1)); mkdir -p "$1"; mount --bind "$place/$number" "$1"; shift
done
shift
exec "$@"
"""
DRIVER = """
import json, os, sys, time, urllib.request
from pathlib import Path
from aim_jupyter.core import api
from aim_jupyter.core.request import Request
found = {"uid": os.getuid()}
runs, real = [], __import__("subprocess").Popen.__init__
def started(self, words, *rest, **more):
    runs.append([str(one) for one in words] if not isinstance(words, str) else words)
    real(self, words, *rest, **more)
__import__("subprocess").Popen.__init__ = started
engine = os.environ["AIM_ENGINE_PYTHON"]
def questions():
    return sum(any(engine in word for word in words) for words in runs)
for name in ("first", "second"):
    before = questions()
    plan = api.plan(Request(model="demo"))
    found[name] = questions() - before
found["python"] = plan.argv[0]
denied = 0
made = Path(engine).parents[1]
for place in (made / "bin", made / "lib", Path(os.environ["AIM_DATA_DIR"])):
    try:
        (place / "planted").write_text("x")
    except OSError:
        denied += 1
found["denied"] = denied
folder = api.launch(Request(model="demo", start="plain"))
end = time.monotonic() + 300
while (record := folder.read()).state == "starting" and time.monotonic() < end:
    time.sleep(0.5)
found["state"] = record.state
if record.state == "running":
    body = json.dumps({"model": "demo", "max_tokens": 8, "prompt": "What"}).encode()
    headers = {"Authorization": f"Bearer {folder.key()}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{record.url}/completions", body, headers)
    said = json.load(urllib.request.urlopen(request, timeout=120))
    found["tokens"] = said["usage"]["completion_tokens"]
else:
    found["reason"] = [record.reason, str(record.crash), folder.log.read_text()[-1500:]]
api.stop(folder.name, drain_s=0)
found["ended"] = folder.read().state
print(json.dumps(found))
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """Return a folder that all users can enter."""
    users.needs_several()
    folder = Path(tempfile.mkdtemp(prefix="aim-shared-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def as_guest(place: Path, seen: list[Path], env: dict[str, str]) -> Any:
    """Return what the driver has found, run by another user who sees these folders of root's."""
    program, known = users.interpreter() or "", pwd.getpwnam(GUEST)
    who = [f"--reuid={known.pw_uid}", f"--regid={known.pw_gid}", "--clear-groups"]
    words = ["setpriv", *who, program]
    done = subprocess.run(
        [
            *("unshare", "--mount", "--propagation", "private", "sh", "-c", NAMESPACE, "sh"),
            *(
                str(place / "mounts"),
                pwd.getpwuid(0).pw_dir,
                *map(str, seen),
                "--",
                *words,
                "-c",
                DRIVER,
            ),
        ],
        env=env,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_another_user_serves_with_the_engine_that_root_installed(
    real_engine: None, place: Path
) -> None:
    environment = engines.choose(platform="cpu")
    installed = Path(environment.python).parents[2].parent
    python = Path(os.path.realpath(environment.python)).parents[1]
    mine = place / "home"
    mine.mkdir(mode=0o700)
    shutil.chown(mine, GUEST, GUEST)
    env = {
        "HOME": str(mine),
        "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
        "PYTHONPATH": users.packages(),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AIM_ENGINE_PYTHON": environment.python,
        "AIM_DATA_DIR": str(installed),
        "AIM_LEASE_DIR": str(place / "leases"),
        "AIM_DEFAULT_MODEL": "demo",
    }
    found = as_guest(place, [python, installed], env)
    assert found["uid"] != 0
    assert found["python"] == environment.python
    # Asked once, though the answer can't be kept where the engine is.
    assert (found["first"], found["second"]) == (1, 0)
    assert found["denied"] == 3
    assert (found["state"], found["ended"]) == ("running", "stopped"), found.get("reason")
    assert found["tokens"] > 0
