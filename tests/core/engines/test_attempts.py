"""One attempt at an engine environment, and why it gives none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aim_jupyter.core.engines import attempts, builds, sources
from aim_jupyter.core.engines.attempts import Refused, build
from aim_jupyter.core.engines.logs import Log
from aim_jupyter.core.engines.probe_cache import Answer
from aim_jupyter.core.errors import InstallFailed

Program = Callable[..., Path]
CPU = sources.read()["cpu"]
GOOD = Answer(engine=CPU.engine, platform=CPU.platform, torch=CPU.torch or None)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(reason="vLLM does not load: OSError: gone"), "vLLM does not load"),
        (Answer(engine="sglang", platform=CPU.platform), "it has SGLang and not vLLM"),
        (Answer(engine=CPU.engine, platform="cuda"), "its vLLM is for cuda"),
    ],
)
def test_what_can_not_serve_here_is_refused_with_the_reason(answer: Answer, why: str) -> None:
    with pytest.raises(Refused, match=why):
        attempts._proven(answer, CPU)
    assert attempts._proven(GOOD, CPU) is GOOD


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "log")


def test_an_interpreter_without_venv_names_the_package_and_leaves_nothing(
    program: Program, log: Log
) -> None:
    base = program("echo 'No module named venv' >&2; exit 1")
    with pytest.raises(InstallFailed, match="can't make a virtual environment") as caught:
        build(CPU, CPU.sources[0], base, log)
    assert caught.value.hint == f"apt install {base.name}-venv"
    assert not list(builds.new("x").parent.glob(f"{CPU.name}*"))


@pytest.mark.parametrize(
    ("said", "kind"),
    [("No space left on device", InstallFailed), ("No matching distribution found", Refused)],
)
def test_a_full_disk_ends_it_and_what_is_not_there_leads_to_the_next_source(
    *, said: str, kind: type[Exception], program: Program, log: Log
) -> None:
    pip = f"#!/bin/sh\\necho 'ERROR: {said}' >&2\\nexit 1\\n"
    made = f'mkdir -p $3/bin && printf "{pip}" > $3/bin/python && chmod +x $3/bin/python'
    base = program(f"for last; do :; done; set -- a b $last; {made}")
    with pytest.raises(kind, match=said):
        build(CPU, CPU.sources[0], base, log)
