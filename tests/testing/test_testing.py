"""The fake engine's interpreter, as it is written."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import msgspec
import pytest

from aim_jupyter.testing import SITE, Script, fake_engine


def test_it_is_an_interpreter_that_knows_how_to_behave(tmp_path: Path) -> None:
    program = fake_engine(tmp_path, Script(boot_s=1.5, fail_line='it\'s "odd" $HOME'))
    code = "import os, sys; print(os.environ['AIM_FAKE_ENGINE']); print(sys.path[1])"
    done = subprocess.run([program, "-c", code], capture_output=True, text=True, check=True)
    told, place = done.stdout.splitlines()
    assert msgspec.json.decode(told, type=Script) == Script(
        boot_s=1.5, fail_line='it\'s "odd" $HOME'
    )
    assert Path(place) == SITE


def test_what_stands_on_the_path_already_comes_after_it(tmp_path: Path) -> None:
    program = fake_engine(tmp_path)
    done = subprocess.run(
        [program, "-c", "import os; print(os.environ['PYTHONPATH'])"],
        env={**os.environ, "PYTHONPATH": "/mine"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip().startswith(str(SITE))
    assert done.stdout.strip().endswith(":/mine")


def test_a_word_that_is_none_of_its_script_is_refused() -> None:
    with pytest.raises(TypeError, match="boots_s"):
        Script(boots_s=1.0)  # type: ignore[call-arg]
