"""Whether a model fits: the verdict that a launch would be judged by."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from aim_jupyter.commands import parsing
from aim_jupyter.core import fit
from aim_jupyter.core.api import fitting
from aim_jupyter.core.api.fitting import Answered
from aim_jupyter.core.errors import BadUsage, UnknownName
from aim_jupyter.core.sizes import GIB
from tests.core.choice.test_judging import LLAMA, UNTOLD, only, ranked


@pytest.mark.parametrize(
    ("version", "verdicts", "room"),
    [("0.15", {"NO", "TIGHT"}, 39.07), ("0.18", {"FITS", "TIGHT"}, 41.88)],
)
def test_the_verdict_flips_with_the_version(
    ask: Callable[..., Answered], version: str, verdicts: set[str], room: float
) -> None:
    found = ask(
        model=LLAMA,
        machine="mi300x:1",
        tp=1,
        dtype="bfloat16",
        util=0.92,
        max_model_len=131072,
        max_num_seqs=1024,
        max_num_batched_tokens=8192,
        engine_version=version,
    ).fit
    assert found.verdict in verdicts
    assert found.need is not None
    assert found.need.low == 40 * GIB
    assert found.available is not None
    assert found.available.low <= room * GIB <= found.available.high


def test_a_machine_may_be_any_that_can_be_simulated(ask: Callable[..., Answered]) -> None:
    device = ask(model="Qwen/Qwen3-8B", machine="mi325x:2", tp=2).fit.device
    assert device is not None
    assert (device.model, device.count) == ("MI325X", 2)
    partition = ask(model="Qwen/Qwen3-8B", machine="mi300x:1:cpx-nps4").fit.device
    assert partition is not None
    assert partition.total_bytes < 25 * GIB
    other = ask(model="Qwen/Qwen3-8B", machine="h200:1").fit.device
    assert other is not None
    assert other.family == "cuda"


def test_this_machine_is_its_processor_where_it_has_no_gpu(
    ask: Callable[..., Answered],
) -> None:
    found = ask(model="demo")
    assert found.fit.device is not None
    assert found.fit.device.family == "cpu"
    assert found.fit.verdict == "FITS"
    assert found.fit.settings.kv_cache_bytes, "as the recipe sets it"


def test_a_recipe_brings_its_options(ask: Callable[..., Answered]) -> None:
    plain = ask(model="Qwen/Qwen3-32B", machine="mi300x:1").fit
    with_recipe = ask(model="Qwen/Qwen3-32B", machine="mi300x:1", recipe="mi300x-fp8-tp1").fit
    assert with_recipe.model == "Qwen/Qwen3-32B-FP8"
    assert with_recipe.weights != plain.weights
    with pytest.raises(UnknownName, match="mi300x-fp8-tp1"):
        ask(model="Qwen/Qwen3-32B", machine="mi300x:1", recipe="mi300x-fp9-tp1")


def test_every_offer_of_an_answer_has_its_line(ask: Callable[..., Answered]) -> None:
    answered = ask(model="Qwen/Qwen3-32B", machine="mi300x:1", users=64, max_model_len=32768)
    plain = fitting.fit_json(answered)
    assert plain["verdict"] == "NO"
    assert plain["counter_offers"]
    for offer in plain["counter_offers"]:
        assert re.match(r"%aim (plan|fit) Qwen/Qwen3-32B ", offer["line"])
        command, _ = parsing.parse(parsing.split(offer["line"].removeprefix("%aim ")))
        assert command.name in ("plan", "fit")


def test_where_there_are_no_recipes_the_question_is_asked_anew(
    ask: Callable[..., Answered],
) -> None:
    answered = ask(model="Qwen/Qwen3-32B", machine="h200:1", users=64, max_model_len=32768)
    assert (answered.fit.verdict, answered.fit.device and answered.fit.device.model) == (
        "NO",
        "H200",
    )
    assert answered.fit.offers


def test_what_nobody_knows_is_unknown_or_an_error(ask: Callable[..., Answered]) -> None:
    assert ask(model="nobody/knows-this", machine="mi300x:1").fit.verdict == "unknown"
    assert ask(model=UNTOLD, machine="mi300x:8", tp=8).fit.verdict == "unknown"
    with pytest.raises(BadUsage):
        ask(machine="mi300x:1")
    with pytest.raises(UnknownName, match="mi300x"):
        ask(model="Qwen/Qwen3-8B", machine="mi300z:8")
    with pytest.raises(BadUsage):
        ask(model="Qwen/Qwen3-8B", machine="mi300x:1", tp="two")


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answered]:
    """Return a function that asks without the Hub."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return lambda **question: fitting.fit(question)


def test_a_start_on_this_site_is_believed(ask: Callable[..., Answered]) -> None:
    recipe = "mi300x-bf16-tp1"
    before = only(ranked("Qwen/Qwen3-32B", "mi300x:1"), recipe)
    predicted = ask(model="Qwen/Qwen3-32B", machine="mi300x:1", recipe=recipe).fit
    assert predicted.reason == before.reason, "asked either way"
    facts = {"weights_bytes": 61.0 * GIB, "available_kv_bytes": 99.0 * GIB}
    start = fit.outcome(predicted, facts, at=1.0, started=True)
    after = only(ranked("Qwen/Qwen3-32B", "mi300x:1", starts=(start,)), recipe)
    assert before.kv_bytes != pytest.approx(99 * GIB, abs=GIB)
    assert after.kv_bytes == pytest.approx(99 * GIB, abs=GIB)


def test_a_question_without_a_device_takes_the_room_that_is_given(
    ask: Callable[..., Answered],
) -> None:
    found = ask(model="Qwen/Qwen3-8B", available_kv_gib=14.0625, max_model_len=32768).fit
    assert found.device is None
    assert found.kv_tokens is not None
    assert found.kv_tokens.low == pytest.approx(102_400, abs=16)
