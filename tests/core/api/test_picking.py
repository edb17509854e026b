"""What the pickers list: what runs, what is on disk, what would be downloaded, each judged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core import api, cache
from aim_jupyter.core.api import picking
from aim_jupyter.core.records import CachedModel
from aim_jupyter.core.records.known import KnownModel
from aim_jupyter.core.request import Request
from tests.conftest import FakeEngine
from tests.core.cache.test_agreement import WHOLE
from tests.core.gpus import trees
from tests.waiting import launch_ready

ORDER = ["FITS", "TIGHT", "NO", None]


def row(name: str, found: tuple[KnownModel, ...]) -> KnownModel:
    return next(one for one in found if one.model == name)


def test_each_model_is_judged_as_a_launch_would_and_the_hub_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, isolated: object
) -> None:
    root = trees.written(trees.mi300x(2), isolated / "root")  # type: ignore[operator]
    monkeypatch.setenv("AIM_SYS_ROOT", str(root))
    monkeypatch.setattr(cache, "check_reachable", None)
    monkeypatch.setattr(cache, "obtainable", None)
    found = api.known(Request(users=8)).models
    first = api.judged(Request(model="Qwen/Qwen3-32B", users=8))[0]
    mine = row("Qwen/Qwen3-32B", found)
    assert (mine.recipe, mine.verdict, mine.reason) == (
        first.recipe.id,
        first.verdict,
        first.reason,
    )
    assert first.weights_bytes is not None
    assert mine.weights_bytes == first.weights_bytes * first.recipe.tp
    assert (mine.standing, mine.on_disk, mine.gpus_needed) == ("to download", False, 1)
    assert row("demo", found).standing == "on disk"
    assert mine.does == first.does
    assert {"chat", "tools"} <= {*mine.does}


def test_the_order_is_what_runs_then_what_is_on_disk_then_the_verdicts_then_the_names(
    fake: FakeEngine,
) -> None:
    fake()
    before = api.known()
    assert before.suggested == "demo"
    folder = launch_ready()
    found = api.known().models
    assert (found[0].model, found[0].standing, found[0].server, found[0].state) == (
        "demo",
        "running",
        folder.name,
        "running",
    )
    assert len({one.model for one in found}) == len(found) == len(before.models)
    assert list(found) == sorted(found, key=picking._order)
    places = [ORDER.index(one.verdict) for one in found[1:] if not one.on_disk]
    assert places == sorted(places)


def test_a_folder_of_the_cache_is_judged_by_its_own_config(
    monkeypatch: pytest.MonkeyPatch, isolated: object
) -> None:
    folder = isolated / "models" / "org" / "mine"  # type: ignore[operator]
    folder.mkdir(parents=True)
    for name, data in WHOLE.items():
        (folder / name).write_bytes(data)
    broken = CachedModel(model="org/odd", state="complete", size_bytes=7, path=str(isolated))
    whole = CachedModel(model="org/mine", state="complete", size_bytes=9, path=str(folder))
    half = CachedModel(model="org/half", state="incomplete", size_bytes=1, path=str(folder))
    monkeypatch.setattr(picking, "models_on_disk", lambda: [broken, whole, half])
    monkeypatch.setenv("AIM_CACHE_PATH", str(isolated / "models"))  # type: ignore[operator]
    found = api.known().models
    mine, odd = row("org/mine", found), row("org/odd", found)
    assert (mine.standing, mine.verdict) == ("on disk", "FITS")
    # No config says what it is: its size alone is known.
    assert (odd.standing, odd.verdict, odd.weights_bytes) == ("on disk", None, 7)
    assert all(one.model != "org/half" for one in found)


def test_a_form_opens_with_the_last_launch_or_with_what_is_here(fake: FakeEngine) -> None:
    here = KnownModel(model="org/here", standing="on disk", on_disk=True, verdict="FITS")
    tight = KnownModel(model="org/a-tight", standing="on disk", on_disk=True, verdict="TIGHT")
    demo = KnownModel(model="demo", standing="on disk", on_disk=True, verdict="FITS")
    assert picking.suggested([demo, tight, here], []) == "org/here"
    assert picking.suggested([demo, tight], []) == "demo"
    fake()
    launch_ready()
    assert picking.suggested([demo, tight, here], api.servers()) == "demo"


def test_with_gpus_and_nothing_on_disk_it_is_the_demo(
    monkeypatch: pytest.MonkeyPatch, isolated: object
) -> None:
    root = trees.written(trees.mi300x(2), isolated / "root")  # type: ignore[operator]
    monkeypatch.setenv("AIM_SYS_ROOT", str(root))
    assert picking.suggested([], []) == "demo"


@given(st.text(), st.text(max_size=9))
def test_pieces_of_a_name_find_it_in_any_order_and_case(name: str, other: str) -> None:
    pieces = name.split()
    assert picking.matches(name, " ".join(reversed(pieces)))
    assert picking.matches(name, "")
    if other.split() and not picking.matches(name, other):
        assert not picking.matches(name, f"{name} {other}")
