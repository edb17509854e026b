"""A map from end to end, with the fake engine: every row has an answer or says why not."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pydantic
import pytest
from msgspec.structs import replace

import aim_jupyter as aim
from aim_jupyter.commands import presenting
from aim_jupyter.core import api, serving
from aim_jupyter.core.errors import AimError, BadUsage, RowsFailed, ServerGone, UnknownName
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.labserver import answers
from aim_jupyter.testing import Script, fake_engine
from aim_jupyter.verbs.server import Server
from aim_jupyter.work import runs
from aim_jupyter.work.map import asking
from tests.conftest import scrubbed
from tests.waiting import DEMO, launch_ready, until

PROMPT = "{text}"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("map")
    with scrubbed(folder) as patch:
        patch.setenv("AIM_ENGINE_PYTHON", str(fake_engine(folder, Script(longest=5000, slots=16))))
        launch_ready()
        yield folder


@pytest.fixture
def server(
    machine: Path, isolated: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], ServerFolder]:
    """Use the module's server, and forget its runs."""
    for name in ("state", "data", "cache"):
        monkeypatch.setenv(f"AIM_{name.upper()}_DIR", str(machine / name))
    monkeypatch.setenv("AIM_ENGINE_PYTHON", str(machine / "fake-engine-python"))
    for folder in runs.folders():
        folder.evict()
    return launch_ready


def figure(folder: ServerFolder, name: str) -> int:
    """Return what the engine's metrics say."""
    text = serving.exposition(folder, serving.current(folder))
    line = next(line for line in text.splitlines() if line.startswith(f"{name}{{"))
    return int(float(line.rsplit(" ", 1)[1]))


def requests(folder: ServerFolder) -> int:
    """Return how many chats the engine has answered."""
    return figure(folder, "http_requests_total")


def test_a_frame_comes_back_as_it_was_with_its_answers(server: Callable[[], ServerFolder]) -> None:
    server()
    df = pd.DataFrame(
        {"text": ["a", "b"], "n": pd.Categorical(["x", "y"])}, index=pd.Index([7, 7], name="i")
    )
    out = aim.map(df, "Kind? {text}", into="kind")
    assert list(out.columns) == [
        "text",
        "n",
        "kind",
        "kind_error",
        "kind_tokens_in",
        "kind_tokens_out",
    ]
    assert out.kind.tolist() == ["You said: Kind? a", "You said: Kind? b"]
    assert out.kind_error.isna().all()
    assert out.kind_tokens_out.dtype == "Int64"
    pd.testing.assert_frame_equal(out[["text", "n"]], df, check_flags=False)
    assert out.attrs["aim"]["run"] == aim.run().id
    assert "kind" not in df


def test_any_library_gives_its_own_kind_of_table(server: Callable[[], ServerFolder]) -> None:
    server()
    rows = [{"text": "a"}, {"text": None}]
    polars = aim.map(pl.DataFrame(rows), PROMPT)
    assert isinstance(polars, pl.DataFrame)
    assert polars["answer"].to_list() == ["You said: a", None]
    arrow = aim.map(pa.Table.from_pylist(rows), PROMPT)
    assert arrow["answer_error"].to_pylist() == [None, "no value: text"]
    assert b"aim" in arrow.schema.metadata
    dicts = aim.map(rows, PROMPT)
    assert dicts[0]["answer"] == "You said: a"
    assert dicts[1]["answer_tokens_in"] is None


def test_a_second_call_asks_only_what_is_missing(server: Callable[[], ServerFolder]) -> None:
    folder = server()
    df = pd.DataFrame({"text": [f"t{at % 10}" for at in range(50)]})
    before = requests(folder)
    first = aim.map(df, PROMPT)
    assert requests(folder) - before == 10
    pd.testing.assert_frame_equal(aim.map(df, PROMPT), first)
    assert requests(folder) - before == 10
    df.loc[3, "text"] = "new"
    aim.map(df, PROMPT)
    assert requests(folder) - before == 11


