"""What there is to choose from, from Python."""

from __future__ import annotations

import pytest

import aim_jupyter as aim
from aim_jupyter.core.errors import UnknownName
from aim_jupyter.verbs import choices
from tests.conftest import FakeEngine
from tests.core.gpus import trees
from tests.waiting import launch_ready, until


def test_a_machine_without_gpus_has_no_rows() -> None:
    assert aim.gpus().empty


def test_gpus_are_rows(monkeypatch: pytest.MonkeyPatch, isolated: object) -> None:
    monkeypatch.setenv("AIM_SYS_ROOT", str(trees.written(trees.mi300x(2), isolated / "root")))  # type: ignore[operator]
    found = choices.gpus()
    assert found["model"].tolist() == ["MI300X", "MI300X"]
    assert found["vram_gib"].tolist() == pytest.approx([192, 192], abs=0.1)


def test_an_engine_that_can_not_serve_is_listed_with_the_reason(fake: FakeEngine) -> None:
    fake()
    found = choices.engines()
    assert found.loc["variable", "usable"]
    assert not found.loc["notebook", "usable"]
    assert "no engine" in str(found.loc["notebook", "reason"])


def test_a_model_that_nobody_knows_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="demmo"):
        choices.recipes("demmo")


def test_a_fit_is_a_verdict_with_its_sum() -> None:
    found = choices.fit("demo")
    assert found["verdict"] == "FITS"
    assert sum(found["weights_gib_per_gpu_band"]) > 0
    assert "weights" in [term["name"] for term in found["terms"]]
    elsewhere = choices.fit("demo", machine="mi300x:1")
    assert (elsewhere["verdict"], elsewhere["reason"]) == ("NO", "for CPU; this machine has MI300X")


def test_a_start_that_is_over_is_in_the_history(fake: FakeEngine) -> None:
    assert choices.fit_history().empty
    fake()
    launch_ready()
    until(lambda: not choices.fit_history().empty)
    assert choices.fit_history()["model"].tolist() == ["demo"]
