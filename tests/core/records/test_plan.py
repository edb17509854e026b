"""What makes two plans the same server, or the same start."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from aim_jupyter.core.records import Image, Plan
from tests.render.samples import DEMO

BOX = Image(name="own/engine:1", id="0123456789abcdef", program="docker")


@pytest.mark.parametrize(
    "change",
    [{"server": "other"}, {"port": 8000}, {"idle_s": None}, {"mode": "warm"}, {"restarts": 3}],
)
def test_the_same_command_is_the_same_server_whatever_it_is_called(
    change: dict[str, object],
) -> None:
    assert replace(DEMO, **change).command == DEMO.command


@pytest.mark.parametrize(
    "change",
    [
        {"argv": (*DEMO.argv, "--x")},
        {"env": {**DEMO.env, "X": "1"}},
        {"listen": "unix"},
        {"gpus": (0, 1)},
        {"image": BOX},
        {"model": "other"},
    ],
)
def test_another_command_or_place_is_another_server(change: dict[str, object]) -> None:
    assert replace(DEMO, **change).command != DEMO.command


def test_starts_are_alike_by_command_way_and_version_and_not_by_the_gpus_numbers() -> None:
    on = replace(DEMO, gpus=(0, 1), env={"A": "1", "B": "2"})
    assert replace(on, gpus=(4, 5), env={"B": "2", "A": "1"}).fingerprint == on.fingerprint
    others = [
        replace(on, gpus=(0,)),
        replace(on, mode="warm"),
        replace(on, engine_version="0.0.1"),
        replace(on, image=BOX),
    ]
    assert len({on.fingerprint, *(each.fingerprint for each in others)}) == 5


def test_an_image_that_was_pulled_anew_starts_anew() -> None:
    first: Plan = replace(DEMO, image=BOX)
    assert replace(first, image=replace(BOX, name="alias")).fingerprint == first.fingerprint
    assert replace(first, image=replace(BOX, id="other")).fingerprint != first.fingerprint


@pytest.mark.parametrize(("gpus", "words"), [((), "CPU"), ((4,), "GPU 4"), ((4, 5), "GPU 4,5")])
def test_devices_in_words(gpus: tuple[int, ...], words: str) -> None:
    assert replace(DEMO, gpus=gpus).devices == words