def test_each_failure_says_what_happened_and_the_rest_is_answered(
    server: Callable[[], ServerFolder],
) -> None:
    server()
    rows = {
        "fine": None,
        "[[end:length]]": "length: cut at",
        "x" * 6000: "too long: 6,000 tokens, room for 512",
        "[[status:422]]": "refused (422):",
        "\ud800": "no text: a lone surrogate",
        "[[end:content_filter]]": "no text: it ended with content_filter",
    }
    out = aim.map([{"text": text} for text in rows], PROMPT)
    for row, expected in zip(out, rows.values(), strict=True):
        assert (row["answer_error"] or "").startswith(expected or "")
        assert (row["answer_error"] is None) == (expected is None) == (row["answer"] is not None)
        assert len(row["answer_error"] or "") <= asking.SAID
    kept = aim.run().frame()
    assert kept.raw[1].startswith("You said")
    assert kept.cause.tolist()[1:3] == ["length", "too long"]


class Review(pydantic.BaseModel):
    label: str
    score: int


def test_invalid_answers_are_asked_again_with_what_was_wrong(
    server: Callable[[], ServerFolder],
) -> None:
    folder = server()
    good = '{"label":"kind","score":4}'
    texts = [f"[[say:{good}]]", f"[[say:no]][[say:{good}]]", "[[say:no]]"]
    before = requests(folder)
    out = aim.map(pd.DataFrame({"text": texts}), PROMPT, into="r", schema=Review)
    assert out.r_label.tolist()[:2] == ["kind", "kind"]
    assert out.r_score.tolist()[:2] == [4, 4]
    assert out.r_error[2].startswith("not valid after 3 asks: Invalid JSON")
    assert requests(folder) - before == 1 + 2 + 3
    assert aim.run().frame().raw[2] == "no"
    assert aim.run().frame().asks.tolist() == [1, 2, 3]


def test_failed_rows_alone_are_asked_again_when_that_is_wanted(
    server: Callable[[], ServerFolder],
) -> None:
    folder = server()
    rows = [{"text": "a"}, {"text": "[[end:length]]"}]
    aim.map(rows, PROMPT)
    before = requests(folder)
    aim.map(rows, PROMPT)
    assert requests(folder) == before
    aim.map(rows, PROMPT, errors=True)
    assert requests(folder) == before + 1


def test_choices_samples_embeddings_and_ranks(server: Callable[[], ServerFolder]) -> None:
    server()
    df = pd.DataFrame({"text": ["ab", "abe"]})
    assert set(aim.map(df, PROMPT, schema=["good", "bad"]).answer) <= {"good", "bad"}
    several = aim.map(df, PROMPT, samples=3)
    assert several.answer[0] == ["You said: ab"] * 3
    assert aim.embed(df.text).embedding[1] == [1.0, 1.0, 0.0, 0.0, 0.0]
    assert aim.rerank("ab cd", df.text).score.tolist() == [0.5, 0.0]
    both = aim.compare(df, PROMPT, servers=["demo", "demo"][:1])
    assert both.answer_agree.tolist() == [True, True]


def test_most_of_the_first_rows_failing_ends_it_before_more_is_asked(
    server: Callable[[], ServerFolder],
) -> None:
    folder = server()
    rows = [{"text": f"[[end:length]] {at}"} for at in range(100)]
    before = requests(folder)
    with pytest.raises(RowsFailed, match=r"20 of the first 20 rows failed: length 20\."):
        aim.map(rows, PROMPT)
    assert requests(folder) - before == 20
    assert len(aim.map(rows, PROMPT, force=True)) == 100
    assert requests(folder) - before == 100


def test_wrong_words_are_said_before_anything_is_asked(server: Callable[[], ServerFolder]) -> None:
    server()
    df = pd.DataFrame({"text": ["a"], "kind_error": [1]})
    with pytest.raises(UnknownName, match="column 'txt'"):
        aim.map(df, "{txt}")
    with pytest.raises(BadUsage, match="kind_error"):
        aim.map(df, PROMPT, into="kind")
    with pytest.raises(BadUsage, match="no table"):
        aim.map(pd.DataFrame([[1, 2]], columns=["a", "a"]), "{a}")
    with pytest.raises(BadUsage):
        aim.map(7, PROMPT)
    assert aim.runs().empty


