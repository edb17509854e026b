"""Logs that others published: the cause that the card states, and the line that it shows."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aim_jupyter.core.serving.crash import crash, lines
from tests.core.serving.crash import cases
from tests.core.serving.crash.cases import Case
from tests.core.serving.crash.test_crash import explained
from tests.waiting import bytes_read

SHARED = Path(__file__).parents[5] / "shared/fixtures/crash-logs"
OURS = Path(__file__).with_name("logs")
CASES = [*cases.read(OURS), *cases.read(SHARED)]


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_a_log_is_explained_by_its_cause_and_its_line(case: Case) -> None:
    found = case.explained()
    verdict, line = case.verdict(found)
    assert verdict == "right", (found.what, found.cause)
    assert line, found.line


def test_the_table() -> None:
    rows = [(case, *case.verdict(found := case.explained()), found) for case in CASES]
    for case, verdict, line, found in rows:
        right = "line" if line else "ANOTHER LINE"
        print(f"{case.id:5} {verdict:6} {right:5} {found.process:16} {found.what} {found.cause}")  # noqa: T201
    print(f"{len(rows)} logs")  # noqa: T201


def test_a_card_of_a_log_names_options_of_its_engine() -> None:
    for case in CASES:
        tried = case.explained().try_line
        assert not (case.engine == "sglang" and ("--enforce-eager" in tried or "VLLM_" in tried))
        assert not (
            case.engine == "vllm" and ("--disable-cuda-graph" in tried or "SGLANG" in tried)
        )


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=150,
    deadline=None,
)
@given(data=st.data())
def test_a_log_that_is_cut_anywhere_is_no_traceback(tmp_path: Path, data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(CASES))
    raw = case.log.read_bytes()
    first = data.draw(st.integers(0, len(raw)))
    last = data.draw(st.integers(first, len(raw)))
    middle = data.draw(st.binary(max_size=8))
    log = tmp_path / "engine.log"
    log.write_bytes(raw[:first] + middle + raw[last:])
    found = crash.explain(case.plan, log, data.draw(st.sampled_from((1, 0, -9, None))), "")
    assert found.what
    assert found.cause
    assert "\n" not in found.line


def ranks(count: int, error: str) -> Iterator[list[str]]:
    for rank in range(count):
        head = f"(Worker_TP{rank} pid={100 + rank}) ERROR 11-23 19:44:56 [multiproc_executor.py:8] "
        frames = [f'  File "x.py", line {at}, in f{at}' for at in range(30)]
        last = error if rank == 5 else "RuntimeError: Connection closed by peer [10.0.0.1]:7"
        told = ["WorkerProc failed to start.", "Traceback (most recent call last):", *frames, last]
        yield [head + line for line in told]


@pytest.mark.parametrize("seed", range(8))
def test_ranks_that_write_at_the_same_time_are_told_apart(tmp_path: Path, seed: int) -> None:
    error = "KeyError: 'layers.0.mlp.experts.w13_bias'"
    left = [iter(each) for each in ranks(8, error)]
    wheel, told = random.Random(seed), []
    while left:
        one = wheel.choice(left)
        line = next(one, None)
        if line is None:
            left.remove(one)
        else:
            told.append(line)
    found = explained(tmp_path, "\n".join(told))
    assert found.line == error
    assert found.process == "Worker_TP5"
    assert "place for" in found.what


@pytest.mark.parametrize("words", ["模型加载失败", "Ошибка загрузки", "خطأ", "\ud800", "エラー"])
def test_other_languages_are_read_as_they_are(tmp_path: Path, words: str) -> None:
    head = "(EngineCore pid=7) ERROR 11-23 19:44:56 [core.py:1] "
    found = explained(
        tmp_path, f"{words}\n{head}Traceback (most recent call last):\n{head}OddError: {words}\n"
    )
    assert found.line.startswith("OddError: ")
    assert not found.known


def test_of_a_long_log_a_bounded_part_is_read(tmp_path: Path) -> None:
    # How long it takes stands in benchmarks/crash.py.
    case = next(case for case in CASES if case.engine == "vllm")
    raw = case.log.read_bytes()
    noise = b"".join(
        b'(APIServer pid=1) INFO:     10.0.0.%d:4 - "POST /v1/chat/completions HTTP/1.1" 200 OK\n'
        % (number % 250)
        for number in range(600_000)
    )
    log = tmp_path / "engine.log"
    for content, most in (
        (noise + raw, lines.SEARCHED_BYTES),
        (raw + noise, lines.SEARCHED_BYTES + lines.FURTHER_BYTES),
    ):
        log.write_bytes(content)
        before = bytes_read()
        found = crash.explain(case.plan, log, 1, "")
        assert found.what
        assert bytes_read() - before < most + (1 << 20)
        assert len(content) > lines.FURTHER_BYTES


def test_two_hundred_megabytes_are_no_more(tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    block = (b"x" * 119 + b"\n") * (1 << 14)
    with log.open("wb") as file:
        while file.tell() < 200 << 20:
            file.write(block)
        file.write(b"\n(Worker_TP1 pid=3) ERROR 11-23 19:44:56 [w.py:1] OddError: it\n")
    before = bytes_read()
    found = crash.explain(CASES[0].plan, log, 1, "")
    assert (found.line, found.process) == ("OddError: it", "Worker_TP1")
    assert bytes_read() - before < log.stat().st_size // 4
