"""``aim-engine fit`` and ``%aim fit`` as users run them."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from msgspec import structs

import aim_jupyter as aim
from aim_jupyter.commands.table import COMMANDS
from aim_jupyter.core import api, choice, fit, gpus, serving
from aim_jupyter.core.errors import NoFit
from aim_jupyter.core.records.fit import Start
from aim_jupyter.core.request import Request
from aim_jupyter.core.sizes import GIB
from aim_jupyter.tables import frames
from tests.conftest import FakeEngine
from tests.notebook.cells import Session, session
from tests.test_cli import run

__all__ = ["session"]

LLAMA = "meta-llama/Llama-3.3-70B-Instruct"
ASKED = [
    *("--machine", "mi300x:1", "--tp", "1", "--dtype", "bfloat16", "--kv-dtype", "auto"),
    *("--util", "0.92", "--max-model-len", "131072", "--max-num-seqs", "1024"),
    *("--max-num-batched-tokens", "8192"),
]
PROMISED = {
    *("verdict", "weights_gib_per_gpu", "kv_bytes_per_token_per_gpu", "available_kv_gib"),
    *("kv_tokens", "max_concurrency", "largest_context", "terms", "counter_offers"),
}
SMALL = {
    "model_type": "llama",
    "hidden_size": 256,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 512,
    "vocab_size": 1024,
    "max_position_embeddings": 2048,
}


@pytest.mark.parametrize(
    ("version", "verdicts"), [("0.15", ("NO", "TIGHT")), ("0.18", ("FITS", "TIGHT"))]
)
def test_the_acceptance_cases_as_json(version: str, verdicts: tuple[str, ...]) -> None:
    done = run("fit", LLAMA, *ASKED, "--engine-version", version, "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) >= PROMISED
    assert answer["verdict"] in verdicts
    assert answer["needed_kv_gib"] == [40.0, 40.0]
    assert answer["kv_bytes_per_token_per_gpu"] == 327_680
    names = [term["name"] for term in answer["terms"]]
    assert names[:2] == ["kept free", "weights"]
    assert names[-2:] == ["KV cache", "KV cache needed"]
    for offer in answer["counter_offers"]:
        assert offer["line"].startswith("aim-engine plan ")
        assert offer["line"].endswith(" --machine mi300x:1")


def test_the_card_holds_the_sum_and_what_to_run() -> None:
    done = run("fit", LLAMA, *ASKED, "--engine-version", "0.15")
    assert done.returncode == 0, done.stderr
    assert "1 user at 131,072 tokens" in done.stdout
    assert "131.4  modelled" in done.stdout
    assert "To make it fit, change one thing" in done.stdout
    assert f"aim-engine plan {LLAMA} --precision bf16 --context 131072 " in done.stdout
    assert "%aim" not in done.stdout


def test_a_config_and_measured_room_need_no_machine(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(SMALL))
    words = ["fit", "--config", str(tmp_path / "config.json"), "--available-kv-gib", "1"]
    answer = json.loads(run(*words, "--json").stdout)
    assert answer["available_kv_gib"] == [1.0, 1.0]
    assert answer["kv_bytes_per_token_per_gpu"] == 2 * 4 * 2 * 64 * 2
    assert answer["verdict"] == "FITS"
    assert "this config" in run(*words).stdout


def test_a_batch_answers_a_line_each_whatever_it_holds(tmp_path: Path) -> None:
    good = {"model": "Qwen/Qwen3-32B", "machine": "mi325x:2", "tp": 2, "users": 4}
    lines = [json.dumps(good), "rubbish", '{"model": "nosuch"}', '{"tp": 1}', "", "[1]"]
    text = "\n".join([*lines, json.dumps(good)])
    (tmp_path / "asked.jsonl").write_text(text)
    from_file = run("fit", "--batch", str(tmp_path / "asked.jsonl"))
    assert from_file.returncode == 0, from_file.stderr
    answers = [json.loads(line) for line in from_file.stdout.splitlines()]
    assert [answer["verdict"] for answer in answers] == ["FITS", *["unknown"] * 4, "FITS"]
    assert all(answer["reason"] for answer in answers)
    from_pipe = run("fit", "--batch", "-", "--json", input=text)
    assert from_pipe.stdout == from_file.stdout


@pytest.mark.parametrize(
    ("words", "code", "kind"),
    [
        (["fit"], 1, "BadUsage"),
        (["fit", "nosuchmodel"], 1, "UnknownName"),
        (["fit", LLAMA, "--machine", "mi999x"], 1, "UnknownName"),
        (["fit", LLAMA, "--machine", "mi300x:none"], 1, "BadUsage"),
        (["fit", LLAMA, "--tp", "0"], 1, "BadUsage"),
        (["fit", LLAMA, "--tp", "two"], 2, "BadUsage"),
        (["fit", LLAMA, "--util", "9"], 1, "BadUsage"),
        (["fit", LLAMA, "--weights-gib", "nan"], 1, "BadUsage"),
        (["fit", LLAMA, "--machine", "mi300x:1", "--recipe", "x"], 1, "UnknownName"),
        (["fit", LLAMA, "--wrong"], 2, "BadUsage"),
        (["fit", "--batch", "/no/such/file"], 1, "BadUsage"),
    ],
)
def test_a_bad_question_is_two_lines_or_one_object(words: list[str], code: int, kind: str) -> None:
    done = run(*words)
    assert done.returncode == code
    found, hint = done.stderr.splitlines()
    assert found.startswith(f"{kind}: ")
    assert hint.startswith(("Try: ", "To do: "))
    as_json = run(*words, "--json")
    assert (as_json.returncode, json.loads(as_json.stdout)["kind"]) == (code, kind)


def test_what_can_not_be_had_is_unknown_not_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    done = run("fit", "nobody/knows-this", "--machine", "mi300x:1", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["verdict"] == "unknown"
    assert "nobody/knows-this" in answer["notes"][0]


def test_the_history_is_a_table_by_the_contract() -> None:
    assert json.loads(run("fit", "--history", "--json").stdout) == []
    start = Start(
        at=1_700_000_000.0,
        model="Qwen/Qwen3-32B",
        recipe="mi300x-bf16-tp1",
        gpu_model="MI300X",
        engine="0.18.0",
        context_tokens=32768,
        verdict="FITS",
        started=True,
        kv_bytes=100 * GIB,
        kv_predicted_bytes=101 * GIB,
        boot_s=19.04,
    )
    fit.store(start)
    (row,) = json.loads(run("fit", "--history", "--json").stdout)
    assert (row["model"], row["kv_gib"], row["kv_error_pct"]) == ("Qwen/Qwen3-32B", 100.0, 1.0)
    assert (row["boot_s"], row["load_s"]) == (19.0, None)
    assert "mi300x-bf16-tp1" in run("fit", "--history").stdout
    table = frames.frame("fit", [{**row, "at": pd.Timestamp(row["at"])}])
    assert table.index.name == "at"
    assert table.started.dtype == "boolean"
    assert table.boot_s.dtype == "Float64"


def test_in_a_notebook_it_is_a_card_a_table_or_a_list(session: Session, tmp_path: Path) -> None:
    (card,) = session.run(f"%aim fit {LLAMA} --machine mi300x:1 --users 64").outputs
    assert "NO: " in card.data["text/plain"]
    assert "%aim plan" in card.data["text/plain"]
    assert 'role="img"' in card.data["text/html"]
    session.run("%aim fit --history")
    table: Any = session.value
    assert table.index.name == "at"
    (tmp_path / "asked").write_text('{"model": "Qwen/Qwen3-8B", "machine": "mi300x:1"}')
    session.run(f"%aim fit --batch {tmp_path / 'asked'}")
    answers: Any = session.value
    assert [answer["verdict"] for answer in answers] == ["FITS"]
    _, text = session.fails("%aim fit nosuchmodel")
    assert len(text.splitlines()) == 2


def test_python_gives_the_same() -> None:
    words = ["fit", LLAMA, *ASKED, "--engine-version", "0.15", "--json"]
    said = json.loads(run(*words).stdout.replace("aim-engine", "%aim"))
    question = {"util": 0.92, "max_model_len": 131072, "max_num_seqs": 1024, "tp": 1}
    question |= {"max_num_batched_tokens": 8192}
    more = {"dtype": "bfloat16", "kv_dtype": "auto", "engine_version": "0.15"}
    assert aim.fit(LLAMA, machine="mi300x:1", **question, **more) == said
    assert aim.fit_history().empty


def test_a_launch_without_room_is_refused_with_what_would_fit(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    simulated = gpus.machine("mi300x:1")
    real = structs.replace(simulated, simulated=False)
    monkeypatch.setattr("aim_jupyter.core.gpus.machine", lambda *_: real)
    request = Request(model="Qwen/Qwen3-32B", users=64, context=40960, recipe="mi300x-bf16-tp1")
    said = "64 users at 40,960 tokens need 640.0 GiB of KV cache; GPU 0 has room for "
    with pytest.raises(NoFit, match=said) as refused:
        api.plan(request)
    hint = refused.value.hint
    assert hint.startswith("%aim launch Qwen/Qwen3-32B --recipe mi300x-bf16-tp1 --users 64 ")


def test_a_no_is_refused_with_its_sum_and_force_is_recorded(fake: FakeEngine) -> None:
    fake(boot_s=0.1)
    refused = run("launch", "demo", "--users", "100")
    assert refused.returncode == 1
    assert "kept free" in refused.stderr
    assert "To make cpu-bf16-tp1 fit, change one thing" in refused.stderr
    last = refused.stderr.splitlines()[-2:]
    assert last[0].startswith("NoFit: cpu-bf16-tp1: 100 users at 1,024 tokens need 0.2 GiB of KV")
    line = last[1].removeprefix("Try: aim-engine ")
    assert line.startswith("launch demo --recipe cpu-bf16-tp1 ")
    plain = json.loads(run("launch", "demo", "--users", "100", "--json").stdout)
    assert plain["kind"] == "NoFit"
    assert plain["nearest"][0] == f"aim-engine {line}"

    forced = json.loads(run("launch", "demo", "--users", "100", "--force", "--json").stdout)
    why = "0.2 GiB of KV cache short: 8 of 100 users"
    assert forced["record"]["plan"]["overridden"] == why
    assert run("wait").returncode == 0
    (event,) = [one for one in serving.find("demo").events.read() if one.kind == "fit"]
    assert (event.message, event.level) == (f"launched with --force: {why}", "warning")
    (start,) = choice.history()
    assert start.forced
    assert run("stop").returncode == 0

    offered = run(*shlex.split(line), "--name", "offered")
    assert offered.returncode == 0, offered.stderr
    assert not serving.find("offered").read().plan.overridden


def test_auto_is_the_context_that_the_engine_gets(fake: FakeEngine) -> None:
    fake()
    asked = ("demo", "--users", "6", "--context", "auto")
    argv = json.loads(run("plan", *asked, "--json").stdout)["argv"]
    assert argv[argv.index("--max-model-len") + 1] == "1280"
    wrong = run("plan", "demo", "--context", "all")
    assert wrong.returncode == 2
    assert "'all' is no length of a context" in wrong.stderr
    found = aim.fit("demo", context="auto", users=6)
    assert (found["verdict"], found["settings"]["max_model_len"]) == ("FITS", 1280)
    table = aim.recipes("demo", users=6, context="auto")
    assert table.context_tokens.iloc[0] == 1280


def test_the_magic_knows_the_same_options() -> None:
    (command,) = [one for one in COMMANDS if one.name == "fit"]
    names = {name for argument in command.arguments for name in argument.names}
    assert names >= {
        *("--machine", "--users", "--context", "--max-model-len", "--tp", "--dtype"),
        *("--kv-dtype", "--util", "--max-num-seqs", "--max-num-batched-tokens"),
        *("--engine-version", "--weights-gib", "--available-kv-gib", "--config"),
        *("--history", "--batch"),
    }
