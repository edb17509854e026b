"""Two users who want one model at the same time, in a folder that their administrator gave both."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from aim_jupyter.core.cache import roots
from tests import users
from tests.hub import Hub, model_files
from tests.waiting import until

REPO = "Org/Model"
WEIGHTS = "model.safetensors"
SIZE = 8 << 20
GROUP = 100  # of Debian, ``users``


@pytest.fixture
def common() -> Iterator[Path]:
    """Return a folder that the group may write into; the tests' own is closed to others."""
    users.needs_several()
    with tempfile.TemporaryDirectory(prefix="aim-node-") as node:
        Path(node).chmod(0o755)
        for user in (users.GUEST, users.OTHER):
            (Path(node) / user).mkdir()
            shutil.chown(Path(node) / user, user)
        folder = Path(node) / "common"
        folder.mkdir()
        os.chown(folder, 0, GROUP)
        folder.chmod(0o2775)
        yield folder


def prefetch(user: str, common: Path, hub: Hub) -> subprocess.Popen[bytes]:
    """Begin a download as a user."""
    program = users.interpreter()
    assert program is not None
    return subprocess.Popen(
        [program, "-m", "aim_jupyter", "cache", "prefetch", REPO],
        env={
            "PYTHONPATH": users.packages(),
            "HF_ENDPOINT": hub.url,
            "AIM_CACHE_DIR": str(common),
            "AIM_STATE_DIR": str(common.parent / user),
            "HOME": "/nonexistent",
            "HF_HOME": "/nonexistent",
        },
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        user=user,
        group=GROUP,
        extra_groups=[],
        umask=0o022,
        start_new_session=True,
    )


def part(common: Path) -> int:
    """Return how much of the weights has come."""
    blobs = common / roots.folder_name(REPO) / "blobs"
    return max((each.stat().st_size for each in blobs.glob("*.incomplete")), default=0)


def test_one_transfer_serves_two_users(hub: Hub, common: Path) -> None:
    hub.repos[REPO] = {**model_files(), WEIGHTS: random.Random(1).randbytes(SIZE)}
    hub.pause_s = 0.02
    running = [prefetch(user, common, hub) for user in (users.GUEST, users.OTHER)]
    said = [each.communicate(timeout=120)[0].decode() for each in running]
    assert [each.returncode for each in running] == [0, 0], "\n".join(said)
    # Both saw it grow, and the server sent it once.
    assert hub.served[WEIGHTS] == SIZE
    assert hub.ranges[WEIGHTS] == [0]
    assert all("100 %" in each for each in said), said


def test_what_one_user_began_another_ends(hub: Hub, common: Path) -> None:
    hub.repos[REPO] = {**model_files(), WEIGHTS: random.Random(1).randbytes(SIZE)}
    hub.pause_s = 0.02
    first = prefetch(users.GUEST, common, hub)
    until(lambda: part(common) > SIZE // 4)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    had = part(common)
    hub.pause_s = 0.0
    second = prefetch(users.OTHER, common, hub)
    said = second.communicate(timeout=120)[0].decode()
    assert second.returncode == 0, said
    assert hub.ranges[WEIGHTS] == [0, had]
