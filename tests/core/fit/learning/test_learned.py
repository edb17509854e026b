"""What a site learns from its own starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aim_jupyter.core import fit
from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.core.records.fit import Device, Fit, Settings, Start
from aim_jupyter.core.sizes import GIB

LLAMA = "meta-llama/Llama-3.3-70B-Instruct"
VL = "Qwen/Qwen3-VL-30B-A3B-Instruct"


def verdict(model: str = LLAMA, version: str = "0.18", **more: Any) -> Fit:
    asked: dict[str, Any] = {"max_model_len": 131_072, "util": 0.92, "engine_version": version}
    starts = more.pop("starts", ())
    return fit.verdict(
        fit.Request(
            model=model,
            architecture=fit.architecture(fit.config_of(model)),
            device=fit.device("mi300x:1"),
            settings=Settings(**{**asked, **more}),
            starts=tuple(starts),
        )
    )


def started(
    model: str = LLAMA, *, overhead: float, weights: float | None = None, length: int = 8192
) -> Start:
    found = verdict(model, max_model_len=length)
    assert found.weights is not None
    assert found.budget_bytes is not None
    loaded = found.weights.low / GIB if weights is None else weights
    kv = found.budget_bytes / GIB - loaded - overhead
    facts = {"weights_bytes": loaded * GIB, "available_kv_bytes": kv * GIB, "kv_tokens": 100_000.0}
    return fit.outcome(found, facts, at=1.0, started=True, recipe="mi300x-bf16-tp1")


def test_a_start_is_kept_with_what_was_predicted() -> None:
    start = started(overhead=3.3)
    fit.store(start)
    assert fit.history() == [start]
    assert (start.model, start.gpu_model, start.engine) == (LLAMA, "MI300X", "0.18")
    assert start.overhead_bytes == pytest.approx(3.3 * GIB, abs=4)
    assert start.overhead_predicted_bytes == pytest.approx(3.2 * GIB, rel=0.05)
    assert start.kv_error_pct == pytest.approx(0, abs=1)
    assert start.verdict == "FITS"


def test_nothing_is_known_before_the_first_start() -> None:
    assert fit.history() == []


def test_the_newest_start_comes_first_and_broken_lines_are_left_out(tmp_path: Path) -> None:
    for at in (1.0, 3.0, 2.0):
        fit.store(Start(at=at, model="m", gpu_model="MI300X"))
    path = tmp_path / "state" / "fit" / "starts.jsonl"
    with path.open("ab") as file:
        file.write(b'{"at": 4.0, "mod')  # a crash in the middle of a line
    fit.store(Start(at=5.0, model="m", gpu_model="MI300X"))
    assert [start.at for start in fit.history()] == [5.0, 3.0, 2.0, 1.0]


def test_the_file_is_nobody_elses_business(tmp_path: Path) -> None:
    fit.store(Start(at=1.0, model="m", gpu_model="MI300X"))
    folder = tmp_path / "state" / "fit"
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "starts.jsonl").stat().st_mode & 0o077 == 0


def test_many_processes_may_add_at_once() -> None:
    program = (
        "import sys\n"
        "from aim_jupyter.core import fit\n"
        "from aim_jupyter.core.records.fit import Start\n"
        "for n in range(50):\n"
        "    fit.store(Start(at=float(n), model=sys.argv[1] * 200, gpu_model='MI300X'))\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", program, name], env=dict(os.environ))
        for name in "abcd"
    ]
    assert [writer.wait() for writer in writers] == [0] * 4
    found = fit.history()
    assert len(found) == 200
    assert {start.model for start in found} == {name * 200 for name in "abcd"}


def test_a_state_folder_that_can_not_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AIM_STATE_DIR", str(tmp_path / "file"))
    with pytest.raises(StateUnusable):
        fit.store(Start(at=1.0, model="m", gpu_model="MI300X"))


def test_the_same_start_is_believed_as_it_was() -> None:
    again = verdict(starts=[started(overhead=3.9)])
    assert again.overhead is not None
    assert again.overhead.low <= 3.9 * GIB <= again.overhead.high
    assert again.overhead.width < 0.25 * GIB
    assert {term.basis for term in again.terms if term.name in ("weights", "overhead")} == {
        "learned"
    }
    assert "measured by 1 start with the same settings" in again.notes


def test_experts_that_did_grow_are_remembered() -> None:
    guessed = verdict(VL, max_model_len=8192)
    assert guessed.weights is not None
    assert guessed.weights.width > 20 * GIB
    known = started(VL, overhead=4.3, weights=79.29)
    learned = verdict(VL, max_model_len=8192, starts=[known])
    assert learned.weights is not None
    assert learned.weights.low == learned.weights.high == pytest.approx(79.29 * GIB)


def test_starts_of_other_models_move_the_band() -> None:
    others = [
        started("Qwen/Qwen3-32B", overhead=4.3),
        started("Qwen/Qwen3-8B", overhead=4.2),
    ]
    before, after = verdict(), verdict(starts=others)
    assert before.overhead is not None
    assert after.overhead is not None
    assert after.overhead.middle > before.overhead.middle
    assert after.overhead.width <= before.overhead.width + 1
    assert any("after 2 starts of other models" in note for note in after.notes)
    assert verdict(starts=others[:1]).overhead == before.overhead


@pytest.mark.parametrize(
    "changes",
    [{"version": "0.16"}, {"enforce_eager": True}, {"max_num_seqs": 64}, {"kv_dtype": "fp8"}],
)
def test_a_start_with_other_settings_is_not_taken_for_this_one(changes: dict[str, Any]) -> None:
    found = verdict(starts=[started(overhead=3.9)], **changes)
    assert not any("same settings" in note for note in found.notes)


def test_a_start_on_another_kind_of_gpu_says_nothing() -> None:
    request = fit.Request(
        model=LLAMA,
        architecture=fit.architecture(fit.config_of(LLAMA)),
        device=Device(model="MI325X", family="rocm", total_bytes=262128 * 2**20),
        settings=Settings(engine_version="0.18", max_model_len=8192),
        starts=(started(overhead=3.9),),
    )
    assert not any("start" in note for note in fit.verdict(request).notes)


def test_a_start_that_failed_keeps_what_its_log_said() -> None:
    found = verdict(version="0.16")
    facts = {"available_kv_bytes": 39.07 * GIB, "weights_bytes": 131.42 * GIB}
    start = fit.outcome(found, facts, at=1.0, started=False, forced=True, stages={"load": 60.0})
    assert (start.verdict, start.started, start.forced) == ("NO", False, True)
    assert start.kv_bytes == int(39.07 * GIB)
    assert (start.load_s, start.ready_s) == (60.0, None)
    nothing = fit.outcome(found, {}, at=1.0, started=False)
    assert nothing.kv_bytes is None
    assert nothing.overhead_bytes is None
    assert nothing.kv_error_pct is None
