"""Whether memory is still held, whoever says that it is."""

import pytest

from aim_jupyter.core.gpus import release, snapshot
from aim_jupyter.core.records import Gpu
from aim_jupyter.core.sizes import GIB

SEEN = (
    Gpu(hip_index=0, state="free"),
    Gpu(hip_index=1, state="busy", holder="bob", pid=7, vram_used_bytes=12 * GIB),
    Gpu(hip_index=2, state="unexplained", reason="3.0 GiB held by no visible process"),
    Gpu(hip_index=3, state="busy", pid=8),
    Gpu(hip_index=None, state="busy"),
)


def test_each_that_is_held_says_by_whom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "seen", lambda *_: SEEN)
    assert release.unreleased([0, 1, 2, 3]) == [
        "GPU 1: bob (pid 7) holds 12.0 GiB",
        "GPU 2: 3.0 GiB held by no visible process",
        "GPU 3: another user or container (pid 8) holds 0.0 GiB",
    ]
    assert release.unreleased([0]) == release.unreleased([]) == []