def test_an_empty_table_has_the_columns(server: Callable[[], ServerFolder]) -> None:
    server()
    out = aim.map(pd.DataFrame({"text": []}), PROMPT)
    assert list(out.columns)[1:] == [
        "answer",
        "answer_error",
        "answer_tokens_in",
        "answer_tokens_out",
    ]
    assert out.empty


@pytest.mark.parametrize("end", [".csv", ".jsonl", ".parquet"])
def test_files_are_mapped_from_the_command_line(
    server: Callable[[], ServerFolder], tmp_path: Path, end: str
) -> None:
    server()
    write: dict[str, Callable[[pd.DataFrame, Path], object]] = {
        ".csv": lambda frame, path: frame.to_csv(path, index=False),
        ".jsonl": lambda frame, path: frame.to_json(path, orient="records", lines=True),
        ".parquet": lambda frame, path: frame.to_parquet(path),
    }
    read: dict[str, Callable[[Path], pd.DataFrame]] = {
        ".csv": pd.read_csv,
        ".jsonl": lambda path: pd.read_json(path, lines=True),
        ".parquet": pd.read_parquet,
    }
    frame = pd.DataFrame({"text": ["a, b", "ü\n"]})
    at = tmp_path / f"in{end}"
    write[end](frame, at)
    (tmp_path / "p.txt").write_text("Kind? {text}")
    out = tmp_path / f"out{end}"
    done = subprocess.run(
        [sys.executable, "-m", "aim_jupyter", "map", at, out, "--prompt-file", tmp_path / "p.txt"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == str(out)
    answers = read[end](out).answer.tolist()
    assert answers == ["You said: Kind? a, b", "You said: Kind? ü\n"]


def test_a_run_in_the_background_goes_on_without_this_process(
    server: Callable[[], ServerFolder],
) -> None:
    server()
    rows = [{"text": f"t{at}"} for at in range(40)]
    run = aim.map(rows, PROMPT, background=True)
    until(lambda: run.record.done == 40)
    until(lambda: run.state == "done")
    assert aim.runs().loc[run.id, "done"] == 40
    assert aim.map(rows, PROMPT)[39]["answer"] == "You said: t39"
    run.evict()
    assert aim.runs().empty


def test_a_server_that_has_ended_ends_the_map_and_keeps_what_is_done(
    fake: Callable[..., Path],
) -> None:
    fake(crash_after_s=2.0, token_s=0.2)
    launch_ready()
    rows = [{"text": f"t{at} and more"} for at in range(400)]
    with pytest.raises(ServerGone, match="demo is failed"):
        aim.map(rows, PROMPT)
    run = aim.run()
    assert run.state == "stopped"
    assert run.record.failed == 0


def test_a_row_that_ends_its_engine_again_and_again_fails_alone(fake: Callable[..., Path]) -> None:
    fake()
    launch_ready()
    rows = [{"text": "a"}, {"text": "[[die]]"}, {"text": "b"}]
    out = aim.map(rows, PROMPT, launch=True)
    assert [row["answer"] for row in out] == ["You said: a", None, "You said: b"], out
    assert out[1]["answer_error"].startswith("the engine ended")


def test_a_process_that_is_killed_loses_only_what_was_under_way(
    server: Callable[[], ServerFolder],
) -> None:
    folder = server()
    rows = [{"text": f"t{at}"} for at in range(3000)]
    before = requests(folder)
    run = aim.map(rows, PROMPT, background=True)
    until(lambda: run.record.done > 200)
    pid = next(
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and f"aim_jupyter.work\0{run.id}\0".encode() in _command_line(entry)
    )
    os.kill(pid, signal.SIGKILL)
    until(lambda: run.state != "running")
    assert run.state == "stopped"
    out = aim.map(rows, PROMPT)
    assert [row["answer"] for row in out] == [f"You said: t{at}" for at in range(3000)]
    assert requests(folder) - before <= 3000 + 64


def _command_line(entry: Path) -> bytes:
    with contextlib.suppress(OSError):
        return (entry / "cmdline").read_bytes()
    return b""


def test_every_ugly_row_has_an_answer_or_an_error(server: Callable[[], ServerFolder]) -> None:
    server()
    ugly = [None, float("nan"), "🦊", "{text}", "}}{", "\ud800", "", " ", 3, 1.5, b"\xff", [1],
            {"a": 1}, pd.NaT, pd.NA, "x" * 1_000_000, "\x00", "a\r\nb", True]  # fmt: skip
    draw = random.Random(0)
    count = 10_000
    texts = [draw.choice(ugly) if at % 3 else f"t{at}" for at in range(count)]
    # A MultiIndex with the same entry many times, and columns of which one is no text.
    index = pd.MultiIndex.from_arrays([[0] * count, draw.choices(range(99), k=count)])
    df = pd.DataFrame({"text": texts, 2: pd.Categorical(["a", "b"] * (count // 2))}, index=index)
    out = aim.map(df, "Kind? {text} {2}", force=True)
    assert (out.answer.isna() != out.answer_error.isna()).all()
    assert out.index.equals(df.index)
    pd.testing.assert_frame_equal(out[["text", 2]], df, check_flags=False)
    assert set(aim.run().frame().cause.dropna()) == {"no value", "no text", "too long"}


def test_an_interrupt_keeps_everything(server: Callable[[], ServerFolder]) -> None:
    server()
    rows = [{"text": f"t{at} " + "w " * 50} for at in range(100_000)]
    ended: list[BaseException] = []

    def interrupt() -> None:
        until(lambda: bool(runs.folders()) and runs.folders()[0].latest().done > 50)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    try:
        aim.map(rows, PROMPT)
    except (KeyboardInterrupt, AimError) as error:
        ended.append(error)
    assert isinstance(ended[0], KeyboardInterrupt)
    run = aim.run()
    assert run.state == "stopped"
    assert run.record.done > 50
    assert time.time() - run.record.started_at < 300


def test_a_question_of_a_person_goes_before_the_rows_of_a_map(
    fake: Callable[..., Path], tmp_path: Path
) -> None:
    asked, gate = tmp_path / "asked", tmp_path / "go"
    fake(slots=4, asked=str(asked), gates={"answer": str(gate)})
    folder = launch_ready()
    run = aim.map([{"text": f"t{at}"} for at in range(100)], PROMPT, background=True)
    waiting = "vllm:num_requests_waiting"
    # Held at the gate, four rows run and the others of the first twenty wait.
    until(lambda: figure(folder, waiting) == 16)
    ask = Server(folder).client.chat.completions.create
    message = {"role": "user", "content": "a person"}
    person = threading.Thread(target=ask, kwargs={"model": "default", "messages": [message]})
    person.start()
    until(lambda: figure(folder, waiting) == 17)
    gate.touch()
    person.join()
    until(lambda: run.state == "done")
    order = [json.loads(line) for line in asked.read_text().splitlines()]
    # Behind what ran, and what took the other three places while it was written down.
    assert order.index("a person") <= 4 + 3, order[:20]


def test_a_prompt_is_messages_or_a_function_of_the_row(
    server: Callable[[], ServerFolder],
) -> None:
    server()
    df = pd.DataFrame({"text": ["a", None, "b"], "n": [1, 2, 3]})
    turns = [{"role": "system", "content": "Be {n}."}, {"role": "user", "content": "{text}?"}]
    out = aim.map(df, turns)
    assert out.answer[0] == "You said: a?"
    assert out.answer_error[1] == "no value: text"
    assert out.answer_tokens_in[0] == 3

    def prompt(row: dict[str, Any]) -> Any:
        return [{"role": "user", "content": row["text"].upper()}] if row["n"] > 1 else "one"

    out = aim.map(df, prompt, into="f")
    assert out.f.tolist() == ["You said: one", pd.NA, "You said: B"]
    assert out.f_error[1].startswith("the prompt failed: AttributeError")


def test_pictures_go_along_from_paths_and_from_bytes(
    server: Callable[[], ServerFolder], tmp_path: Path
) -> None:
    server()
    png = b"\x89PNG\r\n\x1a\n and so on"
    (tmp_path / "a.png").write_bytes(png)
    shown = [png, str(tmp_path / "a.png"), tmp_path / "none.png", b"no picture", None]
    out = aim.map(
        [{"at": at, "shown": each} for at, each in enumerate(shown)], "What? {at}", images="shown"
    )
    assert out[0]["answer"] == "You said: data:image/png;base64,iVBORw0K What? 0"
    assert out[1]["answer"] == "You said: data:image/png;base64,iVBORw0K What? 1"
    assert [row["answer_error"][:13] for row in out[2:]] == [
        "shown can't b",
        "shown is no P",
        "no value: sho",
    ]


def test_several_servers_of_one_model_share_the_rows(
    fake: Callable[..., Path],
) -> None:
    fake(slots=4, token_s=0.005)
    both = [launch_ready(replace(DEMO, name=name)) for name in ("one", "two")]
    rows = [{"text": f"t{at}"} for at in range(400)]
    out = aim.map(rows, PROMPT, servers=["one", "two"])
    assert [row["answer"] for row in out] == [f"You said: t{at}" for at in range(400)]
    shares = [requests(folder) for folder in both]
    assert sum(shares) == 400
    assert min(shares) > 40
    # One that is stopped leaves its rows to the other.
    aim.run().evict()
    run = aim.map(rows, PROMPT, servers=["one", "two"], background=True)
    until(lambda: run.record.done > 40)
    aim.stop("one")
    until(lambda: run.state == "done")
    assert run.record.done == 400


def test_two_models_are_compared_side_by_side(fake: Callable[..., Path]) -> None:
    fake()
    launch_ready(replace(DEMO, name="one"))
    fake(accent="They said")
    launch_ready(replace(DEMO, name="two", options={"dtype": "float16"}))
    df = pd.DataFrame({"text": ["[[say:yes]]", "a", None]})
    out = aim.compare(df, PROMPT, servers=["one", "two"])
    assert out.answer_one.tolist()[:2] == ["yes", "You said: a"]
    assert out.answer_two.tolist()[:2] == ["yes", "They said: a"]
    assert out.answer_agree.tolist() == [True, False, pd.NA]
    assert out.attrs["aim"]["agreement"] == 0.5
    assert out.attrs["aim"]["compared"] == ["answer_one", "answer_two"]


KERNEL = """
import aim_jupyter as aim
print(aim.map([{"text": f"t{at}"} for at in range(100)], "{text}", background=True).id)
"""


def test_a_map_is_seen_everywhere_also_after_its_kernel_has_ended(
    fake: Callable[..., Path], tmp_path: Path
) -> None:
    gate = tmp_path / "go"
    fake(slots=4, gates={"answer": str(gate)})
    launch_ready()
    kernel = subprocess.run(
        [sys.executable, "-c", KERNEL], capture_output=True, text=True, check=True
    )
    name = kernel.stdout.strip()
    until(lambda: [look.run.id for look in runs.working()] == [name])
    card = presenting.top_card(api.top())
    assert f"map {name}: 0 of 100 rows" in card.terminal
    assert "0 of 100" in card.html
    (shown,) = answers.status(api.overview(), [], runs.working()).maps
    assert (shown.run, shown.servers, shown.rows) == (name, ("demo",), 100)
    gate.touch()
    until(lambda: not runs.working())
    assert aim.run(name).record.done == 100
    assert "map" not in presenting.top_card(api.top()).terminal
