"""What the chaos launches."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aim_jupyter.testing.plans import BEHAVIOURS, fake_plans


def test_each_mood_has_a_plan_with_an_engine_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIM_ENGINE_PYTHON", "set by the test, so that it is put back")
    plans = fake_plans(tmp_path)
    assert len(plans) == len(BEHAVIOURS)
    programs = [Path(plan.argv[0]) for plan in plans]
    assert len(set(programs)) == len(programs)
    assert all(os.access(program, os.X_OK) for program in programs)
    assert [program.parent.name for program in programs] == [
        name.replace(" ", "-") for name in BEHAVIOURS
    ]
    assert len({plan.argv[1:] for plan in plans}) == 1


def test_most_of_them_are_no_good() -> None:
    assert BEHAVIOURS["stillborn"].fail_at == "load"
    assert BEHAVIOURS["never ready"].never_ready
    assert BEHAVIOURS["deaf"].ignore_term
