"""A launch where all GPUs are taken: refused with the line that waits, and waiting with it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from aim_jupyter import demo
from aim_jupyter.core import api, leases, serving
from aim_jupyter.core.errors import BadUsage, GpuUnavailable, NoFit
from aim_jupyter.core.request import Request
from aim_jupyter.core.serving import ServerFolder
from tests.conftest import FakeEngine
from tests.core.gpus import trees
from tests.hinting import wrong
from tests.waiting import until

KEYS = tuple(f"{trees.bdf(card)}-0" for card in range(2))


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake: FakeEngine) -> str:
    """A model for a node with two GPUs, whose leases are real."""
    files = trees.mi300x(2) | trees.process(1, {trees.gpu_id(0): 0})
    place = tmp_path / "leases"
    place.mkdir()
    place.chmod(0o1777)
    monkeypatch.setenv("AIM_SYS_ROOT", str(trees.written(files, tmp_path / "gpus")))
    monkeypatch.setenv("AIM_LEASE_DIR", str(place))
    fake()
    return str(shutil.copytree(demo.FOLDER, tmp_path / "model"))


def running(folder: ServerFolder) -> bool:
    return serving.current(folder).state == "running"


def test_nobody_waits(model: str) -> None:
    assert api.queue() == []


def test_what_is_taken_is_waited_for_and_starts_in_turn(model: str) -> None:
    with leases.take(KEYS, info={"server": "theirs"}) as theirs:
        with pytest.raises(NoFit, match="needs 1 GPU, none is free") as refused:
            api.launch(Request(model=model))
        assert refused.value.hint == f"%aim launch {model} --queue"
        assert wrong(refused.value.hint) == ""
        mine = api.launch(Request(model=model, queue=True, name="mine", until="23:59"))
        until(lambda: len(api.queue()) == 1)
        (one,) = api.queue()
        assert (one.place, one.server, one.count) == (1, "mine", 1)
        # Cut, as all is that others may have written.
        assert one.model == model[:64]
        assert (one.gpus, one.until, one.why) == ((0, 1), "23:59", "nobody has said until when")
        assert [name.partition(" for ")[2] for name in one.held_by] == ["theirs"]
        # By the same command it is found, not launched once more.
        assert api.launch(Request(model=model, queue=True)).name == "mine"
        theirs.release()
    until(lambda: running(mine))
    assert api.queue() == []


def test_where_there_is_room_it_starts_at_once(model: str) -> None:
    with leases.take(KEYS[:1], info={}):
        mine = api.launch(Request(model=model, queue=True))
        assert mine.read().plan.gpus == (1,)
        until(lambda: running(mine))


def test_what_would_not_fit_on_the_empty_machine_does_not_wait(model: str) -> None:
    with leases.take(KEYS, info={}):
        for asked in (
            Request(model=model, recipe="mi300x-bf16-tp4", queue=True),
            Request(model=model, gpus=(0,), recipe="mi300x-bf16-tp2", queue=True),
        ):
            with pytest.raises(NoFit) as refused:
                api.launch(asked)
            assert "--queue --queue" not in refused.value.hint
        with pytest.raises(GpuUnavailable, match="There is no GPU 7"):
            api.launch(Request(model=model, gpus=(7,), queue=True))


def test_a_time_to_give_up_is_for_one_who_waits(model: str) -> None:
    with pytest.raises(BadUsage, match="--until is for one who waits"):
        api.launch(Request(model=model, until="18:00"))
