"""Whether an engine's interpreter can import amdsmi."""

from __future__ import annotations

import sys
from pathlib import Path

from aim_jupyter.core import gpus
from aim_jupyter.core.gpus.tools import importing
from tests.core.gpus.tools.conftest import Install


def test_the_engines_interpreter_is_asked_for_amdsmi(install: Install) -> None:
    good = install("good", "echo 7.0.2")
    bad = install("bad", "echo 'ModuleNotFoundError: No module named amdsmi' >&2; exit 1")
    machine = gpus.machine("mi300x:1")
    assert gpus.findings(machine, good)[-1].found == "The engine imports amdsmi 7.0.2."
    check = gpus.findings(machine, bad)[-1]
    assert not check.good
    assert "No module named amdsmi" in check.found
    assert check.fix == f"{bad} -m pip install /opt/rocm/share/amd_smi"


def test_an_interpreter_that_is_gone_is_told_with_what_to_run(tmp_path: Path) -> None:
    found = importing.check(tmp_path / "python")
    assert not found.good
    assert "can't be started" in found.found
    assert found.fix.startswith(f"{tmp_path}/python -m pip install")


def test_a_real_interpreter_without_it_says_what_is_missing(install: Install) -> None:
    # -I: whatever this machine has stays out of it.
    python = install("python", f'exec {sys.executable} -I -S "$@"')
    found = importing.check(python)
    assert not found.good
    assert found.found.endswith("No module named 'amdsmi'")
