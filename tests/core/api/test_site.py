"""What this machine is, and what is installed on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_jupyter.core.api import site
from aim_jupyter.core.errors import BadUsage
from tests.conftest import FakeEngine
from tests.core.gpus import captured


def test_a_machine_is_this_one_or_one_that_is_spoken_of_or_shown(tmp_path: Path) -> None:
    assert site.machine().gpus == ()
    assert len(site.machine("mi300x:4").gpus) == 4
    (tmp_path / "none.txt").write_text("hello")
    with pytest.raises(BadUsage):
        site.machine(file=tmp_path / "none.txt")


@captured.needed
def test_a_tools_output_is_a_machine_of_its_own() -> None:
    found = site.machine(file=captured.ROOT / "mi300x-4-spx-vf" / "rocminfo.txt")
    assert len(found.gpus) == 4


def test_without_an_engine_there_is_none_and_no_failure() -> None:
    assert site.engine_for(site.machine()) is None
    assert site.version_for(site.machine()) is None
    assert [each.usable for each in site.engine_list()] == [False]


def test_an_engine_is_known_once_it_was_asked(fake: FakeEngine) -> None:
    fake()
    here = site.machine()
    assert not site.engine_is_known(here)
    assert site.ask_engine()
    assert site.engine_is_known(here)
    found = site.engine_for(here)
    assert found is not None
    assert found.name == "variable"
    assert site.version_for(site.machine("mi300x:1")) is None
