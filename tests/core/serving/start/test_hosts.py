"""A host that goes at once says so with its last words, at whichever step that is seen."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from aim_jupyter.core.serving.start import warm
from aim_jupyter.core.serving.start.warm import HostRefused, Seed

#: A process that lives, and has let go of the host's socket; one that is gone already.
LIVES = 'subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL)'
GONE = 'subprocess.Popen(["true"]); one.wait()'


@pytest.mark.parametrize("process", [LIVES, GONE])
def test_a_host_that_goes_before_it_is_asked_has_ended(tmp_path: Path, process: str) -> None:
    program = tmp_path / "python"
    code = f"import subprocess, sys; one = {process}; print(one.pid)"
    words = "print('the engine is broken', file=sys.stderr)"
    program.write_text(f"#!{sys.executable} -I\n{code}; {words}\n")
    program.chmod(0o755)

    with pytest.raises(HostRefused, match="the warm host has ended: the engine is broken"):
        warm.start(Seed("vllm", str(program), "vllm.entrypoints", {"PATH": "/usr/bin:/bin"}))
