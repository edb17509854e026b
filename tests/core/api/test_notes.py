"""Asking for a GPU by its number, as one of several users of a node."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from aim_jupyter.core import api, leases, users
from aim_jupyter.core.errors import BadUsage, GpuUnavailable, UnknownName
from tests.core.gpus import trees
from tests.core.leases.children import ALICE, child, done, line, needs_root

KEYS = tuple(f"{trees.bdf(card)}-0" for card in range(2))


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Two GPUs in files, and a folder of leases that every user may enter."""
    root = trees.written(trees.mi300x(2), tmp_path / "gpus")
    place = Path("/tmp") / f"aim-notes-{os.getpid()}"
    place.mkdir()
    place.chmod(0o1777)
    monkeypatch.setenv("AIM_SYS_ROOT", str(root))
    monkeypatch.setenv("AIM_LEASE_DIR", str(place))
    yield place
    for file in place.iterdir():
        file.unlink()
    place.rmdir()


def test_nobody_asks(node: Path) -> None:
    assert api.notes() == []
    with pytest.raises(GpuUnavailable, match=r"no GPU 7; this machine has 0, 1\."):
        api.leave_note(7, "please")
    with pytest.raises(BadUsage, match="Nobody holds it"):
        api.leave_note(0, "please")
    with pytest.raises(UnknownName):
        api.answer_note("ann", "no")


@needs_root
def test_a_word_and_its_answer(node: Path) -> None:
    lead = leases.folder.prefix()
    hold = (
        "from aim_jupyter.core.leases import folder\n"
        f"folder.prefix = lambda: {lead!r}\n"
        f"lease = leases.take([{KEYS[1]!r}], info={{'server': 'theirs'}})\n"
        "print('held', flush=True); sys.stdin.readline()\n"
    )
    holder = child(hold, user=ALICE)
    assert line(holder) == "held"
    (mine,) = api.leave_note(1, "thesis due tonight")
    assert (mine.key, mine.holder, mine.server) == (KEYS[1], users.name(ALICE), "theirs")
    # It is the holder who is asked.
    assert api.overview(ask=False).asked == ()
    done(holder)
    with leases.take(KEYS[:1], info={"server": "mine"}):
        ask = (
            "from aim_jupyter.core.leases import folder, note\n"
            f"folder.prefix = lambda: {lead!r}\n"
            f"note.leave({KEYS[0]!r}, 'please')"
        )
        assert done(child(ask, user=ALICE)) == ""
        (theirs,) = api.overview(ask=False).asked
        assert theirs.words == "please"
        with pytest.raises(UnknownName):
            api.answer_note("somebody", "no")
        (answered,) = api.answer_note(users.name(ALICE), "at 18:00")
        assert answered.answer == "at 18:00"
        assert api.overview(ask=False).asked == ()
