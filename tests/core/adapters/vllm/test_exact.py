"""Asking vLLM's own code: with a process that answers as it would."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from aim_jupyter.core.adapters.vllm import exact
from aim_jupyter.core.adapters.vllm.exact import Oracle, Question
from aim_jupyter.core.adapters.vllm.oracle.machine import Gpu

GPU = Gpu("gfx942", 192 << 30, "0x74a1", "MI300X", 304)
ASKED = Question(config={"model_type": "llama"})


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """Return an interpreter that is ready, and answers each line with how many there were."""
    path = tmp_path / "python"
    path.write_text(
        "#!/bin/sh\necho started >> " + str(tmp_path / "starts") + "\n"
        "echo '{\"ready\": 1}'\nn=0\n"
        'while read -r line; do n=$((n+1)); echo "{\\"count\\": $n}"; done\n'
    )
    path.chmod(0o755)
    return path


def starts(tmp_path: Path) -> int:
    return len((tmp_path / "starts").read_text().splitlines())


def test_one_process_answers_many_questions_and_the_same_one_is_kept(
    python: Path, tmp_path: Path
) -> None:
    oracle = Oracle(str(python), "0.32.0", GPU)
    assert oracle.ask(ASKED) == {"count": 1}
    assert oracle.ask(Question(config={}, argv=["--x"])) == {"count": 2}
    assert oracle.ask(ASKED) == {"count": 1}
    assert starts(tmp_path) == 1
    oracle.close()
    again = Oracle(str(python), "0.32.0", GPU)
    assert again.ask(ASKED) == {"count": 1}
    assert starts(tmp_path) == 1  # it did not need to be asked


@pytest.mark.parametrize("script", ["exit 1", "echo nonsense", "echo '{\"ready\": 1}'"])
def test_one_that_does_not_answer_is_none(python: Path, script: str) -> None:
    python.write_text(f"#!/bin/sh\n{script}\n")
    oracle = Oracle(str(python), "0.32.0", GPU)
    assert oracle.ask(ASKED) is None
    oracle.close()
    assert Oracle("/no/such/python", "0.32.0", GPU).ask(ASKED) is None


def test_only_what_was_tried_is_asked() -> None:
    assert exact.oracle(sys.executable, "0.31.2", GPU) is None
    assert exact.oracle(sys.executable, "0.320", GPU) is None
    assert exact.oracle(sys.executable, "0.32.1", GPU._replace(gfx="gfx1100")) is None
    assert exact.oracle(sys.executable, "0.32.1", GPU) is not None
    exact.close()


def test_a_gpu_is_shown_as_the_table_knows_it() -> None:
    mi300x = exact.shown("MI300X", "gfx942", 5)
    assert mi300x is not None
    assert (mi300x.gfx, mi300x.memory, mi300x.units) == ("gfx942", 5, 304)
    alike = exact.shown("MI999", "gfx942", 5)
    assert alike is not None
    assert alike.gfx == "gfx942"
    assert exact.shown("MI999", "gfx000", 5) is None


def test_a_question_is_one_line_whatever_it_holds() -> None:
    odd = Question(config={"a": "two\nlines"}, env={"X": "ä"})
    assert "\n" not in odd.line
    assert json.loads(odd.line)["config"] == {"a": "two\nlines"}
